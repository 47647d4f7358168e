#include "runtime/resource_json.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "runtime/json_text.hpp"

namespace mainstay::runtime {

namespace {

using json = nlohmann::ordered_json;

json value_json(const cluster::state& state, const std::string& name, node_id node) {
    json out{{"node", state.node_name(node)}, {"value", state.resource_text(name, node)}};
    auto known = state.resources.find(name);
    if (known == state.resources.end() || !known->second.contains(node)) return out;
    const auto& by = known->second.at(node).by;
    out["by"] = by.actor;
    out["since"] = by.when.us;
    return out;
}

}  // namespace

std::string resources_json(const cluster::state& state) {
    std::map<std::string, json> packages;
    for (const auto& package : state.config.packages)
        for (const auto& item : package.generic_resources) packages[item.name].push_back(package.name);
    json list = json::array();
    for (const auto& [name, users] : packages) {
        json out{{"name", name},
                 {"kind", state.find_resource(name)->up_when ? "extended" : "simple"},
                 {"packages", users},
                 {"nodes", json::array()}};
        for (const auto& node : state.config.cluster.nodes)
            out["nodes"].push_back(value_json(state, name, state.find_node(node.name)));
        list.push_back(std::move(out));
    }
    return dump({{"resources", std::move(list)}});
}

std::string resource_json(const cluster::state& state, const std::string& name, const std::string& node) {
    auto id = state.find_node(node);
    if (!id || state.find_resource(name) == nullptr) return {};
    auto out = value_json(state, name, id);
    out["name"] = name;
    return dump(out);
}

}  // namespace mainstay::runtime
