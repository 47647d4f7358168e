// What placing takes from the configuration: who may run where, who needs whom, what weighs how much. It stays the same
// until the configuration, the nodes, or what is in maintenance changes, so a leader keeps it from one decision to the
// next (planner). Nothing of it says how things stand.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/state.hpp"

namespace mainstay::policy {

// One dependency; its targets are all instances of the package it names.
struct need {
    std::string package;
    dependency_config::place location = dependency_config::place::same_node;
    std::vector<std::size_t> targets;  // positions in layout::units()
};

// One package, or one instance of a multi-node package.
struct unit {
    std::string name;
    std::size_t package = 0;              // position in the configuration
    bool everywhere = false;              // of a multi-node package
    bool fails_back = false;              // failback_policy automatic
    bool balances = false;                // failover_policy min_package_node
    bool prefers_site = false;            // failover_policy site_preferred or site_preferred_manual
    bool keeps_site = false;              // failover_policy site_preferred_manual
    bool conditions = false;              // has monitored subnets or generic resources
    std::uint32_t rank = 0;               // smaller is more important
    std::vector<node_id> list;            // where it may run, first choice first
    std::vector<need> needs;              // UP
    std::vector<need> excludes;           // DOWN
    std::vector<std::size_t> dependents;  // that need it
    std::vector<std::uint64_t> weights;   // by position in layout::capacities(); empty = it weighs nothing
};

// How the units stand, in the order of layout::units().
using package_states = std::vector<const cluster::package_state*>;

class layout {
public:
    explicit layout(const cluster::state& state);

    // Nothing when a layout of this state would be another one.
    [[nodiscard]] std::optional<package_states> read(const cluster::state& state) const;

    [[nodiscard]] const std::vector<unit>& units() const { return units_; }
    // Of all of them, the most important first; equals in the order of the configuration.
    [[nodiscard]] const std::vector<std::size_t>& by_rank() const { return by_rank_; }
    // Position of the unit, or nothing.
    [[nodiscard]] std::optional<std::size_t> find(const std::string& name) const;

    // Nodes count from 0 in the order of their ids; the last slot is for whatever is no node of the cluster.
    [[nodiscard]] const std::vector<node_id>& nodes() const { return nodes_; }
    [[nodiscard]] std::size_t slots() const { return nodes_.size() + 1; }
    [[nodiscard]] std::size_t slot(node_id node) const;
    // Sites count from 1 in the order of the configuration; 0 = a node that is at none.
    [[nodiscard]] std::uint32_t site(node_id node) const { return site_[slot(node)]; }
    // Names, sorted.
    [[nodiscard]] const std::vector<std::string>& capacities() const { return capacities_; }
    static constexpr std::uint64_t unlimited = UINT64_MAX;
    [[nodiscard]] std::uint64_t limit(std::size_t slot, std::size_t capacity) const {
        return limits_[slot * capacities_.size() + capacity];
    }

private:
    // A package of the state; those that are not configured have no unit.
    struct entry {
        std::string name;
        std::optional<std::size_t> unit;
        bool maintained = false;
    };

    void take_nodes(const cluster::state& state);
    void take_units(const cluster::state& state);
    void connect(const cluster::state& state);
    [[nodiscard]] std::vector<std::uint64_t> weigh(const cluster::state& state, const package_config& config) const;

    std::string text_;  // of the configuration
    std::map<std::string, node_id> ids_;
    std::vector<entry> entries_;  // in the order of state::packages
    std::vector<unit> units_;
    std::vector<std::size_t> by_rank_;
    std::vector<node_id> nodes_;
    std::vector<std::uint32_t> site_;  // by slot
    std::vector<std::string> capacities_;
    std::vector<std::uint64_t> limits_;  // by slot and capacity
};

// What is taken of each capacity of each node.
class load {
public:
    explicit load(const layout& of) : layout_(&of), taken_(of.slots() * of.capacities().size()) {}

    void add(node_id node, const unit& item);
    [[nodiscard]] std::uint64_t taken(node_id node, std::size_t capacity) const;
    // It would exceed a capacity of the node.
    [[nodiscard]] bool too_heavy(node_id node, const unit& item) const;

private:
    const layout* layout_;
    std::vector<std::uint64_t> taken_;
};

}  // namespace mainstay::policy
