// Where each package should be, all packages considered together (SG 5.4 to 5.10), with the reasons.
// A pure function of the replicated state: computed from scratch, so it depends on nothing else.
//
// Packages are settled one after another, the most important first; among equals those that run
// before those that are down, and what is depended on before what depends on it. Each takes the
// first node of its wish list on which it can be with all that has been settled before it. A less
// important package that it needs is taken along (SG 5.7, case B); a more important one decides.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/state.hpp"

namespace mainstay::policy {

// One dependency; its targets are all instances of the package it names.
struct need {
    std::string package;
    dependency_config::place location = dependency_config::place::same_node;
    std::vector<std::size_t> targets;
};

// One package, or one instance of a multi-node package.
struct subject {
    std::string name;
    const package_config* config = nullptr;
    const cluster::package_state* now = nullptr;
    std::vector<node_id> list;            // where it may run, first choice first
    std::vector<need> needs;              // UP
    std::vector<need> excludes;           // DOWN
    std::vector<std::size_t> dependents;  // that need it
    std::uint32_t rank = 0;               // smaller is more important
    // What it weighs of the capacities that there are.
    std::map<std::string, std::uint64_t> weights;
    node_id where;       // the answer; 0 = nowhere
    std::string reason;  // why there, or why nowhere
    bool settled = false;
    bool leaving = false;                                  // has to halt where it runs: see decide()
    std::vector<std::pair<node_id, std::string>> refused;  // nodes tried before, and what stood against each
    // A better node that has not said yet what its subnets are like; it will at once.
    node_id waits_for;
};

class plan {
public:
    explicit plan(const cluster::state& state) : plan(state, false) {}
    // As long as nothing proves that the lost nodes are dead: what they run is planned nowhere.
    [[nodiscard]] static plan without_unproven(const cluster::state& state) { return {state, true}; }
    [[nodiscard]] bool any_unproven() const;

    [[nodiscard]] const std::vector<subject>& all() const { return all_; }
    [[nodiscard]] const subject* find(const std::string& name) const;
    // What needs it finds it gone from now on.
    void mark_leaving(std::size_t index) { all_[index].leaving = true; }
    // Runs now, on a node that is in the cluster, and is to stay there.
    [[nodiscard]] bool stays(const subject& item) const;
    // The need is met now by something that stays, for a dependent on `node`; `without` counts as gone.
    [[nodiscard]] bool met_now(const need& item, node_id node, const subject* without = nullptr) const;
    // Something that may not be beside it is still active; its name, or empty.
    [[nodiscard]] std::string in_the_way_now(const subject& item, node_id node) const;
    // What it weighs, by capacity name.
    [[nodiscard]] static const std::map<std::string, std::uint64_t>& weights_of(const subject& item) {
        return item.weights;
    }
    // Name of the capacity of the node that `used` and the item together exceed, or empty.
    [[nodiscard]] std::string too_heavy(const subject& item, node_id node,
                                        const std::map<std::string, std::uint64_t>& used) const;

private:
    using trial = std::map<std::size_t, node_id>;

    plan(const cluster::state& state, bool leave_out_unproven);
    [[nodiscard]] bool unproven(const subject& item) const;
    void collect();
    void connect();
    void weigh(subject& item) const;
    void settle(std::size_t index);
    void put(std::size_t index, node_id node);
    [[nodiscard]] std::vector<std::pair<node_id, std::string>> wishes(std::size_t index) const;
    [[nodiscard]] std::vector<node_id> by_policy(std::size_t index) const;
    [[nodiscard]] bool may_fail_back(std::size_t index) const;
    [[nodiscard]] std::size_t packages_on(node_id node, std::size_t except) const;
    // Empty when it can be on the node with what is settled and what is tried; else what stands against it.
    [[nodiscard]] std::string against(std::size_t index, node_id node, trial& tried) const;
    [[nodiscard]] std::string against_needs(std::size_t index, node_id node, trial& tried) const;
    [[nodiscard]] std::string take_along(const need& item, node_id node, trial& tried) const;
    [[nodiscard]] std::string against_exclusions(std::size_t index, node_id node, const trial& tried) const;
    [[nodiscard]] std::string against_capacity(std::size_t index, node_id node, const trial& tried) const;
    [[nodiscard]] node_id place_of(std::size_t index, const trial& tried) const;
    [[nodiscard]] bool alive(node_id node) const;
    // Mains first, battery rather than nowhere.
    [[nodiscard]] bool weak(node_id node) const { return on_battery_.contains(node); }
    // Runs or starts on a node that is in the cluster.
    [[nodiscard]] node_id here(const subject& item) const;

    const cluster::state& state_;
    std::vector<subject> all_;
    std::map<std::string, std::size_t> index_;
    std::map<node_id, std::map<std::string, std::uint64_t>> used_;  // by what is settled
    std::map<node_id, std::map<std::string, std::uint64_t>> capacities_;
    std::set<std::string> capacity_names_;
    std::set<node_id> on_battery_;
};

// True when the package is to run if it can: switched on, or asked for.
[[nodiscard]] bool wanted(const cluster::state& state, const cluster::package_state& item);
// What stands against the package staying on its node, apart from other packages; empty = nothing.
[[nodiscard]] std::string why_leave(const cluster::state& state, const cluster::package_state& item);

}  // namespace mainstay::policy
