// `hactl ... --plan` shows what a command would come to, and an id; `--plan-id` makes the command conditional on it.
// The condition is checked where the command is applied, the same on every node: nothing can slip in between.
#pragma once

#include <string>

#include "cluster/state.hpp"

namespace mainstay::cluster {

// 412-9f3a77c01b2e-51d2: the newest entry, what decisions depend on (the configuration, the phases, places and flags
// of packages and nodes, resources, subnets, power; no times), and what is asked for.
[[nodiscard]] std::string plan_id_of(const state& now, const command_body& asked);

struct plan_check {
    std::string wrong;        // a sentence; empty = things are as they were
    log_index changed_since;  // 0 = it is not that
};
[[nodiscard]] plan_check check_plan(const state& now, const std::string& id, const command_body& asked);

// What is asked for, also with a plan. A body that can't be read is given back as it is.
[[nodiscard]] command_body asked_of(const command_body& body);
[[nodiscard]] command_body asked_of(const planned& body);
// D2: a plan of a kind that this version does not know is itself one.
[[nodiscard]] bool readable(const command_body& body);

}  // namespace mainstay::cluster
