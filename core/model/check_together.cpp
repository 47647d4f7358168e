// Packages that can never run, however many nodes are up: what has to be together finds no node, or may not be
// together (SG 3.4, 5.8, 5.10).
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "model/check.hpp"
#include "model/weight.hpp"

namespace mainstay::checking {

namespace {

using place = dependency_config::place;
using by_name = std::map<std::string, const package_config*>;

// One package that another can't be without, and the dependency that says so; the first one has none.
struct member {
    const package_config* package;
    const member* before;
    const dependency_config* by;
};

using closure = std::vector<std::unique_ptr<member>>;

closure closure_of(const by_name& all, const package_config& package,
                   const std::function<bool(const dependency_config&)>& follows) {
    closure list;
    std::set<const package_config*> seen{&package};
    list.push_back(std::make_unique<member>(member{&package, nullptr, nullptr}));
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto* from = list[i].get();
        for (const auto& item : from->package->dependencies) {
            auto other = all.find(item.package);
            if (!item.up || !follows(item) || other == all.end() || !seen.insert(other->second).second) continue;
            list.push_back(std::make_unique<member>(member{other->second, from, &item}));
        }
    }
    return list;
}

// `e -> f -> g`
std::string chain(const member& last) {
    return last.before == nullptr ? last.package->name : chain(*last.before) + " -> " + last.package->name;
}

// The dependency of the first package with which the chain begins.
const dependency_config& first_step(const member& last) {
    const auto* step = &last;
    while (step->before->before != nullptr) step = step->before;
    return *step->by;
}

// All of them: as a chain where they are one.
std::string names_of(const closure& together) {
    bool line = true;
    std::string list;
    for (std::size_t i = 1; i < together.size(); ++i) {
        line = line && together[i]->before == together[i - 1].get();
        (list += list.empty() ? "" : ", ") += together[i]->package->name;
    }
    return line ? chain(*together.back()) : together.front()->package->name + " with " + list;
}

std::string at(const source_position& where) { return where.file + " line " + std::to_string(where.line); }

bool lists(const package_config& package, const std::string& node) {
    return package.nodes.empty() || std::find(package.nodes.begin(), package.nodes.end(), node) != package.nodes.end();
}

std::string list_text(const package_config& package) {
    std::string text;
    for (const auto& node : package.nodes) (text += text.empty() ? "" : ", ") += node;
    return package.name + ": " + text;
}

struct sentence {
    source_position where;
    std::string keyword;
    std::string text;
    std::string remedy;
};

// What of `name` is too much for the node; nothing when there is room.
std::optional<std::string> too_much(const cluster_config& cluster, const node_config& node, const closure& together) {
    for (const auto& [name, capacity] : node.capacities) {
        std::uint64_t sum = 0;
        for (const auto& item : together) sum += weight_of(cluster, *item->package, name);
        if (sum > capacity) return node.name + " has " + weight_text(capacity) + " of " + weight_text(sum) + ' ' + name;
    }
    return std::nullopt;
}

// The members that make it impossible: names that are not in the way would mislead.
std::string limits_of(const closure& together) {
    std::string text;
    for (const auto& item : together)
        if (!item->package->nodes.empty()) (text += text.empty() ? "" : "; ") += list_text(*item->package);
    return text;
}

// No node of its list has enough of one capacity, which check_weight says.
bool too_heavy(const cluster_config& cluster, const package_config& package) {
    std::map<std::string, std::uint64_t> largest;
    std::map<std::string, std::size_t> limited;
    std::size_t nodes = 0;
    for (const auto& node : cluster.nodes) {
        if (!lists(package, node.name)) continue;
        ++nodes;
        for (const auto& [name, capacity] : node.capacities) {
            ++limited[name];
            largest[name] = std::max(largest[name], capacity);
        }
    }
    return std::any_of(largest.begin(), largest.end(), [&](const auto& item) {
        return limited[item.first] == nodes && weight_of(cluster, package, item.first) > item.second;
    });
}

std::optional<sentence> against_nodes(const configuration& config, const closure& together) {
    const auto& package = *together.front()->package;
    if (config.cluster.nodes.empty()) return std::nullopt;
    for (const auto& item : together) {
        if (!item->package->everywhere() && too_heavy(config.cluster, *item->package)) return std::nullopt;
        bool known = std::any_of(config.cluster.nodes.begin(), config.cluster.nodes.end(),
                                 [&item](const auto& node) { return lists(*item->package, node.name); });
        if (!known) return std::nullopt;  // which was said
    }
    std::string full;
    bool any = false;
    for (const auto& node : config.cluster.nodes) {
        bool common = std::all_of(together.begin(), together.end(),
                                  [&node](const auto& item) { return lists(*item->package, node.name); });
        if (!common) continue;
        any = true;
        auto wrong = too_much(config.cluster, node, together);
        if (!wrong) return std::nullopt;
        (full += full.empty() ? "" : "; ") += *wrong;
    }
    bool alone = together.size() == 1;
    const auto& last = *together.back();
    auto names = names_of(together) + " have to be on one node";
    if (!any)
        return sentence{first_step(last).where, "dependency_name",
                        "package " + package.name + " can never run: " + names +
                            ", and no node is in all their lists (" + limits_of(together) + ')',
                        "a node that is in all these lists, or dependency_location any_node"};
    auto where = alone ? package.where : first_step(last).where;
    if (alone)
        for (const auto& [key, line] : package.lines)
            if (key.starts_with("weight_name ") && (where.line == package.where.line || line.line < where.line))
                where = line;
    return sentence{where, alone ? "weight_name" : "dependency_name",
                    "package " + package.name + " can never run: " +
                        (alone ? std::string("no node of its list has room for all its weights at once (")
                               : names + ", and no node has room for all of them (") +
                        full + ')',
                    "a larger capacity_value on one node, or smaller weights"};
}

// Two that have to be on one node (or, `anywhere`, up at the same time) and may not be.
std::optional<sentence> against_each_other(const closure& together, bool anywhere) {
    const auto& package = *together.front()->package;
    for (const auto& one : together) {
        for (const auto& item : one->package->dependencies) {
            bool apart = item.up ? !anywhere && item.location == place::different_node
                                 : !anywhere || item.location == place::all_nodes;
            auto other = std::find_if(together.begin(), together.end(),
                                      [&item](const auto& each) { return each->package->name == item.package; });
            if (!apart || other == together.end() || *other == one) continue;
            if (item.up && (*other)->package->everywhere()) continue;  // it is there too
            const auto& last = (*other)->before == nullptr ? *one : **other;
            // Two lines of one package are compared in check_placement.cpp.
            if (last.before == nullptr || (*other)->before == one.get()) continue;
            return sentence{first_step(last).where, "dependency_name",
                            "package " + package.name + " can never run: " + chain(last) +
                                (anywhere ? " have to be up together" : " have to be on one node") + ", and " +
                                one->package->name + (item.up ? " wants " : " excludes ") + item.package +
                                (item.up    ? " on a different node"
                                 : anywhere ? " everywhere"
                                            : " there") +
                                " (" + at(item.where) + ')',
                            "one of these dependencies taken out"};
        }
    }
    return std::nullopt;
}

std::optional<sentence> against_apart(const configuration& config, const by_name& all, const package_config& package) {
    for (const auto& item : package.dependencies) {
        auto other = all.find(item.package);
        if (!item.up || item.location != place::different_node || other == all.end()) continue;
        auto only = [&config](const package_config& each) {
            if (each.nodes.size() == 1) return each.nodes.front();
            return each.nodes.empty() && config.cluster.nodes.size() == 1 ? config.cluster.nodes.front().name
                                                                          : std::string();
        };
        if (only(package).empty() || only(package) != only(*other->second)) continue;
        return sentence{position(item.lines, "dependency_location", item.where), "dependency_location",
                        "package " + package.name + " can never run: it wants " + item.package +
                            " on a different node, and both have " + only(package) + " alone",
                        "another node in one of the two lists"};
    }
    return std::nullopt;
}

}  // namespace

void check_together(const configuration& config, problems& found) {
    by_name all;
    for (const auto& package : config.packages) all.emplace(package.name, &package);
    std::map<const package_config*, sentence> wrong;
    std::map<const package_config*, closure> needs;
    for (const auto& package : config.packages) {
        auto up = closure_of(all, package, [](const auto&) { return true; });
        auto near = closure_of(all, package, [](const auto& item) { return item.location == place::same_node; });
        auto said = against_each_other(near, false);
        if (!said) said = against_each_other(up, true);
        if (!said && !package.everywhere()) said = against_nodes(config, near);
        if (!said) said = against_apart(config, all, package);
        if (said) wrong.emplace(&package, *said);
        needs.emplace(&package, std::move(up));
    }
    for (const auto& package : config.packages) {
        auto said = wrong.find(&package);
        if (said == wrong.end()) continue;
        // That it needs one that can never run is said there.
        const auto& list = needs[&package];
        bool deeper = std::any_of(std::next(list.begin()), list.end(),
                                  [&wrong](const auto& item) { return wrong.contains(item->package); });
        if (deeper) continue;
        auto& item = said->second;
        add_error(found, item.where, item.keyword, item.text, item.remedy);
    }
}

}  // namespace mainstay::checking
