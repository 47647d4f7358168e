#include "mounts.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace mainstay::filesystem {

namespace {

// The kernel writes blanks and the like as \040.
std::string plain(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool escape = text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3';
        if (!escape) {
            out += text[i];
            continue;
        }
        out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
        i += 3;
    }
    return out;
}

// LABEL=data and its like, as the device that udev has by that name.
std::string device_path(const std::string& source) {
    constexpr std::array names{std::pair{"UUID=", "/dev/disk/by-uuid/"}, std::pair{"LABEL=", "/dev/disk/by-label/"},
                               std::pair{"PARTUUID=", "/dev/disk/by-partuuid/"},
                               std::pair{"PARTLABEL=", "/dev/disk/by-partlabel/"}};
    for (const auto& [name, folder] : names)
        if (source.starts_with(name)) return folder + source.substr(std::strlen(name));
    return source;
}

std::optional<struct stat> look_at(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return std::nullopt;
    return info;
}

// The file behind a loop device; nothing when it is none.
std::string backing_file(const struct stat& device) {
    std::ifstream in("/sys/dev/block/" + std::to_string(major(device.st_rdev)) + ':' +
                     std::to_string(minor(device.st_rdev)) + "/loop/backing_file");
    std::string path;
    std::getline(in, path);
    return path;
}

same_source as(bool same) { return same ? same_source::yes : same_source::no; }

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

}  // namespace

same_source mounted_from(const std::string& source, const std::string& type, const mount_entry& entry,
                         const std::string& directory) {
    if (entry.source == source) return same_source::yes;
    bool network = type.starts_with("nfs") || type == "cifs";
    if (network) return entry.type == type || entry.type.starts_with("nfs") ? same_source::unknown : same_source::no;
    auto path = device_path(source);
    // Neither a path nor a name of a device. Of these the kernel lists the very word.
    bool word = type == "tmpfs" || type == "overlay";
    if (!path.starts_with('/')) return entry.type == type && !word ? same_source::unknown : same_source::no;
    auto wanted = look_at(path);
    if (!wanted) return same_source::unknown;
    if (S_ISDIR(wanted->st_mode)) {
        auto here = look_at(directory);
        return here ? as(same_file(*wanted, *here)) : same_source::unknown;
    }
    if (!entry.source.starts_with('/')) return same_source::no;
    auto listed = look_at(entry.source);
    if (!listed || !S_ISBLK(listed->st_mode)) return same_source::unknown;
    if (S_ISBLK(wanted->st_mode)) {
        // Of several devices the kernel lists any one.
        bool several = entry.type == "btrfs" || entry.type == "bcachefs";
        if (listed->st_rdev == wanted->st_rdev) return same_source::yes;
        return several && entry.type == type ? same_source::unknown : same_source::no;
    }
    auto image = look_at(backing_file(*listed));
    return image ? as(same_file(*wanted, *image)) : same_source::unknown;
}

// 36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/root rw
std::optional<mount_entry> mounted_at(const std::string& directory) {
    std::optional<mount_entry> found;
    std::ifstream in("/proc/self/mountinfo");
    // Not having looked is not "nothing is mounted": an exception is answered as unknown.
    if (!in) throw std::runtime_error(std::string("/proc/self/mountinfo can't be read: ") + std::strerror(errno));
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::vector<std::string> list;
        for (std::string word; words >> word;) list.push_back(word);
        std::size_t dash = 6;
        while (dash < list.size() && list[dash] != "-") ++dash;
        if (dash + 2 >= list.size() || plain(list[4]) != directory) continue;
        found = mount_entry{plain(list[dash + 2]), list[dash + 1]};
    }
    return found;
}

}  // namespace mainstay::filesystem
