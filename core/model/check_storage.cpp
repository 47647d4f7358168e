// Rules for the volume groups and file systems of packages (SG 3.9).
#include <map>
#include <sstream>

#include "model/check.hpp"

namespace mainstay::checking {

namespace {

using group_owners = std::map<std::string, const package_config*>;

void check_groups(const package_config& package, group_owners& owners, problems& found) {
    for (const auto& item : package.volume_groups) {
        auto [first, fresh] = owners.emplace(item.name, &package);
        if (!fresh)
            add_error(found, item.where, "vg",
                      first->second == &package ? item.name + " is named above already"
                                                : item.name + " is a volume group of package " + first->second->name,
                      "each volume group once, in one package");
    }
    if (!package.volume_groups.empty() && package.everywhere())
        add_error(found, package.volume_groups.front().where, "vg",
                  "a volume group is active on one node at a time, and package " + package.name + " runs on several",
                  "a failover package");
}

// What follows each -a or --activate: y, ey, n, ...
std::vector<std::string> activation_modes(const std::string& command) {
    std::vector<std::string> modes;
    std::istringstream words(command);
    for (std::string word; words >> word;) {
        bool apart = word == "-a" || word == "--activate";
        if (apart && !(words >> word)) break;
        if (!apart && word.starts_with("--activate=")) {
            word.erase(0, word.find('=') + 1);
        } else if (!apart && word.starts_with("-a")) {
            word.erase(0, 2);
        } else if (!apart) {
            continue;
        }
        modes.push_back(word);
    }
    return modes;
}

// vgchange goes by the last one. Not for the parser: a log may have it.
void check_activation(const package_config& package, problems& found) {
    auto modes = activation_modes(package.storage.activation);
    for (const auto& mode : modes)
        if (mode != modes.front())
            return add_error(found, position(package.lines, "vgchange_cmd", package.where), "vgchange_cmd",
                             "-a " + modes.front() + " and -a " + mode + " contradict each other", "vgchange -a y");
}

void check_server(const filesystem_config& item, problems& found) {
    bool wanted = item.type == "nfs" || item.type == "nfs4";
    if (wanted && item.server.empty())
        add_missing(found, item.where, "fs_server", "an nfs file system needs its server", "fs_server NAME");
    if (!wanted && !item.server.empty())
        add_error(found, position(item.lines, "fs_server", item.where), "fs_server",
                  "only an nfs file system has a server", "fs_type nfs, or no fs_server");
}

}  // namespace

void check_storage(const configuration& config, problems& found) {
    group_owners owners;
    for (const auto& package : config.packages) {
        check_groups(package, owners, found);
        check_activation(package, found);
        for (const auto& item : package.filesystems) {
            if (item.directory.empty()) {
                add_missing(found, item.where, "fs_name", "file system " + item.name + " is mounted nowhere",
                            "an fs_directory line below");
                continue;
            }
            if (item.type.empty())
                add_missing(found, item.where, "fs_name", "the type of file system " + item.name + " is not given",
                            "an fs_type line below, such as fs_type ext4");
            check_server(item, found);
        }
    }
}

}  // namespace mainstay::checking
