// The keywords of a package about its file systems (SG 3.9).
#include <array>

#include "model/builder.hpp"

namespace mainstay::parsing {

namespace {

void open_filesystem(builder& b, const statement& s) {
    auto name = b.word(s, "a device, such as /dev/vg01/lvol1, or what the file system type wants");
    b.package().filesystems.push_back({.name = name.value_or(""), .where = s.where});
}

using sec = section;
constexpr std::uint32_t retries_max = 1000;
constexpr std::uint32_t concurrent_max = 100;

constexpr std::array storage_table{
    keyword{"fs_name", sec::filesystem, true, false, open_filesystem},
    keyword{
        "fs_server", sec::filesystem, false, false,
        [](builder& b, const statement& s) { b.filesystem().server = b.word(s, "the name of a server").value_or(""); }},
    keyword{"fs_directory", sec::filesystem, false, false,
            [](builder& b, const statement& s) { b.path(s, b.filesystem().directory); }},
    keyword{"fs_type", sec::filesystem, false, false,
            [](builder& b, const statement& s) {
                b.filesystem().type = b.word(s, "a file system type, such as ext4 or nfs").value_or("");
            }},
    keyword{"fs_mount_opt", sec::filesystem, false, false,
            [](builder& b, const statement& s) { b.filesystem().mount_options = whole_value(s.rest); }},
    keyword{"fs_umount_opt", sec::filesystem, false, false,
            [](builder& b, const statement& s) { b.filesystem().umount_options = whole_value(s.rest); }},
    keyword{"fs_fsck_opt", sec::filesystem, false, false,
            [](builder& b, const statement& s) { b.filesystem().fsck_options = whole_value(s.rest); }},
    keyword{"fs_mount_retry_count", sec::package, false, false,
            [](builder& b, const statement& s) { b.count(s, 0, retries_max, b.package().storage.mount_retries); }},
    keyword{"fs_umount_retry_count", sec::package, false, false,
            [](builder& b, const statement& s) { b.count(s, 1, retries_max, b.package().storage.umount_retries); }},
    keyword{"concurrent_fsck_operations", sec::package, false, false,
            [](builder& b, const statement& s) { b.count(s, 1, concurrent_max, b.package().storage.concurrent_fsck); }},
    keyword{
        "concurrent_mount_and_umount_operations", sec::package, false, false,
        [](builder& b, const statement& s) { b.count(s, 1, concurrent_max, b.package().storage.concurrent_mount); }},
};

}  // namespace

std::span<const keyword> storage_keywords() { return storage_table; }

}  // namespace mainstay::parsing
