// Rules for file systems (SG 3.9): one owner of each device, and mounts that don't hide each other.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "model/check.hpp"
#include "model/mount_path.hpp"

namespace mainstay::checking {

namespace {

// Made for several machines at once.
bool is_shared(std::string_view type) {
    constexpr std::array types{"nfs",  "nfs4",      "cifs", "smb3",     "glusterfs",  "fuse.glusterfs",
                               "ceph", "fuse.ceph", "gfs2", "ocfs2",    "lustre",     "beegfs",
                               "gpfs", "9p",        "afs",  "virtiofs", "fuse.sshfs", "fuse.s3fs"};
    return std::find(types.begin(), types.end(), type) != types.end();
}

// Without a device: each machine has its own, or it is a directory mounted once more (none, with fs_mount_opt bind).
bool has_no_device(std::string_view type) {
    constexpr std::array types{"tmpfs", "ramfs",  "none",    "overlay", "hugetlbfs", "proc",
                               "sysfs", "mqueue", "debugfs", "tracefs", "configfs",  "cgroup2"};
    return std::find(types.begin(), types.end(), type) != types.end();
}

bool is_local(const filesystem_config& item) {
    return !item.type.empty() && !is_shared(item.type) && !has_no_device(item.type);
}

struct logical_volume {
    std::string group;
    std::string volume;
};

// /dev/mapper/GROUP-VOLUME, with every - of the names written twice.
std::optional<logical_volume> of_mapper(std::string_view name) {
    logical_volume out;
    auto* part = &out.group;
    for (std::size_t i = 0; i < name.size(); ++i) {
        bool twice = name[i] == '-' && i + 1 < name.size() && name[i + 1] == '-';
        if (name[i] == '-' && !twice && part == &out.group) {
            part = &out.volume;
            continue;
        }
        *part += name[i];
        if (twice) ++i;
    }
    if (out.group.empty() || out.volume.empty()) return std::nullopt;
    return out;
}

// /dev/GROUP/VOLUME, where no driver is known to have a folder of that name; or as the mapper calls it.
std::optional<logical_volume> volume_of(const std::string& device) {
    constexpr std::string_view mapper = "/dev/mapper/";
    constexpr std::string_view folder = "/dev/";
    constexpr std::array drivers{"disk",  "md",   "drbd", "cciss", "rd",   "ida", "mpath",
                                 "block", "zvol", "rbd",  "vx",    "loop", "nbd", "mapper"};
    if (device.starts_with(mapper)) return of_mapper(std::string_view(device).substr(mapper.size()));
    if (!device.starts_with(folder)) return std::nullopt;
    auto rest = device.substr(folder.size());
    auto slash = rest.find('/');
    if (slash == std::string::npos || rest.find('/', slash + 1) != std::string::npos) return std::nullopt;
    auto group = rest.substr(0, slash);
    if (std::find(drivers.begin(), drivers.end(), group) != drivers.end()) return std::nullopt;
    return logical_volume{group, rest.substr(slash + 1)};
}

// One name for each device, as far as names tell.
std::string device_of(const filesystem_config& item) {
    if (item.name.empty() || item.name.front() != '/') return item.name;
    auto path = plain_path(item.name);
    auto volume = volume_of(path);
    return volume ? "/dev/" + volume->group + '/' + volume->volume : path;
}

std::string place(const source_position& where) { return where.file + " line " + std::to_string(where.line); }

struct use {
    const package_config* package;
    const filesystem_config* item;
};
using owners = std::map<std::string, use>;

// Several subvolumes of one btrfs are mounted side by side.
bool side_by_side(const filesystem_config& a, const filesystem_config& b) {
    return a.type == "btrfs" && b.type == "btrfs" && a.mount_options != b.mount_options;
}

void check_owner(const package_config& package, const filesystem_config& item, owners& known, problems& found) {
    if (!is_local(item) || item.name.empty()) return;
    if (package.everywhere())
        add_error(found, position(item.lines, "fs_type", item.where), "fs_type",
                  item.type + " can be mounted on one node at a time, and package " + package.name + " runs on several",
                  "a failover package, or a file system that is made for it: nfs, cifs, glusterfs, ceph, gfs2, ocfs2");
    auto [first, fresh] = known.emplace(device_of(item), use{&package, &item});
    if (fresh) return;
    const auto& other = first->second;
    if (other.package == &package) {
        if (!side_by_side(*other.item, item))
            add_error(
                found, item.where, "fs_name",
                item.name + " is mounted by the fs_name on line " + std::to_string(other.item->where.line) + " already",
                "each device once; another directory of it with fs_type none and fs_mount_opt bind");
        return;
    }
    add_error(found, item.where, "fs_name",
              item.name + " is mounted by package " + other.package->name + " too (" + place(other.item->where) +
                  "): on two nodes at once its data would be destroyed",
              "each device in one package; what needs it depends on that package, or is part of it");
}

void check_group(const configuration& config, const package_config& package, const filesystem_config& item,
                 problems& found) {
    auto path = plain_path(item.name);
    auto volume = is_local(item) && item.name.starts_with("/dev/") ? volume_of(path) : std::nullopt;
    if (!volume) return;
    auto has = [&volume](const package_config& other) {
        return std::any_of(other.volume_groups.begin(), other.volume_groups.end(),
                           [&volume](const auto& group) { return group.name == volume->group; });
    };
    if (has(package)) return;
    auto owner = std::find_if(config.packages.begin(), config.packages.end(), has);
    if (owner != config.packages.end()) {
        add_error(found, item.where, "fs_name",
                  item.name + " is in volume group " + volume->group + ", which is one of package " + owner->name,
                  "the file system in package " + owner->name);
    } else if (!path.starts_with("/dev/mapper/")) {
        // A name of the mapper may be anything else.
        add_warning(found, item.where, "fs_name",
                    "if " + volume->group +
                        " is a volume group it has to be active on every node of the package: no `vg " + volume->group +
                        "` line says that the package activates it");
    }
}

// Against those above it in the file, which are mounted before.
void check_directory(const package_config& package, std::size_t number, problems& found) {
    const auto& item = package.filesystems[number];
    auto where = position(item.lines, "fs_directory", item.where);
    auto path = plain_path(item.directory);
    if (path == "/")
        return add_error(found, where, "fs_directory", "/ is where the system itself is", "a directory of its own");
    if ((path + '/').find("/../") != std::string::npos)
        return add_error(found, where, "fs_directory", item.directory + " goes up with ..",
                         "the path as it is without ..");
    for (std::size_t i = 0; i < number; ++i) {
        const auto& above = package.filesystems[i];
        auto other = plain_path(above.directory);
        if (above.directory.empty()) continue;
        auto line = position(above.lines, "fs_directory", above.where).line;
        if (other == path)
            return add_error(found, where, "fs_directory", fmt::format("{} is used on line {} already", path, line),
                             "a directory of its own for each file system");
        if (lies_in(other, path))
            return add_error(found, where, "fs_directory",
                             fmt::format("{} would hide {} of line {}, which is mounted before it", path, other, line),
                             fmt::format("the fs_name of {} above that of {}", path, other));
    }
}

}  // namespace

void check_filesystems(const configuration& config, problems& found) {
    owners known;
    for (const auto& package : config.packages) {
        for (std::size_t i = 0; i < package.filesystems.size(); ++i) {
            const auto& item = package.filesystems[i];
            check_owner(package, item, known, found);
            check_group(config, package, item, found);
            if (!item.directory.empty()) check_directory(package, i, found);
        }
    }
}

}  // namespace mainstay::checking
