// What a snapshot holds besides consensus' own part, and what can be told from it and the log after it.
#pragma once

#include <vector>

#include "cluster/state.hpp"
#include "consensus/raft.hpp"
#include "model/result.hpp"
#include "node/io.hpp"

namespace mainstay::node {

// The state, and the newest history for people.
struct snapshot_body {
    cluster::state state;
    std::vector<happened> history;
    static void fields(auto& self, auto&& visit) {
        visit("state", self.state);
        visit("history", self.history);
    }
};

// The state as it was at that moment, by the entries' own times, out of the log up to `applied`. An error when the
// log does not reach back so far: its detail is the time of the oldest state it has.
[[nodiscard]] tl::expected<cluster::state, wall_time> state_at(const consensus::raft& log, log_index applied,
                                                               wall_time when);

}  // namespace mainstay::node
