#include "model/keywords_plugin.hpp"

#include <utility>

namespace mainstay::parsing {

void add_param(builder& b, const statement& s, std::vector<parameter>& params, std::string name, std::string value) {
    auto same = std::find_if(params.begin(), params.end(), [&name](const auto& item) { return item.name == name; });
    if (same != params.end()) {
        b.error(s, "parameter " + name + " is given twice, first on line " + std::to_string(same->where.line));
        return;
    }
    params.push_back({std::move(name), std::move(value), s.where});
}

void open_weight(builder& b, const statement& s, std::optional<builder::open_name>& open) {
    b.close_names();
    open = {b.name(s).value_or(""), s};
}

void set_weight(builder& b, const statement& s, std::optional<builder::open_name>& open, weights& target) {
    constexpr std::string_view expected = "a number from 0 to 1000000 with at most three decimals";
    auto name = std::exchange(open, std::nullopt).value_or(builder::open_name{}).text;
    auto value = b.word(s, expected);
    if (!value) return;
    auto parsed = parse_weight(*value);
    if (!parsed) {
        b.error(s, "'" + *value + "' is not possible here", std::string(expected));
    } else if (!name.empty() && !target.emplace(name, *parsed).second) {
        b.error(s, name + " is given twice here");
    }
}

void set_plugin_name(builder& b, const statement& s, plugin_instance& instance) {
    constexpr std::string_view expected = "the name of a plugin, such as heartbeat-udp, without directory and .so";
    auto value = b.word(s, expected);
    if (!value) return;
    bool library = value->size() > 3 && value->substr(value->size() - 3) == ".so";
    if (!is_valid_name(*value) || library) {
        b.error(s, "'" + *value + "' is no plugin name", std::string(expected));
        return;
    }
    instance.plugin = *value;
}

void add_instance_node(builder& b, const statement& s, plugin_instance& instance) {
    auto words = split_words(s.rest);
    if (!words || words->empty()) {
        b.error(s, words ? "has no value" : "a quote is left open", "names of nodes");
        return;
    }
    for (auto& name : *words) {
        bool twice = std::find(instance.nodes.begin(), instance.nodes.end(), name) != instance.nodes.end();
        if (twice) b.error(s, "node " + name + " is named twice");
        if (!twice) instance.nodes.push_back(std::move(name));
    }
}

}  // namespace mainstay::parsing
