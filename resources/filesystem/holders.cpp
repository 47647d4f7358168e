#include "holders.hpp"

#include <sys/stat.h>

#include <fstream>

namespace mainstay::filesystem {

namespace {

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

// A container's paths are its own, even when they read like ours.
bool lives_elsewhere(const std::string& process) {
    if (kit::link_target(process + "/ns/mnt") == kit::link_target("/proc/self/ns/mnt")) return false;
    struct stat theirs {};
    struct stat ours {};
    if (::stat((process + "/root").c_str(), &theirs) != 0 || ::stat("/", &ours) != 0) return false;
    return theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino;
}

bool holds(const std::string& process, const std::string& directory) {
    if (lives_elsewhere(process)) return false;
    for (const char* link : {"/cwd", "/root", "/exe"})
        if (below(kit::link_target(process + link), directory)) return true;
    const auto folder = process + "/fd/";
    for (const auto& fd : kit::entries_of(folder))
        if (below(kit::link_target(std::string(folder).append(fd)), directory)) return true;
    return maps_below(process, directory);
}

}  // namespace

std::vector<kit::process> holders_of(const std::string& directory) {
    return kit::processes_that([&](const std::string& process) { return holds(process, directory); });
}

}  // namespace mainstay::filesystem
