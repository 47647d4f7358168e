// What packages rely on besides each other: monitored subnets and generic resources (SG 3.5, 3.7).
#include <algorithm>
#include <set>

#include "cluster/state.hpp"

namespace mainstay::cluster {

namespace {

bool holds(const generic_resource_config::criterion& wanted, std::int32_t value) {
    using comparison = generic_resource_config::comparison;
    switch (wanted.how) {
        case comparison::equal:
            return value == wanted.value;
        case comparison::not_equal:
            return value != wanted.value;
        case comparison::greater:
            return value > wanted.value;
        case comparison::less:
            return value < wanted.value;
        case comparison::greater_equal:
            return value >= wanted.value;
        default:
            return value <= wanted.value;
    }
}

// Empty = it is up there.
std::string against_resource(const state& now, const generic_resource_config& item, node_id node) {
    auto known = now.resources.find(item.name);
    auto value = known == now.resources.end() ? decltype(known->second.find(node)){} : known->second.find(node);
    if (known == now.resources.end() || value == known->second.end())
        return "generic resource " + item.name + " is unknown on " + now.node_name(node);
    auto number = value->second.value;
    if (!item.up_when) {
        if (number == 1) return {};
        return "generic resource " + item.name + " is down on " + now.node_name(node);
    }
    if (holds(*item.up_when, number)) return {};
    return "generic resource " + item.name + " is " + std::to_string(number) + " on " + now.node_name(node) + ", not " +
           std::string(to_string(item.up_when->how)) + " " + std::to_string(item.up_when->value);
}

bool told_of(const state& now, const std::string& subnet, node_id node) {
    auto seen = now.subnets.find(node);
    return seen != now.subnets.end() && seen->second.contains(subnet);
}

std::string against_subnet(const state& now, const std::string& subnet, node_id node) {
    if (!told_of(now, subnet, node)) return "subnet " + subnet + " is unknown on " + now.node_name(node);
    if (now.subnets.at(node).at(subnet).up) return {};
    return "subnet " + subnet + " is down on " + now.node_name(node);
}

bool needs_subnet(const state& now, const monitored_subnet_config& item, node_id node) {
    if (!item.partial) return true;
    const auto& nodes = now.config.cluster.nodes;
    return std::any_of(nodes.begin(), nodes.end(), [&](const auto& other) {
        return now.find_node(other.name) == node && is_on(other, item.subnet);
    });
}

}  // namespace

std::vector<lacking> state::lacks(const package_config& package, node_id node) const {
    std::vector<lacking> list;
    auto add = [&list](report what, std::string text, bool told) {
        if (!text.empty()) list.push_back({what, std::move(text), !told});
    };
    for (const auto& item : package.monitored_subnets)
        if (needs_subnet(*this, item, node))
            add(report::subnet_down, against_subnet(*this, item.subnet, node), told_of(*this, item.subnet, node));
    for (const auto& item : package.generic_resources) {
        auto values = resources.find(item.name);
        add(item.before_start ? report::before_resource_down : report::during_resource_down,
            against_resource(*this, item, node), values != resources.end() && values->second.contains(node));
    }
    return list;
}

std::string state::lacks_to_start(const package_config& package, node_id node) const {
    for (auto& item : lacks(package, node))
        if (item.what != report::during_resource_down) return item.text;
    return {};
}

bool state::subnets_untold(const package_config& package, node_id node) const {
    auto host = nodes.find(node);
    if (host == nodes.end() || host->second.status != node_status::up) return false;
    return std::any_of(package.monitored_subnets.begin(), package.monitored_subnets.end(), [&](const auto& item) {
        return needs_subnet(*this, item, node) && !told_of(*this, item.subnet, node);
    });
}

const generic_resource_config* state::find_resource(const std::string& name) const {
    for (const auto& package : config.packages)
        for (const auto& item : package.generic_resources)
            if (item.name == name) return &item;
    return nullptr;
}

std::string state::resource_text(const std::string& name, node_id node) const {
    const auto* config_of = find_resource(name);
    auto known = resources.find(name);
    if (config_of == nullptr || known == resources.end() || !known->second.contains(node)) return "unknown";
    auto value = known->second.at(node).value;
    if (config_of->up_when) return std::to_string(value);
    return value == 1 ? "up" : "down";
}

std::vector<std::string> state::monitored_subnets() const {
    std::set<std::string> all;
    for (const auto& package : config.packages)
        for (const auto& item : package.monitored_subnets) all.insert(item.subnet);
    return {all.begin(), all.end()};
}

}  // namespace mainstay::cluster
