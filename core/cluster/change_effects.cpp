#include "cluster/change_effects.hpp"

#include <algorithm>
#include <set>

#include "model/online_change.hpp"

namespace mainstay::cluster {

namespace {

const package_config* find(const configuration& in, const std::string& name) {
    for (const auto& item : in.packages)
        if (item.name == name) return &item;
    return nullptr;
}

// SG 3.11: what it was started with is not touched by these.
const char* when_it_counts(const std::string& keyword) {
    static const std::set<std::string> at_start{"run_script_timeout", "fs_mount_retry_count"};
    static const std::set<std::string> at_halt{"halt_script_timeout",      "successor_halt_timeout",
                                               "fs_umount_retry_count",    "fs_umount_opt",
                                               "deactivation_retry_count", "kill_processes_accessing_raw_devices"};
    if (keyword == "auto_run") return "the next start of the cluster";
    if (at_start.contains(keyword)) return "its next start";
    return at_halt.contains(keyword) ? "its next halt" : nullptr;
}

// As fold::prune_pins() has it.
bool keeps_pin(const package_config* package, const configuration& wanted, const std::string& node) {
    if (package == nullptr || package->everywhere()) return false;
    const auto& nodes = wanted.cluster.nodes;
    bool stays = std::any_of(nodes.begin(), nodes.end(), [&node](const auto& item) { return item.name == node; });
    return stays && (package->nodes.empty() ||
                     std::find(package->nodes.begin(), package->nodes.end(), node) != package->nodes.end());
}

}  // namespace

std::vector<std::string> effects_on_packages(const state& now, const configuration& wanted) {
    std::vector<std::string> list;
    for (const auto& [name, item] : now.packages) {
        const auto* from = now.find_package(name);
        const auto* to = find(wanted, package_of(name));
        if (from == nullptr || to == nullptr || !item.active()) continue;
        auto say = [&, head = "package " + package_of(name) + " on " + now.node_name(item.owner) +
                              ": "](const std::string& text) { list.push_back(head + text); };
        auto parts = changes_of_parts(*from, *to);
        for (const auto& group : parts.groups_added) say("activates vg " + group);
        for (const auto& directory : parts.mounts_added) say("mounts file system " + directory);
        for (const auto& service : parts.services_halted) say("halts service " + service);
        for (const auto& script : parts.scripts_stopped) say("runs " + script + " stop");
        for (const auto& address : parts.addresses_removed) say("takes address " + address + " away");
        for (const auto& script : parts.scripts_started) say("runs " + script + " start; the package fails if it does");
        for (const auto& address : parts.addresses_added) say("adds address " + address);
        for (const auto& service : parts.services_started) say("starts service " + service);
        // What is added is used as it is at once.
        for (const auto& keyword : differing(*from, without_added_storage(*to, *from)))
            if (const auto* when = when_it_counts(keyword)) say(keyword + " counts from " + when);
    }
    for (const auto& [name, pin] : now.pins)
        if (!keeps_pin(find(wanted, name), wanted, now.node_name(pin.node)))
            list.push_back("package " + name + ": its pin to " + now.node_name(pin.node) + " ends");
    return list;
}

}  // namespace mainstay::cluster
