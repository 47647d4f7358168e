// The keywords of a package. Every entry also stands in docs/reference/configuration.md (a test
// compares them).
#include <algorithm>
#include <array>

#include "model/address.hpp"
#include "model/builder.hpp"
#include "model/keywords_plugin.hpp"
#include "model/limits.hpp"

namespace mainstay::parsing {

namespace {

void open_package(builder& b, const statement& s) {
    auto& package = b.out.config.packages.emplace_back();
    package.name = b.name(s).value_or("");
    package.where = s.where;
}

void add_candidate(builder& b, const statement& s) {
    auto value = b.word(s, "the name of a node, or * for all");
    if (!value) return;
    auto& package = b.package();
    auto& nodes = package.nodes;
    // "*" is the same as no line at all; together with names it is a contradiction.
    bool star = *value == "*";
    bool earlier_star = package.lines.count("node_name *") != 0 && !star;
    if (earlier_star || (star && !nodes.empty())) {
        b.error(s, "* means all nodes; it cannot stand together with names", "either * or names of nodes");
    } else if (!star && std::find(nodes.begin(), nodes.end(), *value) != nodes.end()) {
        b.error(s, "node " + *value + " is named twice");
    } else if (!star) {
        nodes.push_back(*value);
    }
}

void set_path(builder& b, const statement& s, std::string& target) {
    auto value = b.word(s, "an absolute path");
    if (!value) return;
    if (value->front() != '/') {
        b.error(s, "'" + *value + "' is no absolute path", "a path that starts with /");
        return;
    }
    target = *value;
}

void open_subnet(builder& b, const statement& s) {
    constexpr std::string_view expected = "a subnet such as 10.77.0.0/24 or fd00:77::/64";
    b.close_subnet();
    auto value = b.word(s, expected);
    if (!value) return;
    auto subnet = parse_subnet(*value);
    auto plain = parse_address(*value);
    if (!subnet && !plain) {
        b.error(s, "'" + *value + "' is no subnet", std::string(expected));
    } else if (subnet && network_of(*subnet) != *subnet) {
        b.error(s, "'" + *value + "' is an address in a subnet", to_string(network_of(*subnet)));
    }
    // Opened even when wrong, so that the addresses below it do not all complain as well.
    auto text = subnet ? to_string(network_of(*subnet)) : plain ? to_string(*plain) : std::string();
    b.subnet = builder::open_subnet{text, s};
}

void add_address(builder& b, const statement& s) {
    constexpr std::string_view expected = "an address such as 10.77.0.100 or fd00:77::100, without prefix";
    b.subnet->used = true;
    auto value = b.word(s, expected);
    if (!value) return;
    auto parsed = parse_address(*value);
    if (!parsed) {
        b.error(s, "'" + *value + "' is no address", std::string(expected));
    } else if (is_special(*parsed)) {
        b.error(s, *value + " is no address that a package can carry", "an address in the ip_subnet above");
    } else {
        b.package().addresses.push_back({to_string(*parsed), b.subnet->text, s.where});
    }
}

plugin_instance& resource(builder& b) { return b.package().resources.back(); }

void open_resource(builder& b, const statement& s) {
    if (!s.rest.empty() && s.rest.front() == '/') {
        b.error(s, "'" + s.rest + "' is an EMS resource: known from Serviceguard, not supported yet",
                "the name of a plugin resource");
        b.package().resources.push_back({.name = "ems", .plugin = "ems", .where = s.where});
        return;
    }
    open_instance(b, s, b.package().resources);
}

void open_service(builder& b, const statement& s) {
    b.package().services.push_back({.name = b.name(s).value_or(""), .where = s.where});
}

void set_restarts(builder& b, const statement& s) {
    constexpr std::string_view expected = "none, unlimited or a number";
    auto value = b.word(s, expected);
    if (!value) return;
    auto number = parse_count(*value);
    if (same_word(*value, "unlimited")) {
        b.service().restart_max.reset();
    } else if (same_word(*value, "none")) {
        b.service().restart_max = 0;
    } else if (number && *number <= 1'000'000) {
        b.service().restart_max = static_cast<std::uint32_t>(*number);
    } else {
        constexpr std::array<std::string_view, 2> words{"none", "unlimited"};
        b.error(s, "'" + *value + "' is not possible here", std::string(expected), nearest_word(*value, words));
    }
}

using sec = section;

constexpr std::array package_table{
    keyword{"package_name", sec::package, true, false, open_package},
    keyword{"description", sec::package, false, false,
            [](builder& b, const statement& s) { b.package().description = whole_value(s.rest); }},
    keyword{"package_description", sec::package, false, false,
            [](builder& b, const statement& s) { b.package().description = whole_value(s.rest); }, "description"},
    keyword{"node_name", sec::package, false, true, add_candidate},
    keyword{"auto_run", sec::package, false, false,
            [](builder& b, const statement& s) { b.yes_no(s, b.package().auto_run); }},
    keyword{"failover_policy", sec::package, false, false,
            [](builder& b, const statement& s) { b.choice(s, {"configured_node"}, b.package().failover_policy); }},
    keyword{"failback_policy", sec::package, false, false,
            [](builder& b, const statement& s) { b.choice(s, {"manual"}, b.package().failback_policy); }},
    keyword{"run_script", sec::package, false, false,
            [](builder& b, const statement& s) { set_path(b, s, b.package().run_script); }},
    keyword{"run_script_timeout", sec::package, false, false,
            [](builder& b, const statement& s) {
                b.optional_time(s, limits::script_timeout_max, b.package().run_script_timeout);
            }},
    keyword{"halt_script", sec::package, false, false,
            [](builder& b, const statement& s) { set_path(b, s, b.package().halt_script); }},
    keyword{"halt_script_timeout", sec::package, false, false,
            [](builder& b, const statement& s) {
                b.optional_time(s, limits::script_timeout_max, b.package().halt_script_timeout);
            }},
    keyword{"script_log_file", sec::package, false, false,
            [](builder& b, const statement& s) { set_path(b, s, b.package().script_log_file); }},

    keyword{"ip_subnet", sec::subnet, true, true, open_subnet},
    keyword{"ip_address", sec::subnet, false, true, add_address},

    keyword{"resource_name", sec::resource, true, false, open_resource},
    keyword{"resource_plugin", sec::resource, false, false, set_plugin<resource>},
    keyword{"resource_param", sec::resource, false, true, set_param<resource>},
    keyword{"resource_node_param", sec::resource, false, true, set_node_param<resource>},

    keyword{"service_name", sec::service, true, false, open_service},
    keyword{"service_cmd", sec::service, false, false,
            [](builder& b, const statement& s) { b.text(s, b.service().command); }},
    keyword{"service_restart", sec::service, false, false, set_restarts},
    keyword{"service_fail_fast_enabled", sec::service, false, false,
            [](builder& b, const statement& s) { b.yes_no(s, b.service().fail_fast); }},
    keyword{"service_halt_timeout", sec::service, false, false,
            [](builder& b, const statement& s) {
                b.time(s, bare_number::seconds, duration{0}, limits::script_timeout_max, b.service().halt_timeout);
            }},
};

}  // namespace

std::span<const keyword> package_keywords() { return package_table; }

}  // namespace mainstay::parsing
