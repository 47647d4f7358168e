// R2: a quorum is a strict majority of each active set; nothing ever uses the newest set alone.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "consensus/types.hpp"

namespace mainstay::consensus {

using node_predicate = std::function<bool(node_id)>;

[[nodiscard]] bool majority(const voter_set& set, const node_predicate& has);
[[nodiscard]] bool quorum(std::span<const voter_set> active, const node_predicate& has);

// The newest time that a quorum reaches: each member of every active set has a date, and this is
// the latest t for which {members with date >= t} is a quorum. time_point::min() = none.
[[nodiscard]] time_point quorum_time(std::span<const voter_set> active, const std::function<time_point(node_id)>& date);

// base (newest voter set at or below `commit`) and every later one of the log, oldest first.
[[nodiscard]] std::vector<voter_set> active_sets(const std::vector<entry>& log, log_index commit);

}  // namespace mainstay::consensus
