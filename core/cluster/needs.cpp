// What packages need of each other, as things stand now: for commands, which never move another
// package (SG 5.2). Where packages should be is policy's question.
#include <algorithm>

#include "cluster/state.hpp"
#include "model/weight.hpp"

namespace mainstay::cluster {

namespace {

// A move without a node still takes along what is less important when what moves is down already.
constexpr std::uint32_t moves_dragging_level = 4;

using place = dependency_config::place;

// A package that is less important is taken along by one that needs it (SG 5.7).
bool comes_along(const package_config& package, const package_config& other) {
    return !other.everywhere() && package.priority && (!other.priority || *other.priority > *package.priority);
}

enum class asked { start, leave_maintenance };

std::string against_dependency(const state& now, const std::string& instance, const package_config& package,
                               const dependency_config& item, node_id node, asked what = asked::start) {
    const auto* other = now.find_package(item.package);
    if (other == nullptr) return {};
    const auto& own = now.packages.at(instance);
    bool under_way = own.avoid && now.feature_level >= moves_dragging_level;
    bool moves = (own.active() || under_way) && what == asked::start;
    bool maintained = now.packages.at(instance).maintained && what == asked::start;
    bool met = false;
    std::string why = ", and it is not";
    for (const auto& name : now.instances(*other)) {
        auto found = now.packages.find(name);
        if (found == now.packages.end()) continue;
        bool there = at_place(item.location, found->second.owner, node);
        // SG 7.2: what is in maintenance is nothing to rely on; two that are ignore each other.
        if (found->second.maintained && maintained) return {};
        if (found->second.maintained && item.up) {
            why = ", and it is in maintenance";
            continue;
        }
        if (!item.up && found->second.active() && there)
            return item.package + " excludes it and is active on " + now.node_name(found->second.owner);
        met = met || (found->second.phase == package_phase::running && there);
    }
    if (!item.up || met || (moves && comes_along(package, *other))) return {};
    return "it needs " + item.package + " up on " +
           (item.location == place::same_node  ? now.node_name(node)
            : item.location == place::any_node ? "any node"
                                               : "another node") +
           why;
}

std::string against_room(const state& now, const std::string& instance, const package_config& package, node_id node) {
    for (const auto& item : now.config.cluster.nodes) {
        if (now.find_node(item.name) != node) continue;
        for (const auto& [name, capacity] : item.capacities) {
            auto own = weight_of(now.config.cluster, package, name);
            std::uint64_t taken = 0;
            for (const auto& [other, state] : now.packages) {
                const auto* config = now.find_package(other);
                if (other != instance && config != nullptr && state.active() && state.owner == node)
                    taken += weight_of(now.config.cluster, *config, name);
            }
            if (own > 0 && own + taken > capacity)
                return "there is no room: it needs " + weight_text(own) + " of " + name + ", " + weight_text(taken) +
                       " of " + weight_text(capacity) + " are taken";
        }
    }
    return {};
}

}  // namespace

std::string state::against_start(const std::string& instance, node_id node) const {
    const auto* package = find_package(instance);
    if (package == nullptr) return "there is no such package";
    bool maintained = packages.at(instance).maintained.has_value();
    auto wrong = maintained ? std::string() : lacks_to_start(*package, node);
    if (!wrong.empty()) return wrong;
    for (const auto& item : package->dependencies) {
        if (item.up && maintained) continue;  // SG 7.2: bypassed
        wrong = against_dependency(*this, instance, *package, item, node);
        if (!wrong.empty()) return wrong;
    }
    return against_room(*this, instance, *package, node);
}

std::optional<wall_time> state::failover_waits_until(const package_config& package, const package_state& item) const {
    auto limit = package.failover_limit;
    bool asked = item.target || item.target_any;
    if (limit == 0 || !item.failed || asked || item.failovers.size() < limit) return {};
    return wall_time{item.failovers[item.failovers.size() - limit].us + package.failover_limit_time.count()};
}

std::string state::against_staying(const std::string& instance, const state& before) const {
    const auto& item = packages.at(instance);
    const auto* package = find_package(instance);
    const auto* former = before.find_package(instance);
    if (package == nullptr || former == nullptr || item.maintained) return {};
    auto lacked = before.lacks(*former, item.owner);
    for (const auto& lack : lacks(*package, item.owner)) {
        bool known = std::any_of(lacked.begin(), lacked.end(), [&](const auto& old) { return old.text == lack.text; });
        if (!lack.unknown && !known) return lack.text;
    }
    for (const auto& link : package->dependencies) {
        bool known =
            std::any_of(former->dependencies.begin(), former->dependencies.end(), [&](const dependency_config& old) {
                return old.package == link.package && old.up == link.up && old.location == link.location;
            });
        auto wrong = known ? std::string()
                           : against_dependency(*this, instance, *package, link, item.owner, asked::leave_maintenance);
        if (!wrong.empty()) return wrong;
    }
    bool had_room = against_room(before, instance, *former, item.owner).empty();
    return had_room ? against_room(*this, instance, *package, item.owner) : std::string();
}

std::string state::against_leaving_maintenance(const std::string& instance) const {
    const auto& item = packages.at(instance);
    const auto* package = find_package(instance);
    if (package == nullptr || !item.maintained) return {};
    if (const auto* partly = runs_partly(instance)) return "it was started partly (" + listed(partly->steps) + ")";
    if (item.phase == package_phase::starting || item.phase == package_phase::halting)
        return "it is " + std::string(to_string(item.phase));
    if (item.phase != package_phase::running) return {};
    if (!item.maintained->services_down.empty())
        return "service " + *item.maintained->services_down.begin() + " has ended";
    auto missing = lacks(*package, item.owner);
    if (!missing.empty()) return missing.front().text;
    for (const auto& link : package->dependencies) {
        auto wrong = against_dependency(*this, instance, *package, link, item.owner, asked::leave_maintenance);
        if (!wrong.empty()) return wrong;
    }
    return {};
}

std::vector<std::string> state::active_dependents(const std::string& instance) const {
    auto name = package_of(instance);
    auto own = packages.find(instance);
    std::vector<std::string> list;
    // Asked in every turn, and mostly nothing depends on it.
    bool any = std::any_of(config.packages.begin(), config.packages.end(), [&name](const auto& package) {
        return std::any_of(package.dependencies.begin(), package.dependencies.end(),
                           [&name](const auto& link) { return link.up && link.package == name; });
    });
    if (!any) return list;
    for (const auto& [other, item] : packages) {
        const auto* package = find_package(other);
        if (package == nullptr || !item.active()) continue;
        // SG 7.2: two in maintenance ignore their relation.
        if (item.maintained && own != packages.end() && own->second.maintained) continue;
        bool needs = std::any_of(
            package->dependencies.begin(), package->dependencies.end(), [&, owner = item.owner](const auto& link) {
                return link.up && link.package == name &&
                       (own == packages.end() || at_place(link.location, own->second.owner, owner));
            });
        if (needs) list.push_back(other);
    }
    return list;
}

}  // namespace mainstay::cluster
