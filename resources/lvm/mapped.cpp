#include "mapped.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace mainstay::lvm {

namespace {

std::string first_line(const std::string& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

std::string block(const std::string& sys, const std::string& kernel) {
    return std::string(sys).append("/block/").append(kernel);
}

// `a--b-data`: where the single dash is that parts group and volume.
std::size_t parting(std::string_view name) {
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (name[i] != '-') continue;
        if (i + 1 == name.size() || name[i + 1] != '-') return i;
        ++i;
    }
    return std::string_view::npos;
}

std::string without_doubling(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        if (text[i] == '-') ++i;
    }
    return out;
}

// The kernel writes blanks and the like as \040.
std::string mount_point(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.compare(i, 4, "\\040") == 0) {
            out += ' ';
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

// 36 35 98:0 /root /mount/point ...
std::vector<std::string> mounts_of(const std::string& number) {
    std::vector<std::string> list;
    std::ifstream in("/proc/self/mountinfo");
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string id, parent, device, root, where;
        words >> id >> parent >> device >> root >> where;
        if (device == number) list.push_back(mount_point(where));
    }
    return list;
}

// What is opened is looked at only where its name is a device's: a dead file server would hold whoever does more.
bool opens(const std::string& process, const std::vector<mapped_volume>& volumes) {
    const auto folder = process + "/fd/";
    for (const auto& fd : kit::entries_of(folder)) {
        auto place = std::string(folder).append(fd);
        if (!kit::link_target(place).starts_with("/dev/")) continue;
        struct stat info {};
        if (::stat(place.c_str(), &info) != 0 || !S_ISBLK(info.st_mode)) continue;
        auto number = std::to_string(major(info.st_rdev)) + ":" + std::to_string(minor(info.st_rdev));
        if (std::any_of(volumes.begin(), volumes.end(), [&](const auto& item) { return item.number == number; }))
            return true;
    }
    return false;
}

// Devices built upon it, but for those of the group itself.
std::vector<std::string> built_on(const mapped_volume& item, const std::vector<mapped_volume>& group,
                                  const std::string& sys) {
    std::vector<std::string> list;
    for (const auto& holder : kit::entries_of(block(sys, item.kernel) + "/holders")) {
        bool own = std::any_of(group.begin(), group.end(), [&](const auto& other) { return other.kernel == holder; });
        if (holder.front() == '.' || own) continue;
        auto name = first_line(block(sys, holder) + "/dm/name");
        list.push_back(name.empty() ? holder : name);
    }
    return list;
}

}  // namespace

std::string group_of(std::string_view mapper_name) {
    auto dash = parting(mapper_name);
    if (dash == std::string_view::npos || dash == 0) return {};
    return without_doubling(mapper_name.substr(0, dash));
}

std::vector<mapped_volume> mapped_volumes(const std::string& group, const std::string& sys) {
    std::vector<mapped_volume> list;
    for (const auto& kernel : kit::entries_of(sys + "/block")) {
        if (!kernel.starts_with("dm-")) continue;
        auto place = block(sys, kernel);
        auto name = first_line(place + "/dm/name");
        if (!first_line(place + "/dm/uuid").starts_with("LVM-") || group_of(name) != group) continue;
        auto volume = without_doubling(std::string_view(name).substr(parting(name) + 1));
        list.push_back({std::move(volume), kernel, first_line(place + "/dev")});
    }
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return list;
}

// A directory that can be read lists itself.
bool mapped_known(const std::string& sys) { return !kit::entries_of(sys + "/block").empty(); }

std::vector<kit::process> openers_of(const std::vector<mapped_volume>& volumes) {
    return kit::processes_that([&](const std::string& process) { return opens(process, volumes); });
}

std::string usage_of(const std::vector<mapped_volume>& volumes, const std::string& sys) {
    std::string text;
    for (const auto& item : volumes) {
        text += (text.empty() ? "" : "; ") + item.name;
        for (const auto& where : mounts_of(item.number)) text += ", mounted on " + where;
        for (const auto& device : built_on(item, volumes, sys)) text += ", under " + device;
        if (auto list = openers_of({item}); !list.empty()) text += ", open in " + kit::list_of(list);
    }
    return text;
}

}  // namespace mainstay::lvm
