// What a plugin says about itself: name, kind and parameters, as plain values that stay when the
// library is gone. `hactl plugin info`, validation and the manual are fed from here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/plugin.h"
#include "model/result.hpp"
#include "model/schema.hpp"

namespace mainstay::plugin {

enum class kind { heartbeat, stonith, resource, event_source, arbitrator, notifier, count_ };
enum class param_type { text, integer, boolean, duration, choice, address, subnet, path, command, count_ };
enum class param_scope { instance, node, either, count_ };

[[nodiscard]] std::string_view to_string(kind value);
[[nodiscard]] std::string_view to_string(param_type value);
[[nodiscard]] std::string_view to_string(param_scope value);

struct param_info {
    std::string name;
    param_type type = param_type::text;
    param_scope scope = param_scope::instance;  // where a configuration may give it
    bool required = false;
    bool secret = false;
    std::string unit;
    std::string default_value;  // as written in a configuration; empty = none
    std::int64_t minimum = 0;   // integers; durations in milliseconds; no range when minimum >= maximum
    std::int64_t maximum = 0;
    std::vector<std::string> choices;
    std::string help;
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("type", self.type);
        visit("scope", self.scope);
        visit("required", self.required);
        visit("secret", self.secret);
        visit("unit", self.unit);
        visit("default", self.default_value);
        visit("min", self.minimum);
        visit("max", self.maximum);
        visit("choices", self.choices);
        visit("help", self.help);
    }
};

struct plugin_info {
    std::string name;
    plugin::kind kind = kind::heartbeat;
    std::string version;
    std::string summary;
    std::string file;
    std::vector<param_info> params;
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("kind", self.kind);
        visit("version", self.version);
        visit("summary", self.summary);
        visit("file", self.file);
        visit("params", self.params);
    }
};

// Reads a table whose magic, versions and sizes were already found right (loader.cpp). The error
// names the parameter and what is wrong with it.
[[nodiscard]] result<plugin_info> read_info(const mainstay_plugin& table);

// The part of it that check_configuration() wants.
[[nodiscard]] plugin_schema to_schema(const plugin_info& info);

}  // namespace mainstay::plugin
