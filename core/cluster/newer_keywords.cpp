#include "cluster/newer_keywords.hpp"

#include <algorithm>

namespace mainstay::cluster {

namespace {

// What stands in it that versions below script_services_level do not know; empty = nothing.
std::string newer_keyword(const configuration& wanted) {
    for (const auto& package : wanted.packages) {
        for (const auto& service : package.services)
            if (service.by_script())
                return "service " + service.name + " of package " + package.name + " has no service_cmd (cmrunserv)";
        if (!package.volume_groups.empty()) return "package " + package.name + " has a vg";
    }
    for (const auto& node : wanted.cluster.nodes)
        for (const auto& interface : node.interfaces)
            if (!interface.network_switch.empty()) return "node " + node.name + " has a network_switch";
    auto fate = [](const plugin_instance& item) { return !item.network_switch.empty() || !item.power_source.empty(); };
    for (const auto& item : wanted.cluster.heartbeats)
        if (fate(item)) return "link " + item.name + " has a heartbeat_switch";
    for (const auto& item : wanted.cluster.stonith)
        if (fate(item)) return "device " + item.name + " has a stonith_switch or stonith_power_source";
    for (const auto& item : wanted.cluster.arbitrators)
        if (fate(item)) return "arbitrator " + item.name + " has an arbitrator_switch or arbitrator_power_source";
    return {};
}

}  // namespace

std::string against_newer_keywords(const state& now, const configuration& wanted) {
    if (!now.formed() || now.feature_level >= script_services_level) return {};
    // One that has never been here reads what it finds when it comes, or is refused then.
    auto old = std::find_if(now.nodes.begin(), now.nodes.end(), [](const auto& item) {
        return item.second.boot && item.second.feature_level < script_services_level;
    });
    if (old == now.nodes.end()) return {};
    auto what = newer_keyword(wanted);
    if (what.empty()) return what;
    return what + ": node " + old->second.name + " runs a version that does not know this, upgrade it first";
}

}  // namespace mainstay::cluster
