#include "model/online_change.hpp"

#include <algorithm>
#include <map>

#include "model/mount_path.hpp"
#include "model/print.hpp"

namespace mainstay {

namespace {

// Services stay what and where they are; how their ends are taken may change.
std::vector<service_config> same_processes(std::vector<service_config> to, const std::vector<service_config>& from) {
    for (std::size_t i = 0; i < std::min(to.size(), from.size()); ++i) {
        if (to[i].name != from[i].name) continue;
        to[i].restart_max = from[i].restart_max;
        to[i].restart_heal = from[i].restart_heal;
        to[i].fail_fast = from[i].fail_fast;
        to[i].halt_timeout = from[i].halt_timeout;
    }
    return to;
}

// Those whose script starts them can't be started without it, nor halted.
std::vector<std::string> of_script(const std::vector<service_config>& list) {
    std::vector<std::string> names;
    for (const auto& item : list)
        if (item.by_script()) names.push_back(item.name);
    return names;
}

std::vector<filesystem_config> same_mounts(std::vector<filesystem_config> to,
                                           const std::vector<filesystem_config>& from) {
    for (std::size_t i = 0; i < std::min(to.size(), from.size()); ++i) to[i].umount_options = from[i].umount_options;
    return to;
}

const std::string& called(const volume_group_config& item) { return item.name; }
const std::string& called(const filesystem_config& item) { return item.directory; }

template <class Item>
bool has(const std::vector<Item>& list, const Item& wanted) {
    return std::any_of(list.begin(), list.end(), [&](const auto& item) { return called(item) == called(wanted); });
}

// Those of `list` that are not in `other`.
template <class Item>
std::vector<std::string> more(const std::vector<Item>& list, const std::vector<Item>& other) {
    std::vector<std::string> out;
    for (const auto& item : list)
        if (!has(other, item)) out.push_back(called(item));
    return out;
}

// Without some of `from` it is `from` that has changed: nothing of it is taken for added.
template <class Item>
void drop_added(std::vector<Item>& list, const std::vector<Item>& from) {
    if (!more(from, list).empty()) return;
    std::erase_if(list, [&](const auto& item) { return !has(from, item); });
}

// `to`, with everything that may change at once as it is in `from`.
package_config held_back(package_config to, const package_config& from, changeable may) {
    if (may.storage) to = without_added_storage(std::move(to), from);
    auto wanted_activation = to.storage.activation;  // SG 3.11: with the package down
    // Nothing has been activated yet in another way.
    if (may.storage && from.volume_groups.empty()) wanted_activation = from.storage.activation;
    to.description = from.description;
    to.nodes = from.nodes;
    to.auto_run = from.auto_run;
    to.node_fail_fast = from.node_fail_fast;
    to.failover_policy = from.failover_policy;
    to.failback_policy = from.failback_policy;
    to.failover_limit = from.failover_limit;
    to.failover_limit_time = from.failover_limit_time;
    to.priority = from.priority;
    to.run_script_timeout = from.run_script_timeout;
    to.halt_script_timeout = from.halt_script_timeout;
    to.successor_halt_timeout = from.successor_halt_timeout;
    to.script_log_file = from.script_log_file;
    to.log_level = from.log_level;
    to.variables = from.variables;
    to.dependencies = from.dependencies;
    to.weight = from.weight;
    to.monitored_subnets = from.monitored_subnets;
    to.generic_resources = from.generic_resources;
    to.storage = from.storage;
    to.storage.activation = wanted_activation;
    to.filesystems = same_mounts(std::move(to.filesystems), from.filesystems);
    if (may.parts) to.addresses = from.addresses;
    if (may.scripts) {
        to.external_pre_scripts = from.external_pre_scripts;
        to.external_scripts = from.external_scripts;
    }
    bool own = may.parts && of_script(to.services) == of_script(from.services);
    to.services = own ? from.services : same_processes(std::move(to.services), from.services);
    return to;
}

struct line {
    std::string keyword;
    std::string text;
    auto operator<=>(const line&) const = default;
};

// Storage keywords that say the same in both.
std::vector<const char*> same_storage(const storage_config& from, const storage_config& to) {
    std::vector<const char*> list;
    if (from.mount_retries == to.mount_retries) list.push_back("fs_mount_retry_count");
    if (from.umount_retries == to.umount_retries) list.push_back("fs_umount_retry_count");
    if (from.activation == to.activation) list.push_back("vgchange_cmd");
    if (from.deactivation_retries == to.deactivation_retries) list.push_back("deactivation_retry_count");
    if (from.kill_openers == to.kill_openers) list.push_back("kill_processes_accessing_raw_devices");
    return list;
}

std::vector<line> lines_of(const package_config& package) {
    std::vector<line> list;
    auto text = print_package(package);
    for (std::size_t at = 0; at < text.size();) {
        auto end = std::min(text.find('\n', at), text.size());
        auto row = text.substr(at, end - at);
        at = end + 1;
        auto first = row.find_first_not_of(' ');
        if (first == std::string::npos) continue;
        list.push_back({row.substr(first, row.find(' ', first) - first), std::move(row)});
    }
    return list;
}

}  // namespace

std::vector<std::string> differing(const package_config& from, const package_config& to) {
    auto before = lines_of(from);
    auto after = lines_of(to);
    std::map<line, int> count;
    for (const auto& item : before) ++count[item];
    for (const auto& item : after) --count[item];
    std::vector<std::string> list;
    auto add = [&](const line& item) {
        if (std::find(list.begin(), list.end(), item.keyword) == list.end()) list.push_back(item.keyword);
    };
    // First where they part; a line that both have somewhere is out of its place only because of another.
    for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
        bool same = i < before.size() && i < after.size() && before[i] == after[i];
        if (same) continue;
        add(i < before.size() && (i >= after.size() || count[before[i]] > 0 || count[after[i]] >= 0) ? before[i]
                                                                                                     : after[i]);
        break;
    }
    for (const auto& item : before)
        if (count[item] > 0) add(item);
    for (const auto& item : after)
        if (count[item] < 0) add(item);
    // Printed where there is anything that they are for; the files need not have them.
    for (const auto* keyword : same_storage(from.storage, to.storage)) std::erase(list, keyword);
    return list;
}

std::vector<std::string> needs_down(const package_config& from, const package_config& to, changeable may) {
    return differing(from, held_back(to, from, may));
}

package_config without_added_storage(package_config to, const package_config& from) {
    drop_added(to.volume_groups, from.volume_groups);
    drop_added(to.filesystems, from.filesystems);
    return to;
}

hiding_mount hides_mounted(const package_config& from, const package_config& to) {
    for (const auto& added : to.filesystems)
        for (const auto& mounted : from.filesystems)
            if (!has(from.filesystems, added) && lies_in(plain_path(mounted.directory), plain_path(added.directory)))
                return {&added, &mounted};
    return {};
}

bool same_process(const service_config& one, const service_config& other) {
    return one.name == other.name && one.command == other.command;
}

namespace {

// Those of `list` that are not in `other`, with their keyword.
std::vector<std::string> more_scripts(const std::string& keyword, const std::vector<std::string>& list,
                                      const std::vector<std::string>& other) {
    std::vector<std::string> out;
    for (const auto& path : list)
        if (std::find(other.begin(), other.end(), path) == other.end()) out.push_back(keyword + path);
    return out;
}

void change_scripts(part_changes& out, const package_config& from, const package_config& to) {
    const std::string pre = "external_pre_script ";
    const std::string later = "external_script ";
    auto gone = more_scripts(pre, from.external_pre_scripts, to.external_pre_scripts);
    auto more = more_scripts(later, from.external_scripts, to.external_scripts);
    gone.insert(gone.end(), more.begin(), more.end());
    out.scripts_stopped.assign(gone.rbegin(), gone.rend());
    out.scripts_started = more_scripts(pre, to.external_pre_scripts, from.external_pre_scripts);
    more = more_scripts(later, to.external_scripts, from.external_scripts);
    out.scripts_started.insert(out.scripts_started.end(), more.begin(), more.end());
}

}  // namespace

part_changes changes_of_parts(const package_config& from, const package_config& to) {
    part_changes out;
    auto service_of = [](const package_config& in, const service_config& wanted) {
        return std::any_of(in.services.begin(), in.services.end(),
                           [&](const auto& item) { return same_process(item, wanted); });
    };
    auto address_of = [](const package_config& in, const package_address& wanted) {
        return std::any_of(in.addresses.begin(), in.addresses.end(), [&](const auto& item) {
            return item.address == wanted.address && item.subnet == wanted.subnet;
        });
    };
    out.groups_added = more(to.volume_groups, from.volume_groups);
    out.mounts_added = more(to.filesystems, from.filesystems);
    change_scripts(out, from, to);
    for (const auto& item : from.services)
        if (!service_of(to, item)) out.services_halted.push_back(item.name);
    for (const auto& item : from.addresses)
        if (!address_of(to, item)) out.addresses_removed.push_back(item.address);
    for (const auto& item : to.addresses)
        if (!address_of(from, item)) out.addresses_added.push_back(item.address);
    for (const auto& item : to.services)
        if (!service_of(from, item)) out.services_started.push_back(item.name);
    return out;
}

}  // namespace mainstay
