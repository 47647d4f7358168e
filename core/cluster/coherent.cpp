// A state that came from elsewhere: is it one that folding a log can make? Everything after it relies on that.
#include <algorithm>

#include "cluster/state.hpp"

namespace mainstay::cluster {

namespace {

bool known(const state& value, node_id node) { return value.nodes.contains(node); }

bool known_or_none(const state& value, node_id node) { return !node || known(value, node); }

// Every name has its id, every id its node, and none is yet to be given (R1).
bool nodes_agree(const state& value) {
    for (const auto& [name, id] : value.ids) {
        auto found = value.nodes.find(id);
        if (!id || found == value.nodes.end() || found->second.name != name || id >= value.next_node) return false;
    }
    const auto& configured = value.config.cluster.nodes;
    return std::all_of(configured.begin(), configured.end(),
                       [&](const auto& item) { return value.find_node(item.name); });
}

bool package_agrees(const state& value, const package_state& item) {
    if (item.active() && !known(value, item.owner)) return false;
    if (item.active() && !item.generation) return false;
    if (item.maintained && !known(value, item.maintained->node)) return false;
    return known_or_none(value, item.target) && known_or_none(value, item.avoid);
}

// A package for every instance that is configured.
bool packages_agree(const state& value) {
    for (const auto& config : value.config.packages)
        for (const auto& name : value.instances(config))
            if (!value.packages.contains(name)) return false;
    for (const auto& [name, item] : value.partial_starts)
        if (!value.packages.contains(name) || item.steps.empty()) return false;
    return std::all_of(value.packages.begin(), value.packages.end(),
                       [&](const auto& item) { return package_agrees(value, item.second); });
}

bool pins_agree(const state& value) {
    return std::all_of(value.pins.begin(), value.pins.end(), [&](const auto& item) {
        return value.packages.contains(item.first) && known(value, item.second.node);
    });
}

bool fences_agree(const state& value) {
    return std::all_of(value.fences.begin(), value.fences.end(), [&](const auto& item) {
        const auto& request = item.second.request;
        return item.first == request.node && known(value, request.node) && request.id <= value.fence_ids;
    });
}

}  // namespace

bool coherent(const state& value) {
    bool detached_known = std::all_of(value.detached.begin(), value.detached.end(),
                                      [&](const auto& item) { return known(value, item.first); });
    return detached_known && nodes_agree(value) && packages_agree(value) && pins_agree(value) && fences_agree(value);
}

}  // namespace mainstay::cluster
