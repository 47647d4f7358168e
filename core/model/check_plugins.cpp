// Parameters of plugin instances against what the plugins say they take.
#include <algorithm>
#include <array>

#include "model/address.hpp"
#include "model/check.hpp"
#include "model/limits.hpp"
#include "model/value.hpp"

namespace mainstay {

std::string_view to_string(plugin_kind kind) {
    constexpr std::array<std::string_view, static_cast<std::size_t>(plugin_kind::count_)> names{
        "heartbeat", "stonith", "resource", "event_source", "arbitrator", "notifier"};
    return names.at(static_cast<std::size_t>(kind));
}

namespace checking {

namespace {

// The prefix of an instance's keywords: `stonith` of stonith_param.
struct instance_view {
    const plugin_instance& instance;
    std::string prefix;
    plugin_kind kind;
    const cluster_config& cluster;
};

std::string range_text(const param_schema& schema) {
    bool time = schema.type == value_type::time_span;
    auto text = [time](std::int64_t value) {
        return time ? duration_text(duration{value * 1000}) : std::to_string(value);
    };
    if (schema.minimum >= schema.maximum) return {};
    return " from " + text(schema.minimum) + " to " + text(schema.maximum);
}

std::string expected_text(const param_schema& schema) {
    std::string out;
    switch (schema.type) {
        case value_type::integer:
            out = schema.unit.empty() ? "a whole number" : "a whole number of " + schema.unit;
            break;
        case value_type::boolean:
            return "yes or no";
        case value_type::time_span:
            out = "a time such as 250ms or 2s";
            break;
        case value_type::choice:
            for (const auto& word : schema.choices) (out += out.empty() ? "" : " or ") += word;
            return out;
        case value_type::address:
            return "an address such as 10.77.0.1";
        case value_type::subnet:
            return "a subnet such as 10.77.0.0/24";
        case value_type::path:
            return "an absolute path";
        case value_type::text:
        case value_type::command:
        case value_type::count_:
            return "some text";
    }
    return out + range_text(schema);
}

bool is_in_range(const param_schema& schema, std::int64_t value) {
    return schema.minimum >= schema.maximum || (value >= schema.minimum && value <= schema.maximum);
}

bool fits(const param_schema& schema, const std::string& value) {
    switch (schema.type) {
        case value_type::integer: {
            auto number = parse_integer(value);
            return number && is_in_range(schema, *number);
        }
        case value_type::time_span: {
            auto time = parse_duration(value, bare_number::seconds);
            return time && is_in_range(schema, time->count() / 1000);
        }
        case value_type::boolean:
            return parse_yes_no(value).has_value();
        case value_type::choice:
            return std::find(schema.choices.begin(), schema.choices.end(), value) != schema.choices.end();
        case value_type::address:
            return parse_address(value).has_value();
        case value_type::subnet:
            return parse_subnet(value).has_value();
        case value_type::path:
            return !value.empty() && value.front() == '/';
        case value_type::text:
        case value_type::command:
        case value_type::count_:
            return !value.empty();
    }
    return false;
}

void check_param(const instance_view& view, const plugin_schema& plugin, const parameter& param, bool for_node,
                 problems& found) {
    auto keyword = view.prefix + (for_node ? "_node_param" : "_param");
    auto schema = std::find_if(plugin.params.begin(), plugin.params.end(),
                               [&param](const param_schema& s) { return s.name == param.name; });
    if (schema == plugin.params.end()) {
        std::vector<std::string_view> names;
        std::string list;
        for (const auto& s : plugin.params) {
            names.push_back(s.name);
            (list += list.empty() ? "" : ", ") += s.name;
        }
        add_error(found, param.where, keyword, "plugin " + plugin.plugin + " has no parameter " + param.name,
                  list.empty() ? "no parameters" : "one of " + list, nearest_word(param.name, names));
        return;
    }
    if (for_node && schema->scope == value_scope::instance) {
        add_error(found, param.where, keyword, "parameter " + param.name + " is the same for all nodes",
                  "`" + view.prefix + "_param " + param.name + " VALUE`");
    } else if (!for_node && schema->scope == value_scope::node) {
        add_error(found, param.where, keyword, "parameter " + param.name + " is different on each node",
                  "`" + view.prefix + "_node_param NODE " + param.name + " VALUE`");
    } else if (!fits(*schema, param.value)) {
        std::vector<std::string_view> words(schema->choices.begin(), schema->choices.end());
        add_error(found, param.where, keyword,
                  "'" + param.value + "' is not possible for parameter " + param.name + " of " + plugin.plugin,
                  expected_text(*schema), nearest_word(param.value, words));
    }
}

bool has(const std::vector<parameter>& params, const std::string& name) {
    return std::any_of(params.begin(), params.end(), [&name](const parameter& p) { return p.name == name; });
}

void check_required(const instance_view& view, const plugin_schema& plugin, problems& found) {
    const auto& instance = view.instance;
    for (const auto& schema : plugin.params) {
        if (!schema.required || has(instance.params, schema.name)) continue;
        auto report = [&](const std::string& keyword, const std::string& node) {
            add_missing(found, instance.where, keyword,
                        "plugin " + plugin.plugin + " of " + instance.name + " needs parameter " + schema.name +
                            (node.empty() ? "" : " for node " + node) + (schema.help.empty() ? "" : ": " + schema.help),
                        "`" + keyword + (node.empty() ? " " : " " + node + " ") + schema.name + " VALUE`");
        };
        if (schema.scope == value_scope::instance) {
            report(view.prefix + "_param", {});
            continue;
        }
        for (const auto& node : view.cluster.nodes) {
            bool member = instance.nodes.empty() ||
                          std::find(instance.nodes.begin(), instance.nodes.end(), node.name) != instance.nodes.end();
            auto params = instance.node_params.find(node.name);
            bool given = params != instance.node_params.end() && has(params->second, schema.name);
            if (member && !given) report(view.prefix + "_node_param", node.name);
        }
    }
}

void check_instance(const instance_view& view, std::span<const plugin_schema> schemas, problems& found) {
    const auto& instance = view.instance;
    auto plugin_where = position(instance.lines, view.prefix + "_plugin", instance.where);
    if (instance.plugin.empty()) {
        add_missing(found, instance.where, view.prefix + "_name", instance.name + " names no plugin",
                    "a " + view.prefix + "_plugin line below");
        return;
    }
    for (const auto& node : instance.nodes) {
        require_node(view.cluster, node, position(instance.lines, view.prefix + "_node " + node, instance.where),
                     view.prefix + "_node", found);
    }
    for (const auto& [node, params] : instance.node_params) {
        require_node(view.cluster, node, params.empty() ? instance.where : params.front().where,
                     view.prefix + "_node_param", found);
    }
    if (instance.params.size() > limits::params_per_instance) {
        add_error(found, instance.where, view.prefix + "_param", "too many parameters",
                  "at most " + std::to_string(limits::params_per_instance));
    }
    auto plugin = std::find_if(schemas.begin(), schemas.end(),
                               [&instance](const plugin_schema& s) { return s.plugin == instance.plugin; });
    if (plugin == schemas.end()) return;
    if (plugin->kind != view.kind) {
        add_error(found, plugin_where, view.prefix + "_plugin",
                  instance.plugin + " is a plugin of kind " + std::string(to_string(plugin->kind)),
                  "one of kind " + std::string(to_string(view.kind)));
        return;
    }
    for (const auto& param : instance.params) check_param(view, *plugin, param, false, found);
    for (const auto& [node, params] : instance.node_params) {
        for (const auto& param : params) check_param(view, *plugin, param, true, found);
    }
    check_required(view, *plugin, found);
}

}  // namespace

void check_plugins(const configuration& config, std::span<const plugin_schema> schemas, problems& found) {
    const auto& cluster = config.cluster;
    auto check = [&](const plugin_instance& instance, const char* prefix, plugin_kind kind) {
        check_instance({instance, prefix, kind, cluster}, schemas, found);
    };
    if (!cluster.name.empty()) {
        for (const auto& link : cluster.heartbeats) check(link, "heartbeat", plugin_kind::heartbeat);
        for (const auto& device : cluster.stonith) check(device, "stonith", plugin_kind::stonith);
        for (const auto& item : cluster.arbitrators) check(item, "arbitrator", plugin_kind::arbitrator);
        for (const auto& source : cluster.event_sources) check(source, "event", plugin_kind::event_source);
        for (const auto& notifier : cluster.notifiers) check(notifier, "notifier", plugin_kind::notifier);
    }
    for (const auto& package : config.packages) {
        for (const auto& resource : package.resources) check(resource, "resource", plugin_kind::resource);
    }
}

}  // namespace checking

}  // namespace mainstay
