// The keywords of a package about its volume groups and file systems (SG 3.9).
#include <algorithm>
#include <array>
#include <sstream>

#include "model/builder.hpp"

namespace mainstay::parsing {

namespace {

// As LVM has it.
bool is_group_name(std::string_view name) {
    constexpr std::size_t chars_max = 127;
    bool known = std::all_of(name.begin(), name.end(), [](char c) {
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        return alnum || c == '+' || c == '_' || c == '.' || c == '-';
    });
    return known && !name.empty() && name.size() <= chars_max && name.front() != '-' && name != "." && name != "..";
}

void take_group(builder& b, const statement& s) {
    constexpr std::string_view expected = "the name of a volume group, such as vg01";
    auto name = b.word(s, expected);
    if (!name) return;
    constexpr std::string_view folder = "/dev/";
    if (name->starts_with(folder)) name->erase(0, folder.size());
    if (!is_group_name(*name))
        return b.error(s, "'" + *name + "' can't be the name of a volume group", std::string(expected));
    b.package().volume_groups.push_back({std::move(*name), s.where});
}

// What follows -a or --activate: y, ey, n, ...
std::string activation_mode(const std::vector<std::string>& words) {
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto& word = words[i];
        if (word == "-a" || word == "--activate") return i + 1 < words.size() ? words[i + 1] : std::string();
        if (word.starts_with("-a")) return word.substr(2);
        if (word.starts_with("--activate=")) return word.substr(word.find('=') + 1);
    }
    return {};
}

void take_activation(builder& b, const statement& s) {
    constexpr const char* expected = "vgchange -a y, or the same with the absolute path of vgchange";
    auto command = whole_value(s.rest);
    std::vector<std::string> words;
    std::istringstream list(command);
    for (std::string word; list >> word;) words.push_back(word);
    if (words.empty()) return b.error(s, "has no value", expected);
    if (words.front() != "vgchange" && words.front().front() != '/')
        return b.error(s, "'" + words.front() + "' is neither vgchange nor an absolute path", expected);
    if (command.find_first_of("\"'\\;|&$<>`") != std::string::npos)
        return b.error(s, "it is not run by a shell, so it has no quotes and the like", expected);
    auto mode = activation_mode(words);
    if (mode == "s" || mode == "sy")
        return b.error(s, "-a s activates a volume group on several nodes at once, which is not handled", expected);
    if (mode == "r") return b.error(s, "-a r is HP-UX only; mount with fs_mount_opt -o ro", expected);
    if (mode.empty() || (mode.back() != 'y' && mode != "e"))
        return b.error(s, "it does not activate a volume group", expected);
    if (mode.front() == 'e')
        b.warning(
            s, "on Linux -a e is exclusive through lvmlockd alone, else as -a y; a tag says which node has the group");
    std::string joined;
    for (const auto& word : words) joined += (joined.empty() ? "" : " ") + word;
    b.package().storage.activation = std::move(joined);
}

void open_filesystem(builder& b, const statement& s) {
    auto name = b.word(s, "a device, such as /dev/vg01/lvol1, or what the file system type wants");
    b.package().filesystems.push_back({.name = name.value_or(""), .where = s.where});
}

using sec = section;
constexpr std::uint32_t retries_max = 1000;
constexpr std::uint32_t concurrent_max = 100;
constexpr std::uint32_t deactivation_max = 100;  // a second apart, and a stop has no more time than that

constexpr std::array storage_table{
    keyword{"vg", sec::package, false, true, take_group},
    keyword{"vgchange_cmd", sec::package, false, false, take_activation},
    keyword{"concurrent_vgchange_operations", sec::package, false, false,
            [](builder& b, const statement& s) {
                b.count(s, 1, concurrent_max, b.package().storage.concurrent_activation);
            }},
    keyword{"deactivation_retry_count", sec::package, false, false,
            [](builder& b, const statement& s) {
                b.count(s, 0, deactivation_max, b.package().storage.deactivation_retries);
            }},
    keyword{"kill_processes_accessing_raw_devices", sec::package, false, false,
            [](builder& b, const statement& s) { b.yes_no(s, b.package().storage.kill_openers); }},
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
