#include "guard/package_groups.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace mainstay::guard {

namespace {

std::string read_whole(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::string own_group(const std::string& cgroup, const std::string& mounts) {
    std::string place;
    std::istringstream groups(cgroup);
    for (std::string line; std::getline(groups, line);)
        if (line.starts_with("0::/")) place = line.substr(3);
    std::istringstream lines(mounts);
    std::string device;
    std::string directory;
    std::string type;
    for (std::string line; !place.empty() && std::getline(lines, line);) {
        std::istringstream words(line);
        if (words >> device >> directory >> type && type == "cgroup2") return directory + (place == "/" ? "" : place);
    }
    return {};
}

void package_groups::open(const std::string& guard) {
    auto own = own_group(read_whole("/proc/self/cgroup"), read_whole("/proc/self/mounts"));
    bool usable = !own.empty() && ::access((own + "/cgroup.procs").c_str(), W_OK) == 0;
    prefix_ = usable ? own + "/mainstay-" + guard + '-' : "";
    packages_.clear();
    std::error_code wrong;
    // A guard that takes over detached packages goes on with their groups.
    for (std::filesystem::directory_iterator at(own, wrong), end; usable && !wrong && at != end; at.increment(wrong))
        if (auto path = at->path().string(); path.starts_with(prefix_)) packages_.insert(path.substr(prefix_.size()));
}

std::string package_groups::path_of(const std::string& package) const {
    auto name = package;
    std::replace(name.begin(), name.end(), '/', '_');
    return prefix_ + name;
}

std::string package_groups::join(const std::string& package) {
    if (prefix_.empty() || package.empty()) return {};
    auto path = path_of(package);
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return {};
    packages_.insert(package);
    return path + "/cgroup.procs";
}

std::set<pid_t> package_groups::members(const std::string& package) const {
    std::set<pid_t> out;
    if (prefix_.empty()) return out;
    std::istringstream numbers(read_whole(path_of(package) + "/cgroup.procs"));
    // 0 is one that lives in a process namespace not ours.
    for (pid_t pid = 0; numbers >> pid;)
        if (pid > 0) out.insert(pid);
    return out;
}

std::set<pid_t> package_groups::members() const {
    std::set<pid_t> out;
    for (const auto& package : packages_) out.merge(members(package));
    return out;
}

void package_groups::tidy() {
    std::erase_if(packages_,
                  [this](const auto& package) { return ::rmdir(path_of(package).c_str()) == 0 || errno == ENOENT; });
}

}  // namespace mainstay::guard
