// Which node may run a package, and which one does (SG 5.4, configured_node).
#include <algorithm>

#include "model/value.hpp"
#include "policy/decide.hpp"
#include "policy/next_nodes.hpp"

namespace mainstay::policy {

using cluster::node_status;

std::string flag_text(const cluster::provenance& by) {
    return by.actor + (by.reason.empty() ? "" : " (" + by.reason + ")");
}

std::string pin_text(const cluster::state& state, const cluster::pin& item) {
    return "pinned to " + state.node_name(item.node) + " by " + item.by.actor +
           (item.by.reason.empty() ? "" : " (" + item.by.reason + ")");
}

bool on_battery(const cluster::state& state, node_id node) {
    for (const auto& item : state.config.cluster.nodes) {
        if (item.power_source.empty() || state.find_node(item.name) != node) continue;
        auto found = state.power.find(item.power_source);
        return found != state.power.end() && found->second.on_battery;
    }
    return false;
}

verdict judge(const cluster::state& state, const std::string& package, node_id node) {
    auto item = state.packages.find(package);
    const auto* config = state.find_package(package);
    if (item == state.packages.end() || config == nullptr) return {false, "not configured"};
    return judge(state, *config, item->second, node);
}

verdict judge(const cluster::state& state, const package_config& config, const cluster::package_state& item,
              node_id node) {
    auto host = state.nodes.find(node);
    if (host == state.nodes.end()) return {false, "not configured"};
    const auto& found = host->second;
    if (auto detached = state.detached.find(node); detached != state.detached.end())
        return {false, "detached by " + flag_text(detached->second.by), obstacle::detached, true};
    switch (found.status) {
        case node_status::unseen:
            return {false, "has not joined yet", obstacle::unseen};
        case node_status::lost:
            return {false, "lost: " + found.status_by.reason, obstacle::lost};
        case node_status::fenced:
            return {false, "fenced: " + found.status_by.reason, obstacle::lost};
        default:
            break;
    }
    if (found.halted) return {false, "halted by " + flag_text(found.halted_by), obstacle::halted};
    if (found.power_away) return {false, "on battery", obstacle::battery};
    // What runs there may stay: its daemon does not read that it should halt.
    if (state.too_old(node))
        return {false, "too old for the cluster's feature level: install the newer version", obstacle::too_old, true};
    auto off = item.node_off.find(node);
    if (off != item.node_off.end())
        return {false, "switching disabled by " + flag_text(off->second), obstacle::switching, true};
    const auto* pin = config.everywhere() ? nullptr : state.find_pin(config.name);
    if (pin != nullptr && pin->node != node) return {false, pin_text(state, *pin), obstacle::pinned, true};
    if (item.maintained) {
        if (item.maintained->node == node) return {true, "in the cluster, in maintenance", obstacle::none};
        return {false, "in maintenance on " + state.node_name(item.maintained->node), obstacle::maintenance};
    }
    auto lacks = state.lacks_to_start(config, node);
    if (!lacks.empty()) return {false, std::move(lacks), obstacle::lacks, true, state.subnets_untold(config, node)};
    return {true, "in the cluster, switching on", obstacle::none};
}

choice choose(const cluster::state& state, const std::string& package) {
    plan made(state);
    const auto* item = made.find(package);
    if (item == nullptr) return {{}, "not configured"};
    return {item->where, made.reason(*item)};
}

node_id next_node(const cluster::state& state, const std::string& package) {
    plan made(state);
    return next_nodes(state, made).of(package);
}

}  // namespace mainstay::policy
