#include "model/keywords_plugin.hpp"

namespace mainstay::parsing {

void add_param(builder& b, const statement& s, std::vector<parameter>& params, std::string name, std::string value) {
    auto same = std::find_if(params.begin(), params.end(), [&name](const auto& item) { return item.name == name; });
    if (same != params.end()) {
        b.error(s, "parameter " + name + " is given twice, first on line " + std::to_string(same->where.line));
        return;
    }
    params.push_back({std::move(name), std::move(value), s.where});
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
