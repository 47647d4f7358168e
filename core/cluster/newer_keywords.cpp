#include "cluster/newer_keywords.hpp"

#include <algorithm>
#include <type_traits>

#include "cluster/plan_id.hpp"

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

// ... and versions below sites_level.
std::string site_keyword(const configuration& wanted) {
    if (!wanted.cluster.sites.empty()) return "there is a site_name";
    for (const auto& node : wanted.cluster.nodes)
        if (!node.site.empty()) return "node " + node.name + " has a site";
    for (const auto& package : wanted.packages)
        if (package.by_site())
            return "package " + package.name + " has failover_policy " +
                   std::string(to_string(package.failover_policy));
    return {};
}

// ... and versions below detach_level: a variable with no value.
std::string empty_variable(const configuration& wanted) {
    for (const auto& package : wanted.packages)
        for (const auto& [name, value] : package.variables)
            if (value.empty()) return "package " + package.name + " has an empty pev_" + name;
    return {};
}

struct newer {
    std::uint32_t level;
    std::string (*keyword)(const configuration&);
};

}  // namespace

std::string against_newer_keywords(const state& now, const configuration& wanted) {
    for (const auto& [level, keyword] : {newer{script_services_level, newer_keyword}, newer{sites_level, site_keyword},
                                         newer{detach_level, empty_variable}}) {
        if (!now.formed() || now.feature_level >= level) continue;
        // One that has never been here reads what it finds when it comes, or is refused then.
        auto old = std::find_if(now.nodes.begin(), now.nodes.end(), [from = level](const auto& item) {
            return item.second.boot && item.second.feature_level < from;
        });
        auto what = old == now.nodes.end() ? std::string() : keyword(wanted);
        if (!what.empty())
            return what + ": node " + old->second.name + " runs a version that does not know this, upgrade it first";
    }
    return {};
}

namespace {

// Which level it came with; 0 = it has been there from the beginning.
std::uint32_t level_of(const command_body& asked) {
    return std::visit(
        [](const auto& body) -> std::uint32_t {
            using kind = std::decay_t<decltype(body)>;
            if constexpr (std::is_same_v<kind, node_detach> || std::is_same_v<kind, node_attach> ||
                          std::is_same_v<kind, certify_detached>)
                return detach_level;
            if constexpr (std::is_same_v<kind, package_pin>) return pins_level;
            constexpr bool partly = std::is_same_v<kind, package_run_partly> ||
                                    std::is_same_v<kind, package_stop_partly> || std::is_same_v<kind, restarts_reset>;
            if constexpr (partly) return partial_starts_level;
            return 0;
        },
        asked);
}

}  // namespace

std::string against_newer_command(const state& now, const command_body& asked) {
    auto level = level_of(asked_of(asked));
    if (now.feature_level >= level) return {};
    for (const auto& [id, node] : now.nodes)
        if (node.feature_level < level)
            return "node " + node.name +
                   (node.boot ? " runs a version that does not know this, upgrade it first"
                              : " has never been in the cluster: nobody knows its version yet");
    return "the cluster is not at feature level " + std::to_string(level) + " yet: in a moment";
}

}  // namespace mainstay::cluster
