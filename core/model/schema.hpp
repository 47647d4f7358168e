// What a plugin says about its parameters, as far as a configuration can be held against it. The
// plugin loader (runtime) fills these from the libraries; nothing here loads anything. Kinds, types
// and scopes are those of the plugin interface, in its order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay {

enum class plugin_kind { heartbeat, stonith, resource, event_source, arbitrator, notifier, count_ };
enum class value_type { text, integer, boolean, time_span, choice, address, subnet, path, command, count_ };
enum class value_scope { instance, node, either, count_ };  // given by x_param, x_node_param, or both

struct param_schema {
    std::string name;
    value_type type = value_type::text;
    value_scope scope = value_scope::instance;
    bool required = false;
    std::string unit;           // of a bare integer, for people: "baud"
    std::string default_value;  // as written in a configuration; empty = none
    std::int64_t minimum = 0;   // integers; durations in milliseconds; no range when minimum >= maximum
    std::int64_t maximum = 0;
    std::vector<std::string> choices;
    std::string help;
};

struct plugin_schema {
    std::string plugin;  // heartbeat-udp
    plugin_kind kind = plugin_kind::heartbeat;
    std::vector<param_schema> params;
};

[[nodiscard]] std::string_view to_string(plugin_kind kind);

}  // namespace mainstay
