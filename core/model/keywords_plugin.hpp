// Inside of parse_configuration: what plugin instances, and what weights and capacities have in common. `current` gives
// the instance that is being read.
#pragma once

#include <algorithm>
#include <vector>

#include "model/builder.hpp"

namespace mainstay::parsing {

using current_instance = plugin_instance& (*)(builder&);

// Adds to `params` unless the name stands there already.
void add_param(builder& b, const statement& s, std::vector<parameter>& params, std::string name, std::string value);
void set_plugin_name(builder& b, const statement& s, plugin_instance& instance);
void add_instance_node(builder& b, const statement& s, plugin_instance& instance);

// capacity_name or weight_name, and the value on the line below it.
void open_weight(builder& b, const statement& s, std::optional<builder::open_name>& open);
void set_weight(builder& b, const statement& s, std::optional<builder::open_name>& open, weights& target);

template <class Instance>
void open_instance(builder& b, const statement& s, std::vector<Instance>& all) {
    auto name = b.name(s).value_or("");
    auto& instance = all.emplace_back();
    instance.name = std::move(name);
    instance.where = s.where;
}

template <current_instance current>
void set_plugin(builder& b, const statement& s) {
    set_plugin_name(b, s, current(b));
}

template <current_instance current>
void set_param(builder& b, const statement& s) {
    auto parts = b.words_and_rest(s, 2, "NAME VALUE");
    if (parts) add_param(b, s, current(b).params, (*parts)[0], (*parts)[1]);
}

template <current_instance current>
void set_switch(builder& b, const statement& s) {
    current(b).network_switch = b.name(s).value_or("");
}

template <current_instance current>
void set_power_source(builder& b, const statement& s) {
    current(b).power_source = b.name(s).value_or("");
}

template <current_instance current>
void add_node(builder& b, const statement& s) {
    add_instance_node(b, s, current(b));
}

template <current_instance current>
void set_node_param(builder& b, const statement& s) {
    auto parts = b.words_and_rest(s, 3, "NODE NAME VALUE");
    if (parts) add_param(b, s, current(b).node_params[(*parts)[0]], (*parts)[1], (*parts)[2]);
}

}  // namespace mainstay::parsing
