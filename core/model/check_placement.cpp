// Rules for where packages may run and beside what (SG 3.1, 3.3, 3.4, 5.8, 5.10).
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "model/check.hpp"
#include "model/limits.hpp"
#include "model/weight.hpp"

namespace mainstay::checking {

namespace {

using kind = package_config::kind;
using place = dependency_config::place;

const package_config* find(const configuration& config, const std::string& name) {
    auto found = std::find_if(config.packages.begin(), config.packages.end(),
                              [&name](const package_config& item) { return item.name == name; });
    return found == config.packages.end() ? nullptr : &*found;
}

bool least(const package_config& package) {
    return package.failover_policy == package_config::failover::min_package_node;
}

// Smaller is more important, no_priority is least.
std::uint32_t rank(const package_config& package) { return package.priority.value_or(limits::priority_max + 1); }

void refuse_when_given(const package_config& package, std::initializer_list<const char*> keywords,
                       const std::string& reason, problems& found) {
    for (const auto* keyword : keywords) {
        auto line = package.lines.find(keyword);
        if (line != package.lines.end()) add_error(found, line->second, keyword, reason, "the line taken out");
    }
}

void check_type(const package_config& package, problems& found) {
    auto where = [&](const char* keyword) { return position(package.lines, keyword, package.where); };
    if (!package.everywhere()) return;
    auto type = std::string(to_string(package.type));
    refuse_when_given(package, {"failover_policy", "failback_policy", "failover_limit", "failover_limit_time"},
                      "a " + type + " package does not fail over", found);
    if (!package.addresses.empty())
        add_error(found, package.addresses.front().where, "ip_address",
                  "a " + type + " package runs on several nodes at once and can't carry an address",
                  "a failover package that depends on it");
    if (package.type != kind::system_multi_node) return;
    if (!package.nodes.empty())
        add_error(found, where(("node_name " + package.nodes.front()).c_str()), "node_name",
                  "a system_multi_node package runs on all nodes", "node_name *");
    if (!package.auto_run)
        add_error(found, where("auto_run"), "auto_run", "a system_multi_node package starts with its node",
                  "auto_run yes");
    if (!package.node_fail_fast)
        add_error(found, where("node_fail_fast_enabled"), "node_fail_fast_enabled",
                  "a node can't go on without a system_multi_node package", "node_fail_fast_enabled yes");
}

void check_priorities(const configuration& config, problems& found) {
    std::map<std::uint32_t, const package_config*> taken;
    for (const auto& package : config.packages) {
        if (!package.priority) continue;
        auto where = position(package.lines, "priority", package.where);
        auto [first, fresh] = taken.emplace(*package.priority, &package);
        if (!fresh)
            add_error(found, where, "priority",
                      std::to_string(*package.priority) + " is the priority of package " + first->second->name + " (" +
                          first->second->where.file + " line " + std::to_string(first->second->where.line) + ")",
                      "a number that no other package has");
        if (least(package))
            add_error(found, where, "priority", "says nothing together with min_package_node",
                      "failover_policy configured_node, or no priority");
    }
}

bool needs(const package_config& package, const package_config& other) {
    return std::any_of(package.dependencies.begin(), package.dependencies.end(),
                       [&other](const auto& item) { return item.up && item.package == other.name; });
}

// Of the package, of what needs it, and of what needs that in turn.
const package_config& most_important(const configuration& config, const package_config& package) {
    std::vector<const package_config*> list{&package};
    for (std::size_t at = 0; at < list.size(); ++at)
        for (const auto& other : config.packages) {
            bool fresh = std::find(list.begin(), list.end(), &other) == list.end();
            if (fresh && needs(other, *list[at])) list.push_back(&other);
        }
    return **std::min_element(list.begin(), list.end(),
                              [](const auto* a, const auto* b) { return rank(*a) < rank(*b); });
}

// SG 5.7: what is needed elsewhere is placed first, so nothing that rests on it may be more important.
void check_not_less_important(const configuration& config, const package_config& package, const dependency_config& item,
                              const package_config& other, problems& found) {
    const auto& first = most_important(config, package);
    if (rank(other) <= rank(first)) return;
    auto than = &first == &package ? std::string() : " than " + first.name + ", which rests on " + package.name;
    add_missing(found, position(item.lines, "dependency_location", item.where), "dependency_location",
                std::string(to_string(item.location)) + ", but " + other.name + " has a lower priority" + than +
                    ": it would have to follow " + first.name,
                "a priority of " + other.name + " that is not lower than that of " + first.name);
}

// SG 3.4: what may be depended on.
void check_up(const configuration& config, const package_config& package, const dependency_config& item,
              const package_config& other, problems& found) {
    auto where = position(item.lines, "dependency_location", item.where);
    if (item.location == place::all_nodes) {
        add_error(found, where, "dependency_location", "all_nodes is for exclusions (DOWN)",
                  "same_node, any_node or different_node");
        return;
    }
    if (package.everywhere() && !other.everywhere()) {
        add_error(
            found, item.where, "dependency_name",
            "a " + std::string(to_string(package.type)) + " package can't depend on the failover package " + other.name,
            "a multi_node or system_multi_node package");
        return;
    }
    if (other.everywhere()) return;
    for (const auto* side : {&package, &other}) {
        if (!least(*side)) continue;
        add_error(found, item.where, "dependency_name",
                  "package " + side->name +
                      " has failover_policy min_package_node, and failover packages that depend "
                      "on each other can't",
                  "failover_policy configured_node in package " + side->name);
    }
    if (item.location != place::same_node) check_not_less_important(config, package, item, other, found);
}

void check_down(const package_config& package, const dependency_config& item, const package_config& other,
                problems& found) {
    auto where = position(item.lines, "dependency_location", item.where);
    if (item.location != place::same_node && item.location != place::all_nodes) {
        add_error(found, where, "dependency_location",
                  std::string(to_string(item.location)) + " is for dependencies (UP)", "same_node or all_nodes");
        return;
    }
    for (const auto* side : {&package, &other})
        if (side->everywhere() || least(*side))
            add_error(
                found, item.where, "dependency_name",
                "only failover packages with configured_node can exclude each other, and " + side->name + " is none",
                "failover_policy configured_node");
    if (!package.priority && !other.priority)
        add_missing(found, item.where, "dependency_name",
                    "neither " + package.name + " nor " + other.name + " has a priority: which one has to give way?",
                    "a priority in at least one of them");
    bool mutual = std::any_of(other.dependencies.begin(), other.dependencies.end(), [&](const auto& back) {
        return !back.up && back.package == package.name && back.location == item.location;
    });
    if (!mutual)
        add_missing(found, item.where, "dependency_name", "package " + other.name + " does not exclude " + package.name,
                    "in package " + other.name + ": dependency_condition " + package.name +
                        " = DOWN, dependency_location " + std::string(to_string(item.location)));
}

void check_dependencies(const configuration& config, const package_config& package, problems& found) {
    std::map<std::string, source_position> names;
    for (const auto& item : package.dependencies) {
        auto [first, fresh] = names.emplace(item.name, item.where);
        if (!fresh && !item.name.empty())
            add_error(found, item.where, "dependency_name",
                      "a second dependency " + item.name + " in package " + package.name + "; the first is on line " +
                          std::to_string(first->second.line),
                      "a name of its own for each dependency of a package");
        if (item.package.empty()) {
            add_missing(found, item.where, "dependency_condition", "dependency " + item.name + " has no condition",
                        "a dependency_condition line below");
            continue;
        }
        auto condition = position(item.lines, "dependency_condition", item.where);
        const auto* other = find(config, item.package);
        if (other == nullptr) {
            std::vector<std::string_view> known;
            for (const auto& candidate : config.packages) known.push_back(candidate.name);
            add_missing(found, condition, "dependency_condition", "there is no package " + item.package,
                        "the name of a package of this cluster");
            found.back().nearest = nearest_word(item.package, known);
        } else if (other == &package) {
            add_error(found, condition, "dependency_condition", "package " + package.name + " can't depend on itself");
        } else if (item.up) {
            check_up(config, package, item, *other, found);
        } else {
            check_down(package, item, *other, found);
        }
        for (const auto& earlier : package.dependencies) {
            if (&earlier == &item) break;
            if (earlier.package != item.package) continue;
            bool apart = !earlier.up || earlier.location == place::different_node;
            bool together = item.up && item.location == place::same_node;
            bool earlier_together = earlier.up && earlier.location == place::same_node;
            bool item_apart = !item.up || item.location == place::different_node;
            if ((apart && together) || (earlier_together && item_apart) || earlier.up != item.up)
                add_error(found, item.where, "dependency_name",
                          "contradicts dependency " + earlier.name + " on line " + std::to_string(earlier.where.line) +
                              ": both are about " + item.package,
                          "one of the two");
        }
    }
}

void check_cycles(const configuration& config, problems& found) {
    std::set<const package_config*> done;
    std::vector<const package_config*> path;
    std::function<void(const package_config&)> visit = [&](const package_config& package) {
        auto again = std::find(path.begin(), path.end(), &package);
        if (again != path.end()) {
            std::string ring;
            for (auto next = again; next != path.end(); ++next) ring += (*next)->name + " -> ";
            const auto& closing = *path.back();
            auto line = std::find_if(closing.dependencies.begin(), closing.dependencies.end(),
                                     [&](const auto& item) { return item.up && item.package == package.name; });
            add_error(found, line->where, "dependency_name", "goes round in a circle: " + ring + package.name,
                      "no package that depends on itself through others");
            return;
        }
        if (done.contains(&package)) return;
        path.push_back(&package);
        for (const auto& item : package.dependencies) {
            const auto* other = item.up ? find(config, item.package) : nullptr;
            if (other != nullptr && other != &package) visit(*other);
        }
        path.pop_back();
        done.insert(&package);
    };
    for (const auto& package : config.packages) visit(package);
}

bool may_run_on(const package_config& package, const std::string& node) {
    return package.nodes.empty() || std::find(package.nodes.begin(), package.nodes.end(), node) != package.nodes.end();
}

void check_weight(const configuration& config, const package_config& package, const std::string& name,
                  problems& found) {
    auto value = weight_of(config.cluster, package, name);
    std::uint64_t largest = 0;
    bool limited = true;
    bool known = false;
    for (const auto& node : config.cluster.nodes) {
        auto capacity = node.capacities.find(name);
        known = known || capacity != node.capacities.end();
        if (!may_run_on(package, node.name)) continue;
        limited = limited && capacity != node.capacities.end();
        if (capacity != node.capacities.end()) largest = std::max(largest, capacity->second);
    }
    auto where = position(package.lines, "weight_name " + name, package.where);
    if (!known && config.cluster.name.empty()) return;
    if (!known) {
        std::set<std::string> all;
        for (const auto& node : config.cluster.nodes)
            for (const auto& item : node.capacities) all.insert(item.first);
        std::vector<std::string_view> words(all.begin(), all.end());
        add_error(found, where, "weight_name", "no node has a capacity " + name, "a capacity_name of a node",
                  nearest_word(name, words));
    } else if (limited && value > largest) {
        add_error(found, where, "weight_value",
                  "package " + package.name + " weighs " + weight_text(value) + " " + name +
                      ", and no node of its list has more than " + weight_text(largest),
                  "at most " + weight_text(largest));
    }
}

void check_weights(const configuration& config, problems& found) {
    std::set<std::string> names;
    for (const auto& node : config.cluster.nodes) {
        for (const auto& item : node.capacities) names.insert(item.first);
        if (node.capacities.size() > limits::capacities)
            add_error(found, node.where, "capacity_name",
                      "node " + node.name + " has " + std::to_string(node.capacities.size()) + " capacities",
                      "at most " + std::to_string(limits::capacities));
    }
    if (names.contains(package_limit) && names.size() > 1) {
        for (const auto& node : config.cluster.nodes)
            if (node.capacities.contains(package_limit))
                add_error(found, position(node.lines, std::string("capacity_name ") + package_limit, node.where),
                          "capacity_name", "package_limit stands alone: it can't be used beside other capacities",
                          "package_limit on all nodes, or other names");
    }
    for (const auto& item : config.cluster.weight_defaults)
        if (!names.contains(item.first))
            add_error(found, position(config.cluster.lines, "weight_name " + item.first, config.cluster.where),
                      "weight_name", "no node has a capacity " + item.first, "a capacity_name of a node");
    for (const auto& package : config.packages) {
        auto used = names;
        for (const auto& item : package.weight) used.insert(item.first);
        bool weighs = false;
        for (const auto& name : used) {
            check_weight(config, package, name, found);
            weighs = weighs || weight_of(config.cluster, package, name) > 0;
        }
        if (!weighs || package.everywhere()) continue;
        if (least(package))
            add_error(found, position(package.lines, "failover_policy", package.where), "failover_policy",
                      "min_package_node counts packages, not weights: the two can't be combined",
                      "failover_policy configured_node, or weight_value 0");
        if (package.failback_policy == package_config::failback::automatic)
            add_error(found, position(package.lines, "failback_policy", package.where), "failback_policy",
                      "automatic failback can't be combined with weights", "failback_policy manual, or weight_value 0");
    }
}

void check_generic(const configuration& config, problems& found) {
    struct use {
        const package_config* package;
        const generic_resource_config* item;
    };
    std::map<std::string, use> first;
    for (const auto& package : config.packages) {
        std::set<std::string> own;
        for (const auto& item : package.generic_resources) {
            if (item.name.empty()) continue;
            if (!own.insert(item.name).second)
                add_error(found, item.where, "generic_resource_name",
                          "a second resource " + item.name + " in package " + package.name,
                          "each generic resource once in a package");
            auto [other, fresh] = first.emplace(item.name, use{&package, &item});
            if (fresh || other->second.item->up_when.has_value() == item.up_when.has_value()) continue;
            add_error(found, item.where, "generic_resource_name",
                      item.name + " is " + (item.up_when ? "compared with a value" : "up or down") +
                          " here and the other way round in package " + other->second.package->name,
                      "generic_resource_up_criteria in all packages that use it, or in none");
        }
    }
    if (first.size() > limits::generic_resources)
        add_error(found, config.packages.front().where, "generic_resource_name",
                  std::to_string(first.size()) + " different ones",
                  "at most " + std::to_string(limits::generic_resources));
}

// SG 3.5, access full: every node of the list is on the subnet; one that is not never runs the package.
void warn_of_strangers(const configuration& config, const package_config& package, const monitored_subnet_config& item,
                       const source_position& where, problems& found) {
    if (item.partial) return;
    std::string strangers;
    bool any = false;
    for (const auto& node : config.cluster.nodes) {
        if (!may_run_on(package, node.name)) continue;
        if (is_on(node, item.subnet)) {
            any = true;
        } else {
            strangers += (strangers.empty() ? "" : ", ") + node.name;
        }
    }
    // A subnet known by a `subnet` line alone says nothing about who is on it.
    if (any && !strangers.empty())
        add_warning(found, where, "monitored_subnet",
                    "no address of " + strangers + " is on " + item.subnet +
                        ": the package can't run there, unless monitored_subnet_access partial follows");
}

void check_subnets(const configuration& config, const package_config& package, problems& found) {
    if (config.cluster.name.empty()) return;
    for (const auto& item : package.monitored_subnets) {
        const auto& subnet = item.subnet;
        const auto& known = config.cluster.subnets;
        auto plain = subnet.substr(0, subnet.find('/'));
        auto where = position(package.lines, "monitored_subnet " + subnet,
                              position(package.lines, "monitored_subnet " + plain, package.where));
        if (std::find(known.begin(), known.end(), subnet) != known.end()) {
            warn_of_strangers(config, package, item, where, found);
            continue;
        }
        std::string list;
        for (const auto& text : known) (list += list.empty() ? "" : ", ") += text;
        add_error(found, where, "monitored_subnet", subnet + " is no subnet of the cluster",
                  list.empty() ? "a heartbeat_ip, stationary_ip or subnet line for it in the cluster part"
                               : "one of " + list);
    }
}

}  // namespace

void check_placement(const configuration& config, problems& found) {
    for (const auto& package : config.packages) {
        check_type(package, found);
        check_dependencies(config, package, found);
        check_subnets(config, package, found);
        bool automatic = package.failback_policy == package_config::failback::automatic;
        if (automatic && least(package))
            add_warning(found, position(package.lines, "failback_policy", package.where), "failback_policy",
                        "automatic: it goes back to the first node of its list, however many packages run there");
    }
    check_priorities(config, found);
    check_cycles(config, found);
    check_weights(config, found);
    check_generic(config, found);
}

}  // namespace mainstay::checking
