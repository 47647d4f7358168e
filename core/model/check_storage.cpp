// Rules for the file systems of packages (SG 3.9).
#include <map>

#include "model/check.hpp"

namespace mainstay::checking {

void check_storage(const configuration& config, problems& found) {
    for (const auto& package : config.packages) {
        std::map<std::string, source_position> directories;
        for (const auto& item : package.filesystems) {
            if (item.directory.empty()) {
                add_error(found, item.where, "fs_name", "file system " + item.name + " is mounted nowhere",
                          "an fs_directory line below");
                continue;
            }
            if (item.type.empty())
                add_error(found, item.where, "fs_name", "the type of file system " + item.name + " is not given",
                          "an fs_type line below, such as fs_type ext4");
            if (item.server.empty() != (item.type != "nfs" && item.type != "nfs4"))
                add_error(found, position(item.lines, "fs_server", item.where), "fs_server",
                          item.server.empty() ? "an nfs file system needs its server"
                                              : "only an nfs file system has a server",
                          item.server.empty() ? "fs_server NAME" : "fs_type nfs, or no fs_server");
            auto [first, fresh] = directories.emplace(item.directory, item.where);
            if (!fresh)
                add_error(found, position(item.lines, "fs_directory", item.where), "fs_directory",
                          item.directory + " is used on line " + std::to_string(first->second.line) + " already");
        }
        for (const auto* keyword : {"concurrent_fsck_operations", "concurrent_mount_and_umount_operations"}) {
            auto line = package.lines.find(keyword);
            bool one = package.storage.concurrent_fsck == 1 && package.storage.concurrent_mount == 1;
            if (line != package.lines.end() && !one)
                add_warning(found, line->second, keyword, "file systems are mounted one after another here");
        }
    }
}

}  // namespace mainstay::checking
