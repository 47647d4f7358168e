#include "cluster/state.hpp"

#include <algorithm>

#include "cluster/configuration.hpp"

namespace mainstay::cluster {

const package_config* state::find_package(const std::string& name) const {
    auto package = std::string_view(name).substr(0, name.find('@'));
    for (const auto& item : config.packages)
        if (item.name == package) return &item;
    return nullptr;
}

std::string package_of(const std::string& instance) { return instance.substr(0, instance.find('@')); }

std::string instance_name(const package_config& package, const std::string& node) {
    return package.everywhere() ? package.name + "@" + node : package.name;
}

std::vector<std::string> state::instances(const package_config& package) const {
    if (!package.everywhere()) return {package.name};
    std::vector<std::string> list;
    for (node_id node : node_list(package)) list.push_back(instance_name(package, node_name(node)));
    return list;
}

std::vector<node_id> state::candidates(const std::string& instance, const package_config& package) const {
    if (!package.everywhere()) return node_list(package);
    auto node = find_node(instance.substr(instance.find('@') + 1));
    return node ? std::vector<node_id>{node} : std::vector<node_id>{};
}

node_id state::find_node(const std::string& name) const {
    auto found = ids.find(name);
    return found == ids.end() ? node_id{} : found->second;
}

std::string state::node_name(node_id node) const {
    auto found = nodes.find(node);
    return found == nodes.end() ? "node#" + std::to_string(node.value) : found->second.name;
}

timings state::longest(timings now) const {
    now.lease = std::max(now.lease, lease_max);
    now.member_timeout = std::max(now.member_timeout, member_timeout_max);
    now.halt_timeout = std::max(now.halt_timeout, halt_timeout_max);
    return now;
}

std::vector<node_id> state::node_list(const package_config& package) const {
    std::vector<node_id> list;
    bool all = package.nodes.empty() || std::count(package.nodes.begin(), package.nodes.end(), "*") > 0;
    if (all) {
        for (const auto& node : config.cluster.nodes) list.push_back(find_node(node.name));
    } else {
        for (const auto& name : package.nodes) list.push_back(find_node(name));
    }
    return list;
}

const pin* state::find_pin(const std::string& package) const {
    auto found = pins.find(package);
    return found == pins.end() ? nullptr : &found->second;
}

std::string state::against_pin(const std::string& package, node_id node) const {
    const auto* held = find_pin(package);
    if (held == nullptr || held->node == node) return {};
    return "it is pinned to " + node_name(held->node) + " by " + held->by.actor +
           (held->by.reason.empty() ? "" : " (" + held->by.reason + ")") + ": hactl package unpin " + package +
           " first";
}

std::string state::site_of(node_id node) const {
    for (const auto& item : config.cluster.nodes)
        if (!item.site.empty() && find_node(item.name) == node) return item.site;
    return {};
}

std::string state::current_site(const std::string& package) const {
    auto found = packages.find(package);
    return found == packages.end() || !found->second.owner ? std::string() : site_of(found->second.owner);
}

bool state::across_sites(const package_config& package, node_id node) const {
    if (package.failover_policy != package_config::failover::site_preferred_manual) return false;
    const auto* held = find_pin(package.name);
    if (held != nullptr && held->node == node) return false;
    auto current = current_site(package.name);
    return !current.empty() && site_of(node) != current;
}

bool state::parts_may_change(const package_state& item) const {
    return feature_level >= online_parts_level && item.phase == package_phase::running && !item.failing &&
           item.stop_asked_by.empty();
}

bool state::scripts_may_change(const package_state& item) const {
    return feature_level >= online_scripts_level && parts_may_change(item);
}

bool state::storage_may_come(const package_state& item) const {
    return feature_level >= online_storage_level && parts_may_change(item);
}

const partial_start* state::runs_partly(const std::string& instance) const {
    auto found = partial_starts.find(instance);
    auto item = packages.find(instance);
    bool runs = found != partial_starts.end() && item != packages.end() && item->second.active() &&
                item->second.generation == found->second.generation;
    return runs ? &found->second : nullptr;
}

bool state::may_host(node_id node) const {
    auto found = nodes.find(node);
    return found != nodes.end() && found->second.status == node_status::up && !found->second.halted &&
           !found->second.power_away && !too_old(node) && !is_detached(node);
}

bool state::gives_vote_up(node_id node) const {
    auto found = nodes.find(node);
    if (found == nodes.end() || !is_detached(node)) return found != nodes.end() && found->second.halted;
    return std::any_of(nodes.begin(), nodes.end(), [this](const auto& item) {
        return item.second.status == node_status::up && !item.second.halted && !is_detached(item.first);
    });
}

std::string state::against_touching(const std::string& instance) const {
    auto found = packages.find(instance);
    if (found == packages.end() || !found->second.active() || !is_detached(found->second.owner)) return {};
    auto where = node_name(found->second.owner);
    return "it is detached on " + where + ": hactl node attach " + where;
}

std::uint32_t state::common_feature_level() const {
    auto level = nodes.empty() ? 0U : nodes.begin()->second.feature_level;
    for (const auto& [id, item] : nodes) level = std::min(level, item.feature_level);
    return level;
}

bool state::too_old(node_id node) const {
    auto found = nodes.find(node);
    return found != nodes.end() && found->second.boot && found->second.feature_level < feature_level;
}

bool is_package_entry(const command& item) {
    return std::holds_alternative<package_start>(item.body) || std::holds_alternative<package_halt>(item.body);
}

std::optional<state> decode_state(std::string_view in) {
    auto value = decode<state>(in);
    if (!value || !complete(*value, nullptr)) return std::nullopt;
    return value;
}

}  // namespace mainstay::cluster
