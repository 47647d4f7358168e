#include "common/processes.hpp"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <fstream>
#include <memory>
#include <thread>

namespace mainstay::kit {

namespace {

using namespace std::chrono_literals;

struct closer {
    void operator()(DIR* dir) const { ::closedir(dir); }
};
using directory_stream = std::unique_ptr<DIR, closer>;

std::string name_of(const std::string& process) {
    std::ifstream in(process + "/comm");
    std::string name;
    std::getline(in, name);
    return name;
}

}  // namespace

std::vector<std::string> entries_of(const std::string& directory) {
    std::vector<std::string> names;
    directory_stream dir(::opendir(directory.c_str()));
    if (!dir) return names;
    while (const auto* entry = ::readdir(dir.get())) names.emplace_back(entry->d_name);
    return names;
}

std::string link_target(const std::string& path) {
    std::string target(4096, '\0');
    auto size = ::readlink(path.c_str(), target.data(), target.size());
    target.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return target;
}

std::vector<process> processes_that(const std::function<bool(const std::string&)>& holds) {
    std::vector<process> list;
    for (const auto& name : entries_of("/proc")) {
        bool number = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
        if (!number) continue;
        auto pid = static_cast<pid_t>(std::stol(name));
        auto place = "/proc/" + name;
        if (pid != ::getpid() && pid != 1 && holds(place)) list.push_back({pid, name_of(place)});
    }
    return list;
}

void end_processes(const std::function<std::vector<process>()>& find, std::chrono::milliseconds patience) {
    for (int signal : {SIGTERM, SIGKILL}) {
        for (const auto& item : find()) ::kill(item.pid, signal);
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!find().empty()) {
            if (std::chrono::steady_clock::now() >= deadline) break;
            std::this_thread::sleep_for(20ms);
        }
    }
}

std::string list_of(const std::vector<process>& list) {
    constexpr std::size_t shown_max = 5;
    std::string text;
    for (std::size_t i = 0; i < std::min(list.size(), shown_max); ++i)
        text += (text.empty() ? "" : ", ") + list[i].name + " (pid " + std::to_string(list[i].pid) + ")";
    if (list.size() > shown_max) text += " and " + std::to_string(list.size() - shown_max) + " more";
    return text;
}

}  // namespace mainstay::kit
