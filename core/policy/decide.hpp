// Where should each package run, and why. Pure: the replicated state and what the leader sees in;
// decisions to be logged, and the reasons for everything, out. Only a leader that has committed an
// entry of its own term and has applied its whole log may act on the result ("Packages").
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cluster/commands.hpp"
#include "cluster/state.hpp"
#include "model/time.hpp"
#include "policy/plan.hpp"

namespace mainstay::policy {

// What the leader knows besides the log. All of it is volatile.
struct view {
    time_point now;
    wall_time wall;
    node_id self;
    std::map<node_id, bool> silent;       // up in the log, not heard for T by us nor by a majority
    std::map<node_id, bool> heard_again;  // lost in the log, but heard: the same life
    // When its lease has surely passed (and its watchdog, if it has one armed): quorum.md, proof (3).
    std::map<node_id, time_point> lost_for_sure;
    std::map<node_id, bool> heard_dead;         // fenced in the log, and its life that was proven dead is heard
    std::map<node_id, time_point> fence_again;  // not before: back-off after a failed fence
    std::map<node_id, std::uint32_t> fence_tries;
    std::map<node_id, bool> heard_by_majority;  // never shot (invariant 5)
    bool cut_off = false;                       // D5: all own links are down for a local reason: nobody is shot

    // Everything but the time is as it was in `other`.
    [[nodiscard]] bool same_but_later(const view& other) const;
};

struct decision {
    cluster::command_body body;
};

struct outcome {
    std::vector<decision> decisions;
    time_point look_again = never;  // something becomes due by time alone
};

[[nodiscard]] outcome decide(const cluster::state& state, const view& seen);
// The same answer, in less time when the planner has looked at a former state of the cluster.
[[nodiscard]] outcome decide(planner& with, const cluster::state& state, const view& seen);

// ---- reasons ---------------------------------------------------------------------------------

// `alice@n1 (package disable)`
[[nodiscard]] std::string flag_text(const cluster::provenance& by);

// `pinned to n2 by alice@n1 (new disks)`
[[nodiscard]] std::string pin_text(const cluster::state& state, const cluster::pin& item);

// What stands against a node. `others`: what other packages are or need.
enum class obstacle {
    none,
    unconfigured,
    unseen,
    lost,
    halted,
    battery,
    detached,
    too_old,
    switching,
    pinned,
    site,
    maintenance,
    lacks,
    others
};

struct verdict {
    bool eligible = false;
    std::string reason;  // "first of its node list that can run it", "switching disabled by alice (...)"
    obstacle what = obstacle::unconfigured;
    // Not eligible, but only because it may not start there: it may stay. What it lacks there its node reports.
    bool flag_only = false;
    // It has not said yet what its subnets are like; it will at once.
    bool untold = false;
};
// May the package be started on the node now as far as the node is concerned, and why (not).
[[nodiscard]] verdict judge(const cluster::state& state, const std::string& package, node_id node);
[[nodiscard]] verdict judge(const cluster::state& state, const package_config& config,
                            const cluster::package_state& item, node_id node);

struct choice {
    node_id node;  // 0 = none
    std::string reason;
};
// Where it would be started now, with all other packages where they should be.
[[nodiscard]] choice choose(const cluster::state& state, const std::string& package);
// Mains first, battery rather than nowhere: the node's source has lost its mains.
[[nodiscard]] bool on_battery(const cluster::state& state, node_id node);

// Where it would go if its present node were lost; 0 = nowhere.
[[nodiscard]] node_id next_node(const cluster::state& state, const std::string& package);

}  // namespace mainstay::policy
