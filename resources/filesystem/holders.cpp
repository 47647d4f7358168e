#include "holders.hpp"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <fstream>
#include <memory>
#include <thread>

namespace mainstay::filesystem {

namespace {

using namespace std::chrono_literals;

struct closer {
    void operator()(DIR* dir) const { ::closedir(dir); }
};
using directory_stream = std::unique_ptr<DIR, closer>;

std::vector<std::string> entries(const std::string& path) {
    std::vector<std::string> names;
    directory_stream dir(::opendir(path.c_str()));
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

bool below(const std::string& path, const std::string& directory) {
    if (path.compare(0, directory.size(), directory) != 0) return false;
    return path.size() == directory.size() || path[directory.size()] == '/';
}

bool maps_below(const std::string& process, const std::string& directory) {
    std::ifstream in(process + "/maps");
    for (std::string line; std::getline(in, line);) {
        auto path = line.find('/');
        if (path != std::string::npos && below(line.substr(path), directory)) return true;
    }
    return false;
}

bool holds(const std::string& process, const std::string& directory) {
    for (const char* link : {"/cwd", "/root", "/exe"})
        if (below(link_target(process + link), directory)) return true;
    for (const auto& fd : entries(process + "/fd"))
        if (below(link_target(process + "/fd/" + fd), directory)) return true;
    return maps_below(process, directory);
}

std::string name_of(const std::string& process) {
    std::ifstream in(process + "/comm");
    std::string name;
    std::getline(in, name);
    return name;
}

}  // namespace

std::vector<holder> holders_of(const std::string& directory) {
    std::vector<holder> list;
    for (const auto& name : entries("/proc")) {
        bool number = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
        if (!number) continue;
        auto pid = static_cast<pid_t>(std::stol(name));
        auto process = "/proc/" + name;
        if (pid != ::getpid() && pid != 1 && holds(process, directory)) list.push_back({pid, name_of(process)});
    }
    return list;
}

void end_holders(const std::string& directory, std::chrono::milliseconds patience) {
    for (int signal : {SIGTERM, SIGKILL}) {
        for (const auto& item : holders_of(directory)) ::kill(item.pid, signal);
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!holders_of(directory).empty()) {
            if (std::chrono::steady_clock::now() >= deadline) break;
            std::this_thread::sleep_for(20ms);
        }
    }
}

std::string list_of(const std::vector<holder>& list) {
    constexpr std::size_t shown_max = 5;
    std::string text;
    for (std::size_t i = 0; i < std::min(list.size(), shown_max); ++i)
        text += (text.empty() ? "" : ", ") + list[i].name + " (pid " + std::to_string(list[i].pid) + ")";
    if (list.size() > shown_max) text += " and " + std::to_string(list.size() - shown_max) + " more";
    return text;
}

}  // namespace mainstay::filesystem
