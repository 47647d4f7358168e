// The keywords of the cluster part of a configuration. Every entry also stands in
// docs/reference/configuration.md (a test compares them).
#include <algorithm>
#include <array>

#include "model/address.hpp"
#include "model/builder.hpp"
#include "model/keywords_plugin.hpp"
#include "model/limits.hpp"

namespace mainstay::parsing {

namespace {

constexpr duration long_time{86'400'000'000};  // a day: nothing in a cluster waits longer

void set_address(builder& b, const statement& s, std::vector<std::string>& target) {
    constexpr std::string_view expected = "an address of this node, with its prefix, such as 10.77.0.1/24";
    auto value = b.word(s, expected);
    if (!value) return;
    auto subnet = parse_subnet(*value);
    auto plain = parse_address(*value);
    if (!subnet && !plain) {
        b.error(s, "'" + *value + "' is no address", std::string(expected));
        return;
    }
    auto address = subnet ? subnet->network : *plain;
    if (is_special(address)) {
        b.error(s, to_string(address) + " is no address that other nodes can reach", std::string(expected));
        return;
    }
    target.push_back(subnet ? to_string(*subnet) : to_string(*plain));
}

void set_subnet(builder& b, const statement& s) {
    constexpr std::string_view expected = "a subnet with its prefix, such as 10.77.0.0/24 or fd00:77::/64";
    auto value = b.word(s, expected);
    if (!value) return;
    auto parsed = parse_subnet(*value);
    if (!parsed) {
        bool bare = parse_address(*value).has_value();
        b.error(
            s,
            bare ? "'" + *value + "' has no prefix, and classes of networks are gone" : "'" + *value + "' is no subnet",
            std::string(expected));
        return;
    }
    if (network_of(*parsed) != *parsed) {
        b.error(s, "'" + *value + "' is an address in a subnet", to_string(network_of(*parsed)));
        return;
    }
    b.cluster().subnets.push_back(to_string(*parsed));
}

void open_cluster(builder& b, const statement& s) {
    if (b.out.has_cluster) {
        const auto& first = b.cluster().where;
        b.error(s, "a second cluster; the first is in " + first.file + " line " + std::to_string(first.line),
                "one cluster_name in all files");
        return;
    }
    b.out.has_cluster = true;
    b.cluster().name = b.name(s).value_or("");
    b.cluster().where = s.where;
}

void open_node(builder& b, const statement& s) {
    b.cluster().nodes.push_back({.name = b.name(s).value_or(""), .where = s.where});
}

void add_site(builder& b, const statement& s) {
    auto name = b.name(s).value_or("");
    auto& list = b.cluster().sites;
    if (std::find(list.begin(), list.end(), name) != list.end())
        return b.error(s, "a second site " + name, "names of sites that are unique");
    if (!name.empty()) list.push_back(std::move(name));
}

void open_interface(builder& b, const statement& s) {
    b.node().interfaces.push_back({.name = b.word(s, "the name of a network interface, such as eth0").value_or("")});
}

void set_interface_switch(builder& b, const statement& s) {
    auto& known = b.interface().network_switch;
    if (!known.empty()) return b.error(s, "a second switch for this interface", "one network_switch line");
    known = b.name(s).value_or("");
}

void open_heartbeat(builder& b, const statement& s) { open_instance(b, s, b.cluster().heartbeats); }
void open_stonith(builder& b, const statement& s) { open_instance(b, s, b.cluster().stonith); }
void open_arbitrator(builder& b, const statement& s) { open_instance(b, s, b.cluster().arbitrators); }
void open_event(builder& b, const statement& s) { open_instance(b, s, b.cluster().event_sources); }
void open_notifier(builder& b, const statement& s) { open_instance(b, s, b.cluster().notifiers); }

plugin_instance& heartbeat(builder& b) { return b.cluster().heartbeats.back(); }
plugin_instance& stonith(builder& b) { return b.cluster().stonith.back(); }
plugin_instance& arbitrator_of(builder& b) { return b.cluster().arbitrators.back(); }
plugin_instance& event(builder& b) { return b.cluster().event_sources.back(); }
plugin_instance& notifier_of(builder& b) { return b.cluster().notifiers.back(); }

void set_events(builder& b, const statement& s) {
    auto words = split_words(s.rest);
    if (!words || words->empty()) {
        b.error(s, words ? "has no value" : "a quote is left open", "names of events");
        return;
    }
    auto& events = b.cluster().notifiers.back().events;
    events.insert(events.end(), words->begin(), words->end());
}

void set_battery_time(builder& b, const statement& s) {
    duration value{-1};
    b.time(s, bare_number::refused, duration{0}, long_time, value);
    if (value.count() >= 0) b.cluster().event_sources.back().on_battery_after = value;
}

void set_optional_time(builder& b, const statement& s, std::optional<duration>& target) {
    duration value{-1};
    b.time(s, bare_number::refused, duration{0}, long_time, value);
    if (value.count() >= 0) target = value;
}

using sec = section;
constexpr auto us = bare_number::microseconds;

constexpr std::array cluster_table{
    keyword{"cluster_name", sec::cluster, true, false, open_cluster},
    keyword{"member_timeout", sec::cluster, false, false,
            [](builder& b, const statement& s) {
                b.time(s, us, limits::member_timeout_min, limits::member_timeout_max, b.cluster().member_timeout);
            }},
    keyword{"heartbeat_interval", sec::cluster, false, false,
            [](builder& b, const statement& s) {
                b.time(s, us, limits::heartbeat_interval_min, limits::member_timeout_max,
                       b.cluster().heartbeat_interval);
            }},
    keyword{
        "auto_start_timeout", sec::cluster, false, false,
        [](builder& b, const statement& s) { b.time(s, us, duration{0}, long_time, b.cluster().auto_start_timeout); }},
    keyword{"daemon_restart_time", sec::cluster, false, false,
            [](builder& b, const statement& s) {
                b.time(s, bare_number::refused, duration{0}, limits::member_timeout_max,
                       b.cluster().daemon_restart_time);
            }},
    keyword{"on_quorum_loss", sec::cluster, false, false,
            [](builder& b, const statement& s) {
                b.choice(s, {"reset", "halt"}, b.cluster().on_quorum_loss);
            }},
    keyword{"lease_halt_timeout", sec::cluster, false, false,
            [](builder& b, const statement& s) {
                b.time(s, bare_number::refused, duration{0}, long_time, b.cluster().lease_halt_timeout);
            }},
    keyword{"fencing", sec::cluster, false, false,
            [](builder& b, const statement& s) {
                b.choice(s, {"required", "none"}, b.cluster().fencing);
            }},
    keyword{"fence_action", sec::cluster, false, false,
            [](builder& b, const statement& s) {
                b.choice(s, {"cycle", "off"}, b.cluster().fence_action);
            }},
    keyword{"tie_break", sec::cluster, false, false,
            [](builder& b, const statement& s) {
                b.choice(s, {"automatic", "none", "arbitrator", "proof"}, b.cluster().tie_break);
            }},
    keyword{"tie_break_delay", sec::cluster, false, false,
            [](builder& b, const statement& s) { set_optional_time(b, s, b.cluster().tie_break_delay); }},
    keyword{"tie_break_timeout", sec::cluster, false, false,
            [](builder& b, const statement& s) { set_optional_time(b, s, b.cluster().tie_break_timeout); }},
    keyword{"fence_limit", sec::cluster, false, false,
            [](builder& b, const statement& s) { b.count(s, 0, 1000, b.cluster().fence_limit); }},
    keyword{"fence_limit_time", sec::cluster, false, false,
            [](builder& b, const statement& s) {
                b.time(s, bare_number::refused, duration{1'000'000}, long_time, b.cluster().fence_limit_time);
            }},
    keyword{"heartbeat_port", sec::cluster, false, false,
            [](builder& b, const statement& s) { b.count(s, 1, 65535, b.cluster().heartbeat_port); }},
    keyword{"subnet", sec::cluster, false, true, set_subnet},
    keyword{"site_name", sec::cluster, false, true, add_site},

    keyword{"node_name", sec::node, true, false, open_node},
    keyword{"site", sec::node, false, false,
            [](builder& b, const statement& s) { b.node().site = b.name(s).value_or(""); }},
    keyword{"network_interface", sec::interface, true, true, open_interface},
    keyword{"heartbeat_ip", sec::interface, false, true,
            [](builder& b, const statement& s) { set_address(b, s, b.interface().heartbeat_ip); }},
    keyword{"stationary_ip", sec::interface, false, true,
            [](builder& b, const statement& s) { set_address(b, s, b.interface().stationary_ip); }},
    keyword{"network_switch", sec::interface, false, true, set_interface_switch},
    keyword{"power_source", sec::node, false, false,
            [](builder& b, const statement& s) { b.node().power_source = b.name(s).value_or(""); }},
    keyword{"watchdog_device", sec::node, false, false,
            [](builder& b, const statement& s) { b.path(s, b.node().watchdog_device); }},
    keyword{"watchdog_timeout", sec::node, false, false,
            [](builder& b, const statement& s) {
                b.time(s, bare_number::refused, limits::watchdog_timeout_min, limits::watchdog_timeout_max,
                       b.node().watchdog_timeout);
            }},

    keyword{"capacity_name", sec::capacity, true, true,
            [](builder& b, const statement& s) { open_weight(b, s, b.capacity_name); }},
    keyword{"capacity_value", sec::capacity, false, true,
            [](builder& b, const statement& s) { set_weight(b, s, b.capacity_name, b.node().capacities); }},
    keyword{"weight_name", sec::default_weight, true, true,
            [](builder& b, const statement& s) { open_weight(b, s, b.default_weight_name); }},
    keyword{
        "weight_default", sec::default_weight, false, true,
        [](builder& b, const statement& s) { set_weight(b, s, b.default_weight_name, b.cluster().weight_defaults); }},

    keyword{"heartbeat_name", sec::heartbeat, true, false, open_heartbeat},
    keyword{"heartbeat_plugin", sec::heartbeat, false, false, set_plugin<heartbeat>},
    keyword{"heartbeat_param", sec::heartbeat, false, true, set_param<heartbeat>},
    keyword{"heartbeat_node", sec::heartbeat, false, true, add_node<heartbeat>},
    keyword{"heartbeat_node_param", sec::heartbeat, false, true, set_node_param<heartbeat>},
    keyword{"heartbeat_switch", sec::heartbeat, false, false, set_switch<heartbeat>},

    keyword{"stonith_name", sec::stonith, true, false, open_stonith},
    keyword{"stonith_plugin", sec::stonith, false, false, set_plugin<stonith>},
    keyword{"stonith_param", sec::stonith, false, true, set_param<stonith>},
    keyword{"stonith_node", sec::stonith, false, true, add_node<stonith>},
    keyword{"stonith_node_param", sec::stonith, false, true, set_node_param<stonith>},
    keyword{"stonith_timeout", sec::stonith, false, false,
            [](builder& b, const statement& s) {
                b.time(s, bare_number::refused, duration{1'000}, limits::member_timeout_max,
                       b.cluster().stonith.back().timeout);
            }},
    keyword{"stonith_tries", sec::stonith, false, false,
            [](builder& b, const statement& s) { b.count(s, 1, 100, b.cluster().stonith.back().tries); }},
    keyword{"stonith_level", sec::stonith, false, false,
            [](builder& b, const statement& s) { b.count(s, 1, 9, b.cluster().stonith.back().level); }},
    keyword{"stonith_switch", sec::stonith, false, false, set_switch<stonith>},
    keyword{"stonith_power_source", sec::stonith, false, false, set_power_source<stonith>},

    keyword{"arbitrator_name", sec::arbitrator, true, false, open_arbitrator},
    keyword{"arbitrator_plugin", sec::arbitrator, false, false, set_plugin<arbitrator_of>},
    keyword{"arbitrator_param", sec::arbitrator, false, true, set_param<arbitrator_of>},
    keyword{"arbitrator_node_param", sec::arbitrator, false, true, set_node_param<arbitrator_of>},
    keyword{"arbitrator_timeout", sec::arbitrator, false, false,
            [](builder& b, const statement& s) {
                b.time(s, bare_number::refused, duration{1'000}, limits::member_timeout_max,
                       b.cluster().arbitrators.back().timeout);
            }},
    keyword{"arbitrator_switch", sec::arbitrator, false, false, set_switch<arbitrator_of>},
    keyword{"arbitrator_power_source", sec::arbitrator, false, false, set_power_source<arbitrator_of>},

    keyword{"event_name", sec::event, true, false, open_event},
    keyword{"event_plugin", sec::event, false, false, set_plugin<event>},
    keyword{"event_param", sec::event, false, true, set_param<event>},
    keyword{"event_node", sec::event, false, true, add_node<event>},
    keyword{"event_node_param", sec::event, false, true, set_node_param<event>},
    keyword{"on_battery_after", sec::event, false, false, set_battery_time},
    keyword{"on_battery_action", sec::event, false, false,
            [](builder& b, const statement& s) {
                b.choice(s, {"halt", "drain"}, b.cluster().event_sources.back().on_battery_action);
            }},

    keyword{"notifier_name", sec::notifier, true, false, open_notifier},
    keyword{"notifier_plugin", sec::notifier, false, false, set_plugin<notifier_of>},
    keyword{"notifier_param", sec::notifier, false, true, set_param<notifier_of>},
    keyword{"notifier_node", sec::notifier, false, true, add_node<notifier_of>},
    keyword{"notifier_node_param", sec::notifier, false, true, set_node_param<notifier_of>},
    keyword{"notifier_event", sec::notifier, false, true, set_events},
};

}  // namespace

std::span<const keyword> cluster_keywords() { return cluster_table; }

}  // namespace mainstay::parsing
