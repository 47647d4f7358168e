#include "policy/plan.hpp"

#include <algorithm>

#include "model/limits.hpp"
#include "policy/decide.hpp"

namespace mainstay::policy {

using cluster::node_status;
using cluster::package_phase;
using place = dependency_config::place;

bool wanted(const cluster::state& state, const cluster::package_state& item) {
    if (state.halted || !item.stop_asked_by.empty()) return false;
    if (item.maintained) return item.target || item.target_any;  // by command only
    return item.switching || item.target || item.target_any;
}

std::string why_leave(const cluster::state& state, const cluster::package_state& item) {
    auto owner = state.nodes.find(item.owner);
    if (state.halted) return "cluster halt by " + state.halted_by.actor;
    if (owner == state.nodes.end()) return "its node is gone";
    if (owner->second.halted) return "node halt by " + owner->second.halted_by.actor;
    if (owner->second.power_away && !item.maintained) return "node " + owner->second.name + " is on battery";
    if (!item.stop_asked_by.empty()) return "package halt by " + item.stop_asked_by;
    if (item.failing) return item.phase_by.reason;
    return {};
}

bool plan::unproven(const subject& item) const { return item.now->active() && !alive(item.now->owner); }

bool plan::any_unproven() const {
    return std::any_of(all_.begin(), all_.end(), [this](const subject& item) { return unproven(item); });
}

plan::plan(const cluster::state& state, bool leave_out_unproven) : state_(state) {
    collect();
    connect();
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < all_.size(); ++i) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
        return std::pair{all_[a].rank, !here(all_[a])} < std::pair{all_[b].rank, !here(all_[b])};
    });
    // A halt that failed holds what it holds; nothing is planned for it.
    for (auto i : order) {
        if (all_[i].now->phase != package_phase::halt_failed) continue;
        all_[i].reason = "its halt has failed";
        put(i, all_[i].now->owner);
    }
    // SG 7.2: in maintenance it stays where it is, whatever else there is.
    for (auto i : order) {
        if (all_[i].settled || !all_[i].now->maintained || !here(all_[i])) continue;
        if (!why_leave(state_, *all_[i].now).empty()) continue;
        all_[i].reason = "in maintenance";
        put(i, all_[i].now->owner);
    }
    for (auto i : order)
        if (leave_out_unproven && !all_[i].settled && unproven(all_[i])) put(i, node_id{});
    for (auto i : order) settle(i);
}

void plan::collect() {
    for (const auto& node : state_.config.cluster.nodes) {
        auto id = state_.find_node(node.name);
        if (on_battery(state_, id)) on_battery_.insert(id);
        if (node.capacities.empty()) continue;
        capacities_[id] = node.capacities;
        for (const auto& item : node.capacities) capacity_names_.insert(item.first);
    }
    for (const auto& config : state_.config.packages) {
        for (const auto& name : state_.instances(config)) {
            auto found = state_.packages.find(name);
            if (found == state_.packages.end()) continue;
            subject item;
            item.name = name;
            item.config = &config;
            item.now = &found->second;
            item.list = state_.candidates(name, config);
            item.rank = config.priority.value_or(limits::priority_max + 1);
            weigh(item);
            index_[name] = all_.size();
            all_.push_back(std::move(item));
        }
    }
}

void plan::connect() {
    std::map<std::string, std::vector<std::size_t>> by_package;
    for (std::size_t i = 0; i < all_.size(); ++i) by_package[all_[i].config->name].push_back(i);
    for (std::size_t i = 0; i < all_.size(); ++i) {
        for (const auto& item : all_[i].config->dependencies) {
            auto targets = by_package.find(item.package);
            if (targets == by_package.end()) continue;
            need link{item.package, item.location, targets->second};
            // SG 7.2: what it needs is bypassed; nothing else may rely on it.
            bool maintained = all_[i].now->maintained.has_value();
            if (maintained && item.up) continue;
            std::erase_if(link.targets,
                          [&](auto target) { return all_[target].now->maintained && (item.up || maintained); });
            if (item.up)
                for (auto target : link.targets) all_[target].dependents.push_back(i);
            (item.up ? all_[i].needs : all_[i].excludes).push_back(std::move(link));
        }
    }
}

const subject* plan::find(const std::string& name) const {
    auto found = index_.find(name);
    return found == index_.end() ? nullptr : &all_[found->second];
}

bool plan::alive(node_id node) const {
    auto found = state_.nodes.find(node);
    return found != state_.nodes.end() && found->second.status == node_status::up;
}

node_id plan::here(const subject& item) const {
    bool runs = item.now->phase == package_phase::starting || item.now->phase == package_phase::running;
    return runs && alive(item.now->owner) ? item.now->owner : node_id{};
}

void plan::put(std::size_t index, node_id node) {
    auto& item = all_[index];
    item.where = node;
    item.settled = true;
    if (!node) return;
    for (const auto& [name, weight] : weights_of(item)) used_[node][name] += weight;
}

void plan::settle(std::size_t index) {
    auto& item = all_[index];
    if (item.settled) return;
    for (const auto& link : item.needs)
        for (auto target : link.targets)
            if (all_[target].rank <= item.rank || all_[target].config->everywhere()) settle(target);
    std::string skipped;
    for (const auto& [node, reason] : wishes(index)) {
        trial tried;
        auto wrong = against(index, node, tried);
        if (!wrong.empty()) {
            item.refused.emplace_back(node, wrong);
            if (!item.waits_for && judge(state_, *item.config, *item.now, node).untold) item.waits_for = node;
            skipped += "; " + state_.node_name(node) + ": " + wrong;
            continue;
        }
        for (const auto& [other, where] : tried) {
            if (other != index)
                all_[other].reason = "taken along by " + item.name + ", which needs it and is more important";
            put(other, where);
        }
        item.reason = reason + skipped;
        return;
    }
    put(index, node_id{});
    auto leave = item.now->active() ? why_leave(state_, *item.now) : std::string();
    if (state_.halted) {
        item.reason = "the cluster is halted by " + state_.halted_by.actor;
    } else if (item.now->maintained && !wanted(state_, *item.now)) {
        item.reason = leave.empty() ? "in maintenance" : leave;
    } else if (!wanted(state_, *item.now)) {
        item.reason = leave.empty() ? "switching is off" : leave;
    } else {
        item.reason = "no node of its list can run it" + skipped;
    }
}

// ---- which node first ----------------------------------------------------------------------------

std::size_t plan::packages_on(node_id node, std::size_t except) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < all_.size(); ++i) {
        if (i == except) continue;
        if ((all_[i].settled ? all_[i].where : here(all_[i])) == node) ++count;
    }
    return count;
}

std::vector<node_id> plan::by_policy(std::size_t index) const {
    auto list = all_[index].list;
    if (all_[index].config->failover_policy == package_config::failover::min_package_node) {
        std::map<node_id, std::size_t> count;
        for (auto node : list) count[node] = packages_on(node, index);
        std::stable_sort(list.begin(), list.end(), [&count](node_id a, node_id b) { return count[a] < count[b]; });
    }
    std::stable_partition(list.begin(), list.end(), [this](node_id node) { return !weak(node); });
    return list;
}

// SG 5.5 and 5.7: to the first node of its list, unless that halts something as important that needs it.
bool plan::may_fail_back(std::size_t index) const {
    const auto& item = all_[index];
    if (item.config->failback_policy != package_config::failback::automatic) return false;
    if (!item.now->switching || item.list.empty() || weak(item.list.front())) return false;
    return std::all_of(item.dependents.begin(), item.dependents.end(),
                       [&](std::size_t other) { return !all_[other].now->active() || all_[other].rank > item.rank; });
}

std::vector<std::pair<node_id, std::string>> plan::wishes(std::size_t index) const {
    const auto& item = all_[index];
    const auto& now = *item.now;
    std::vector<std::pair<node_id, std::string>> list;
    auto add = [&list](node_id node, std::string reason) {
        bool known = std::any_of(list.begin(), list.end(), [&](const auto& entry) { return entry.first == node; });
        if (node && !known) list.emplace_back(node, std::move(reason));
    };
    auto present = here(item);
    bool may_stay = present && why_leave(state_, *item.now).empty();
    if (!wanted(state_, now)) {
        if (may_stay) add(present, "runs there");
        return list;
    }
    bool least = item.config->failover_policy == package_config::failover::min_package_node;
    auto chosen = std::string(least ? "fewest packages of the nodes of its list (min_package_node)"
                                    : "first of its node list that can run it (configured_node)");
    if (now.target) add(now.target, "asked for by " + now.asked_by);
    if (may_stay && now.avoid != present) {
        if (may_fail_back(index)) add(item.list.front(), "back to the first of its node list (failback automatic)");
        add(present, "runs there");
    }
    if (may_fail_back(index)) add(item.list.front(), "first of its node list (failback automatic)");
    std::string last;  // better nodes that come last
    for (auto node : item.list)
        if (weak(node)) last += "; " + state_.node_name(node) + ": on battery";
    for (auto node : by_policy(index))
        if (node != now.avoid && (node != present || may_stay))
            add(node, weak(node) ? "no better node can run it" : chosen + last);
    if (may_stay) add(present, "runs there, and no other node can run it");
    if (now.avoid && now.avoid != present) add(now.avoid, "no better node can run it");
    return list;
}

// ---- what stands against a node --------------------------------------------------------------------

node_id plan::place_of(std::size_t index, const trial& tried) const {
    if (auto found = tried.find(index); found != tried.end()) return found->second;
    const auto& item = all_[index];
    return item.settled ? item.where : node_id{};
}

std::string plan::against(std::size_t index, node_id node, trial& tried) const {
    const auto& item = all_[index];
    bool stays = here(item) == node && why_leave(state_, *item.now).empty();
    if (!stays && !wanted(state_, *item.now)) return "switching of " + item.name + " is off";
    if (std::find(item.list.begin(), item.list.end(), node) == item.list.end()) return "not in its node list";
    auto found = judge(state_, *item.config, *item.now, node);
    bool flag_only = found.flag_only && stays;  // a flag says where it may start, not where it may stay
    if (!found.eligible && !flag_only) return found.reason;
    tried[index] = node;
    auto wrong = against_exclusions(index, node, tried);
    if (wrong.empty()) wrong = against_capacity(index, node, tried);
    if (wrong.empty()) wrong = against_needs(index, node, tried);
    return wrong;
}

std::string plan::against_needs(std::size_t index, node_id node, trial& tried) const {
    for (const auto& item : all_[index].needs) {
        bool met = std::any_of(item.targets.begin(), item.targets.end(), [&](std::size_t target) {
            if (all_[target].now->phase == package_phase::halt_failed) return false;
            auto where = place_of(target, tried);
            if (!where) return false;
            if (item.location == place::same_node) return where == node;
            return item.location == place::any_node || where != node;
        });
        if (met) continue;
        auto wrong = take_along(item, node, tried);
        if (!wrong.empty()) return wrong;
    }
    return {};
}

// A package that is needed and not settled yet is less important: it goes where it is needed.
std::string plan::take_along(const need& item, node_id node, trial& tried) const {
    std::string wrong;
    for (auto target : item.targets) {
        if (all_[target].settled || tried.contains(target)) continue;
        auto nodes = item.location == place::same_node ? std::vector<node_id>{node} : by_policy(target);
        // Where it runs it serves as well as anywhere: being needed is no reason to move.
        auto present = here(all_[target]);
        if (item.location != place::same_node && present) nodes.insert(nodes.begin(), present);
        for (auto other : nodes) {
            if (item.location == place::different_node && other == node) continue;
            auto more = tried;
            auto against_it = against(target, other, more);
            if (against_it.empty()) {
                tried = std::move(more);
                return {};
            }
            wrong = "needs " + item.package + " there: " + against_it;
        }
    }
    if (!wrong.empty()) return wrong;
    std::string where = "is down";
    for (auto target : item.targets)
        if (auto at = place_of(target, tried)) where = "is on " + state_.node_name(at);
    if (item.targets.size() > 1) where = "is not to be there";
    if (item.targets.empty()) where = "is in maintenance";
    return "needs " + item.package + " on " +
           (item.location == place::same_node  ? "the same node"
            : item.location == place::any_node ? "any node"
                                               : "another node") +
           ", which " + where;
}

std::string plan::against_exclusions(std::size_t index, node_id node, const trial& tried) const {
    for (const auto& item : all_[index].excludes) {
        for (auto target : item.targets) {
            auto where = place_of(target, tried);
            if (!where || (item.location == place::same_node && where != node)) continue;
            return item.package + " excludes it" + (item.location == place::same_node ? " there" : "");
        }
    }
    return {};
}

std::string plan::against_capacity(std::size_t index, node_id node, const trial& tried) const {
    if (all_[index].weights.empty() || !capacities_.contains(node)) return {};
    std::map<std::string, std::uint64_t> used;
    if (auto found = used_.find(node); found != used_.end()) used = found->second;
    for (const auto& [other, where] : tried) {
        if (other == index || where != node) continue;
        for (const auto& [name, weight] : weights_of(all_[other])) used[name] += weight;
    }
    auto name = too_heavy(all_[index], node, used);
    if (name.empty()) return {};
    return "no room: it needs " + weight_text(all_[index].weights.at(name)) + " of " + name + ", " +
           weight_text(used[name]) + " of " + weight_text(capacities_.at(node).at(name)) + " are taken";
}

void plan::weigh(subject& item) const {
    for (const auto& name : capacity_names_) {
        auto own = item.config->weight.find(name);
        auto usual = state_.config.cluster.weight_defaults.find(name);
        std::uint64_t weight = own != item.config->weight.end()                       ? own->second
                               : usual != state_.config.cluster.weight_defaults.end() ? usual->second
                               : name == package_limit                                ? weight_unit
                                                                                      : 0;
        if (weight > 0) item.weights[name] = weight;
    }
}

std::string plan::too_heavy(const subject& item, node_id node, const std::map<std::string, std::uint64_t>& used) const {
    auto limit = capacities_.find(node);
    if (limit == capacities_.end()) return {};
    for (const auto& [name, own] : item.weights) {
        auto capacity = limit->second.find(name);
        auto taken = used.find(name);
        auto sum = own + (taken == used.end() ? 0 : taken->second);
        if (capacity != limit->second.end() && sum > capacity->second) return name;
    }
    return {};
}

// ---- as things stand now ---------------------------------------------------------------------------

bool plan::stays(const subject& item) const {
    return item.now->phase == package_phase::running && !item.leaving && alive(item.now->owner) &&
           item.where == item.now->owner;
}

bool plan::met_now(const need& item, node_id node, const subject* without) const {
    return std::any_of(item.targets.begin(), item.targets.end(), [&](std::size_t target) {
        const auto& other = all_[target];
        if (&other == without || !stays(other)) return false;
        if (item.location == place::same_node) return other.where == node;
        return item.location == place::any_node || other.where != node;
    });
}

std::string plan::in_the_way_now(const subject& item, node_id node) const {
    for (const auto& link : item.excludes)
        for (auto target : link.targets) {
            const auto& other = all_[target];
            if (other.now->active() && (link.location == place::all_nodes || other.now->owner == node))
                return other.name;
        }
    return {};
}

}  // namespace mainstay::policy
