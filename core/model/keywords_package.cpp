// The keywords of a package. Every entry also stands in docs/reference/configuration.md (a test
// compares them).
#include <fmt/format.h>

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
        b.error(s, "node " + *value + " is named twice", "each node once; the first line of two says its place");
    } else if (!star && !is_valid_name(*value)) {
        b.error(s, "'" + *value + "' can't be the name of a node", std::string(name_rule));
    } else if (!star) {
        nodes.push_back(*value);
    }
}

void open_subnet(builder& b, const statement& s) {
    b.close_subnet();
    // Opened even when wrong, so that the addresses below it do not all complain as well.
    b.subnet = builder::open_subnet{b.subnet_text(s), s};
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
        b.error(s, "'" + s.rest + "' is an EMS resource, and EMS is HP-UX only",
                "generic_resource_name, and a service that sets it with hactl resource set");
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

// Serviceguard's words inside a path: the package, and two directories that only its own machines know.
void package_path(builder& b, const statement& s, std::string& target) {
    auto own = s;
    auto replace = [&own](std::string_view word, const std::string& by) {
        for (auto at = own.rest.find(word); at != std::string::npos; at = own.rest.find(word, at + by.size()))
            own.rest.replace(at, word.size(), by);
    };
    for (const char* word : {"${SG_PACKAGE}", "$SG_PACKAGE", "<package_name>"}) replace(word, b.package().name);
    replace("${SGRUN}", "$SGRUN");
    replace("${SGCONF}", "$SGCONF");
    for (const std::string word : {"$SGRUN", "$SGCONF"}) {
        if (own.rest.find(word) == std::string::npos) continue;
        auto rest = own.rest.substr(own.rest.find(word) + word.size());
        return b.error(s, word + " is a directory of Serviceguard's, which only its own machines know",
                       "the path that it stands for there: " +
                           std::string(word == "$SGRUN" ? "/usr/local/cmcluster/run" : "/usr/local/cmcluster/conf") +
                           rest + " on many of them");
    }
    b.path(own, target);
}

// The template's value is what Serviceguard does without one; so it is here.
void set_log_file(builder& b, const statement& s) {
    auto words = split_words(s.rest);
    const auto& name = b.package().name;
    for (const std::string run : {"$SGRUN", "${SGRUN}"})
        for (const std::string& file :
             {std::string("$SG_PACKAGE"), std::string("${SG_PACKAGE}"), std::string("<package_name>"), name})
            if (words && words->size() == 1 && words->front() == fmt::format("{}/log/{}.log", run, file)) return;
    package_path(b, s, b.package().script_log_file);
}

void add_script(builder& b, const statement& s, std::vector<std::string>& list) {
    std::string path;
    package_path(b, s, path);
    if (path.empty()) return;
    bool twice = std::find(list.begin(), list.end(), path) != list.end();
    if (twice) b.error(s, path + " stands twice", "each script once");
    if (!twice) list.push_back(path);
}

// pev_NAME VALUE: a variable for the package's scripts.
void set_variable(builder& b, const statement& s) {
    auto name = s.written.substr(4);
    bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    });
    std::string value;
    bool empty = s.rest == "\"\"" || s.rest == "''";  // meant so, unlike a value that was forgotten
    if (!empty) b.text(s, value);
    if (!plain) {
        b.error(s, "'" + name + "' can't name a variable", "pev_ and letters, digits or _");
    } else if (!b.package().variables.emplace(name, value).second) {
        b.error(s, "given twice in this package", "one of the two lines");
    } else {
        b.package().lines.emplace("pev_" + name, s.where);
    }
}

using sec = section;
// SG 3.3 says one second; shorter ones are for tests and for those who know.
constexpr duration script_timeout_min{1'000};

constexpr std::array package_table{
    keyword{"package_name", sec::package, true, false, open_package},
    keyword{"package_type", sec::package, false, false,
            [](builder& b, const statement& s) {
                b.choice(s, {"failover", "multi_node", "system_multi_node"}, b.package().type);
            }},
    keyword{"description", sec::package, false, false,
            [](builder& b, const statement& s) { b.package().description = whole_value(s.rest); }},
    keyword{"package_description", sec::package, false, false,
            [](builder& b, const statement& s) { b.package().description = whole_value(s.rest); }, "description"},
    keyword{"node_name", sec::package, false, true, add_candidate},
    keyword{"auto_run", sec::package, false, false,
            [](builder& b, const statement& s) { b.yes_no(s, b.package().auto_run); }},
    keyword{"run_script", sec::package, false, false,
            [](builder& b, const statement& s) { package_path(b, s, b.package().run_script); }},
    keyword{"run_script_timeout", sec::package, false, false,
            [](builder& b, const statement& s) {
                b.optional_time(s, script_timeout_min, limits::script_timeout_max, b.package().run_script_timeout);
            }},
    keyword{"halt_script", sec::package, false, false,
            [](builder& b, const statement& s) { package_path(b, s, b.package().halt_script); }},
    keyword{"halt_script_timeout", sec::package, false, false,
            [](builder& b, const statement& s) {
                b.optional_time(s, script_timeout_min, limits::script_timeout_max, b.package().halt_script_timeout);
            }},
    keyword{"successor_halt_timeout", sec::package, false, false,
            [](builder& b, const statement& s) {
                b.optional_time(s, duration{0}, limits::script_timeout_max, b.package().successor_halt_timeout);
            }},
    keyword{"script_log_file", sec::package, false, false, set_log_file},
    keyword{"log_level", sec::package, false, false,
            [](builder& b, const statement& s) { b.count(s, 0, 5, b.package().log_level); }},
    keyword{"node_fail_fast_enabled", sec::package, false, false,
            [](builder& b, const statement& s) { b.yes_no(s, b.package().node_fail_fast); }},
    keyword{"external_pre_script", sec::package, false, true,
            [](builder& b, const statement& s) { add_script(b, s, b.package().external_pre_scripts); }},
    keyword{"external_script", sec::package, false, true,
            [](builder& b, const statement& s) { add_script(b, s, b.package().external_scripts); }},
    keyword{"pev_*", sec::package, false, true, set_variable},

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
    keyword{"service_restart_heal_time", sec::service, false, false,
            [](builder& b, const statement& s) {
                duration value{0};
                b.time(s, bare_number::seconds, duration{1'000}, limits::script_timeout_max, value);
                if (value.count() > 0) b.service().restart_heal = value;
            }},
    keyword{"service_fail_fast_enabled", sec::service, false, false,
            [](builder& b, const statement& s) { b.yes_no(s, b.service().fail_fast); }},
    keyword{"service_halt_timeout", sec::service, false, false,
            [](builder& b, const statement& s) {
                b.time(s, bare_number::seconds, duration{0}, limits::script_timeout_max, b.service().halt_timeout);
            }},
};

}  // namespace

std::span<const keyword> package_keywords() {
    static const auto whole = [] {
        std::vector<keyword> all(package_table.begin(), package_table.end());
        for (auto part : {placement_keywords(), storage_keywords()}) all.insert(all.end(), part.begin(), part.end());
        return all;
    }();
    return whole;
}

}  // namespace mainstay::parsing
