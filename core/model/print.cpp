#include "model/print.hpp"

#include "model/page.hpp"
#include "model/value.hpp"

namespace mainstay {

void print_instance(page& out, const std::string& kind, const plugin_instance& instance) {
    out.word(kind + "_name", instance.name);
    out.indent(2);
    out.word(kind + "_plugin", instance.plugin);
    for (const auto& param : instance.params) {
        out.line(kind + "_param", quoted_word(param.name) + ' ' + quoted_whole(param.value));
    }
    for (const auto& node : instance.nodes) out.word(kind + "_node", node);
    out.word(kind + "_switch", instance.network_switch);
    out.word(kind + "_power_source", instance.power_source);
    for (const auto& [node, params] : instance.node_params) {
        for (const auto& param : params) {
            out.line(kind + "_node_param",
                     quoted_word(node) + ' ' + quoted_word(param.name) + ' ' + quoted_whole(param.value));
        }
    }
}

namespace {

void print_node(page& out, const node_config& node) {
    out.gap();
    out.word("node_name", node.name);
    for (const auto& interface : node.interfaces) {
        out.indent(2);
        out.word("network_interface", interface.name);
        out.indent(4);
        for (const auto& address : interface.heartbeat_ip) out.word("heartbeat_ip", address);
        for (const auto& address : interface.stationary_ip) out.word("stationary_ip", address);
        out.word("network_switch", interface.network_switch);
    }
    out.indent(2);
    out.word("site", node.site);
    out.word("power_source", node.power_source);
    if (!node.watchdog_device.empty()) {
        out.word("watchdog_device", node.watchdog_device);
        out.time("watchdog_timeout", node.watchdog_timeout);
    }
    for (const auto& [name, value] : node.capacities) {
        out.word("capacity_name", name);
        out.line("capacity_value", weight_text(value));
    }
}

const char* tie_text(cluster_config::tie kind) {
    switch (kind) {
        case cluster_config::tie::none:
            return "none";
        case cluster_config::tie::arbitrator:
            return "arbitrator";
        case cluster_config::tie::proof:
            return "proof";
        default:
            return "automatic";
    }
}

void print_instances(page& out, const cluster_config& cluster) {
    for (const auto& link : cluster.heartbeats) {
        out.gap();
        print_instance(out, "heartbeat", link);
    }
    for (const auto& device : cluster.stonith) {
        out.gap();
        print_instance(out, "stonith", device);
        out.time("stonith_timeout", device.timeout);
        out.line("stonith_tries", std::to_string(device.tries));
        if (device.level != 0) out.line("stonith_level", std::to_string(device.level));
    }
    for (const auto& item : cluster.arbitrators) {
        out.gap();
        print_instance(out, "arbitrator", item);
        out.time("arbitrator_timeout", item.timeout);
    }
    for (const auto& source : cluster.event_sources) {
        out.gap();
        print_instance(out, "event", source);
        if (source.on_battery_after) out.time("on_battery_after", *source.on_battery_after);
        bool halt = source.on_battery_action == event_source::action::halt;
        out.line("on_battery_action", halt ? "halt" : "drain");
    }
    for (const auto& notifier : cluster.notifiers) {
        out.gap();
        print_instance(out, "notifier", notifier);
        for (const auto& event : notifier.events) out.word("notifier_event", event);
    }
}

}  // namespace

std::string print_cluster(const cluster_config& cluster) {
    page out;
    out.word("cluster_name", cluster.name);
    out.time("member_timeout", cluster.member_timeout);
    // Not given means T/8, and goes on meaning it when T changes.
    if (cluster.heartbeat_interval.count() != 0) out.time("heartbeat_interval", cluster.heartbeat_interval);
    out.time("auto_start_timeout", cluster.auto_start_timeout);
    out.time("daemon_restart_time", cluster.daemon_restart_time);
    out.line("on_quorum_loss", cluster.on_quorum_loss == cluster_config::quorum_loss::halt ? "halt" : "reset");
    out.time("lease_halt_timeout", cluster.lease_halt_timeout);
    out.line("fencing", cluster.fencing == cluster_config::fencing_mode::none ? "none" : "required");
    out.line("fence_action", cluster.fence_action == cluster_config::after_off::off ? "off" : "cycle");
    out.line("tie_break", tie_text(cluster.tie_break));
    if (cluster.tie_break_delay) out.time("tie_break_delay", *cluster.tie_break_delay);
    if (cluster.tie_break_timeout) out.time("tie_break_timeout", *cluster.tie_break_timeout);
    out.line("fence_limit", std::to_string(cluster.fence_limit));
    out.time("fence_limit_time", cluster.fence_limit_time);
    out.line("heartbeat_port", std::to_string(cluster.heartbeat_port));
    for (const auto& subnet : cluster.subnets) out.word("subnet", subnet);
    for (const auto& site : cluster.sites) out.word("site_name", site);
    for (const auto& [name, value] : cluster.weight_defaults) {
        out.word("weight_name", name);
        out.line("weight_default", weight_text(value));
    }
    for (const auto& node : cluster.nodes) print_node(out, node);
    print_instances(out, cluster);
    return out.take();
}

std::string print_configuration(const configuration& config) {
    std::string out = config.cluster.name.empty() ? std::string() : print_cluster(config.cluster);
    for (const auto& package : config.packages) {
        if (!out.empty()) out += '\n';
        out += print_package(package);
    }
    return out;
}

}  // namespace mainstay
