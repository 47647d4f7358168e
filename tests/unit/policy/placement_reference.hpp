// Where each package should be, worked out slowly and obviously from the rules alone (SG 5.4 to 5.10): one after the
// other, the most important first, each on the first node of its wishes on which it can be with all that came before it
// and with what it needs. What it needs and what is less important goes where that works out: every way is tried.
// Nothing of it is shared with policy/plan, but what judges one node by itself.
// Not for clusters with halts that failed, maintenance, detached nodes or batteries.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "cluster/state.hpp"
#include "policy/decide.hpp"
#include "policy/plan.hpp"

namespace mainstay::small {

class placement_reference {
public:
    explicit placement_reference(const cluster::state& state) : state_(state) {
        for (const auto& config : state.config.packages)
            for (const auto& name : state.instances(config)) {
                names_.push_back(name);
                needed_by_[name] = {};
            }
        for (const auto& name : names_)
            for (const auto& link : config(name).dependencies)
                if (link.up)
                    for (const auto& other : instances(link.package)) needed_by_[other].push_back(name);
    }

    // By name; 0 = nowhere.
    std::map<std::string, node_id> everything() {
        auto ranked = names_;
        std::stable_sort(ranked.begin(), ranked.end(), [this](auto& a, auto& b) { return rank(a) < rank(b); });
        for (std::size_t begin = 0; begin < ranked.size();) {
            auto end = begin;
            while (end < ranked.size() && rank(ranked[end]) == rank(ranked[begin])) ++end;
            std::vector<std::string> equals(&ranked[begin], &ranked[begin] + (end - begin));
            resting_.clear();
            for (const auto& name : equals)
                if (can_stay_as_it_is(name)) resting_[name] = true;
            // What can stay as it is, then what has to move, then what is down.
            for (const auto& name : equals)
                if (resting_.contains(name)) settle(name);
            for (const auto& name : equals)
                if (here(name)) settle(name);
            for (const auto& name : equals) settle(name);
            begin = end;
        }
        return settled_;
    }

private:
    using place = dependency_config::place;
    using assignment = std::vector<std::pair<std::string, node_id>>;

    // ---- what is known of one package ----

    [[nodiscard]] const cluster::package_state& now(const std::string& name) const { return state_.packages.at(name); }
    [[nodiscard]] const package_config& config(const std::string& name) const { return *state_.find_package(name); }
    [[nodiscard]] std::vector<std::string> instances(const std::string& package) const {
        return state_.instances(*state_.find_package(package));
    }
    [[nodiscard]] std::uint32_t rank(const std::string& name) const {
        return config(name).priority.value_or(UINT32_MAX);
    }
    [[nodiscard]] node_id here(const std::string& name) const {
        auto phase = now(name).phase;
        bool runs = phase == cluster::package_phase::starting || phase == cluster::package_phase::running;
        bool there = runs && state_.nodes.at(now(name).owner).status == cluster::node_status::up;
        return there ? now(name).owner : node_id{};
    }
    [[nodiscard]] bool may_stay(const std::string& name) const {
        return here(name) && policy::why_leave(state_, now(name)).empty();
    }
    // failover_limit
    [[nodiscard]] bool held(const std::string& name) const {
        return now(name).failed && state_.failover_waits_until(config(name), now(name)) &&
               state_.alarms.contains(name + " failover_limit");
    }
    [[nodiscard]] std::uint64_t weight(const std::string& name) const {
        auto found = config(name).weight.find("cpu");
        return found == config(name).weight.end() ? 0 : found->second;
    }
    [[nodiscard]] std::string site(node_id node) const {
        for (const auto& item : state_.config.cluster.nodes)
            if (state_.find_node(item.name) == node) return item.site;
        return {};
    }
    [[nodiscard]] node_id pinned(const std::string& name) const {
        auto found = state_.pins.find(name);
        return found == state_.pins.end() ? node_id{} : found->second.node;
    }
    [[nodiscard]] bool by_site(const std::string& name) const {
        auto policy = config(name).failover_policy;
        return policy == package_config::failover::site_preferred || only_its_site(name);
    }
    [[nodiscard]] bool only_its_site(const std::string& name) const {
        return config(name).failover_policy == package_config::failover::site_preferred_manual;
    }
    // Where it was last; nowhere yet: that of the first node that can run it.
    [[nodiscard]] std::string home(const std::string& name) const {
        if (auto last = site(now(name).owner); !last.empty()) return last;
        for (auto node : state_.candidates(name, config(name)))
            if (policy::judge(state_, name, node).eligible) return site(node);
        return {};
    }
    [[nodiscard]] bool at_another_site(const std::string& name, node_id node) const {
        auto own = only_its_site(name) ? home(name) : std::string();
        return !own.empty() && site(node) != own && pinned(name) != node && now(name).target != node;
    }

    // Where they are to be, as far as that is settled; else where they run.
    [[nodiscard]] std::size_t others_on(node_id node, const std::string& name) const {
        return static_cast<std::size_t>(std::count_if(names_.begin(), names_.end(), [&](const auto& other) {
            auto found = settled_.find(other);
            return other != name && (found == settled_.end() ? here(other) : found->second) == node;
        }));
    }
    // Its list as its policy has it (SG 5.4).
    [[nodiscard]] std::vector<node_id> list(const std::string& name) const {
        if (auto node = pinned(name)) return {node};
        auto all = state_.candidates(name, config(name));
        if (config(name).failover_policy == package_config::failover::min_package_node)
            std::stable_sort(all.begin(), all.end(),
                             [&](node_id a, node_id b) { return others_on(a, name) < others_on(b, name); });
        if (!by_site(name) || home(name).empty()) return all;
        std::vector<node_id> out;
        for (bool own : {true, false})
            for (auto node : all)
                if ((site(node) == home(name)) == own) out.push_back(node);
        return out;
    }
    // SG 5.5, 5.7: not when something as important that needs it would be halted for it.
    [[nodiscard]] node_id goes_back_to(const std::string& name) const {
        auto all = state_.candidates(name, config(name));
        bool automatic = config(name).failback_policy == package_config::failback::automatic && now(name).switching;
        if (!automatic || all.empty() || pinned(name) || at_another_site(name, all.front())) return {};
        for (const auto& other : needed_by_.at(name))
            if (now(other).active() && rank(other) <= rank(name)) return {};
        return all.front();
    }
    // All nodes that it would like to be on, the best first.
    [[nodiscard]] std::vector<node_id> wishes(const std::string& name) const {
        const auto& item = now(name);
        bool stays = may_stay(name);
        std::vector<node_id> out;
        if (!policy::wanted(state_, item)) return stays ? std::vector{here(name)} : out;
        if (held(name)) return out;
        if (item.target) out.push_back(item.target);
        if (auto first = goes_back_to(name)) out.push_back(first);
        if (stays && item.avoid != here(name)) out.push_back(here(name));
        // Asked for on one node alone it goes nowhere else.
        if (item.switching || item.target_any || item.avoid)
            for (auto node : list(name))
                if (node != here(name) && node != item.avoid) out.push_back(node);
        if (stays) out.push_back(here(name));
        if (item.avoid && item.avoid != here(name)) out.push_back(item.avoid);
        return out;
    }
    // As far as no other package is concerned.
    [[nodiscard]] bool takes(const std::string& name, node_id node) const {
        auto verdict = policy::judge(state_, name, node);
        if (may_stay(name) && here(name) == node) return verdict.eligible || verdict.flag_only;
        auto all = state_.candidates(name, config(name));
        bool listed = std::find(all.begin(), all.end(), node) != all.end();
        // SG 5.2: by command and without a node only where it is in nobody's way.
        bool careful = now(name).target_any && (!now(name).switching || now(name).avoid);
        if (careful && !state_.against_start(name, node).empty()) return false;
        return policy::wanted(state_, now(name)) && !held(name) && listed && !at_another_site(name, node) &&
               verdict.eligible;
    }

    // ---- together with others ----

    // Where it is to be: settled, or tried.
    [[nodiscard]] node_id where(const std::string& name, const assignment& tried) const {
        for (const auto& [other, node] : tried)
            if (other == name) return node;
        auto found = settled_.find(name);
        return found == settled_.end() ? node_id{} : found->second;
    }
    static bool serves(const dependency_config& link, node_id node, node_id target) {
        if (!target) return false;
        if (link.location == place::same_node) return target == node;
        return link.location == place::any_node || target != node;
    }
    [[nodiscard]] bool met(const dependency_config& link, node_id node, const assignment& tried) const {
        auto all = instances(link.package);
        return std::any_of(all.begin(), all.end(),
                           [&](const auto& other) { return serves(link, node, where(other, tried)); });
    }
    // The newest of them beside all others: its node, exclusions (SG 5.8), room (SG 5.10).
    [[nodiscard]] bool can_be(const assignment& tried) const {
        const auto& [name, node] = tried.back();
        if (!takes(name, node)) return false;
        for (const auto& link : config(name).dependencies) {
            if (link.up) continue;
            auto other = where(link.package, tried);
            if (other && (link.location == place::all_nodes || other == node)) return false;
        }
        std::uint64_t sum = 0;
        for (const auto& other : names_)
            if (where(other, tried) == node) sum += weight(other);
        for (const auto& item : state_.config.cluster.nodes)
            if (state_.find_node(item.name) == node && item.capacities.contains("cpu") && weight(name) > 0)
                return sum <= item.capacities.at("cpu");
        return true;
    }
    // Puts what is needed and nowhere yet where it serves; every way is tried. What was tried last is seen to first.
    [[nodiscard]] bool complete(assignment& tried) const {
        if (!can_be(tried)) return false;
        for (auto item = tried.rbegin(); item != tried.rend(); ++item) {
            auto [name, node] = *item;
            for (const auto& link : config(name).dependencies)
                if (link.up && !met(link, node, tried)) return take_along(link, node, tried);
        }
        return true;
    }
    [[nodiscard]] bool take_along(const dependency_config& link, node_id node, assignment& tried) const {
        const auto before = tried;
        auto others = instances(link.package);  // what runs serves as well as what does not
        std::stable_partition(others.begin(), others.end(), [this](const auto& other) { return bool(here(other)); });
        for (const auto& other : others) {
            if (settled_.contains(other) || where(other, tried)) continue;
            auto nodes = list(other);
            if (here(other)) nodes.insert(nodes.begin(), here(other));  // being needed is no reason to move
            if (link.location == place::same_node) nodes = {node};
            for (auto target : nodes) {
                if (!serves(link, node, target)) continue;
                tried.emplace_back(other, target);
                if (complete(tried)) return true;
                tried = before;
            }
        }
        return false;
    }

    // ---- one after the other ----

    // It runs, nothing but more important things could move it, and what it needs stays as well.
    [[nodiscard]] bool can_stay_as_it_is(const std::string& name) const {
        if (settled_.contains(name)) return here(name) && settled_.at(name) == here(name);
        bool asked = now(name).target || now(name).target_any || now(name).avoid;
        auto back = goes_back_to(name);
        if (!may_stay(name) || asked || (back && back != here(name))) return false;
        return std::all_of(config(name).dependencies.begin(), config(name).dependencies.end(),
                           [&](const auto& link) { return !link.up || stays(link, here(name)); });
    }
    [[nodiscard]] bool stays(const dependency_config& link, node_id node) const {
        auto all = instances(link.package);
        return std::any_of(all.begin(), all.end(), [&](const auto& other) {
            if (settled_.contains(other)) return serves(link, node, settled_.at(other));
            return can_stay_as_it_is(other) && serves(link, node, here(other));
        });
    }

    // What it needs comes first, unless that is less important.
    void settle(const std::string& name) {
        if (settled_.contains(name)) return;
        auto needed_first = [&](bool resting) {
            for (const auto& link : config(name).dependencies)
                if (link.up)
                    for (const auto& other : instances(link.package)) {
                        if (rank(other) <= rank(name) && (can_stay_as_it_is(other) || !resting)) settle(other);
                    }
        };
        needed_first(true);
        if (!can_stay_as_it_is(name)) needed_first(false);
        for (auto node : wishes(name)) {
            assignment tried{{name, node}};
            if (!complete(tried)) continue;
            for (const auto& [other, its] : tried) settled_[other] = its;
            return;
        }
        settled_[name] = node_id{};
    }

    const cluster::state& state_;
    std::vector<std::string> names_;  // in the order of the configuration
    std::map<std::string, std::vector<std::string>> needed_by_;
    std::map<std::string, node_id> settled_;
    std::map<std::string, bool> resting_;  // of the rank that is being settled
};

}  // namespace mainstay::small
