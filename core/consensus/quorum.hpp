// R2: a quorum is a strict majority of each active set; nothing ever uses the newest set alone.
// Voters are (node, store) pairs throughout: a node that lost its store counts for nothing (R7).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "consensus/types.hpp"

namespace mainstay::consensus {

using voter_predicate = std::function<bool(const voter&)>;

[[nodiscard]] bool majority(const voter_set& set, const voter_predicate& has);
[[nodiscard]] bool quorum(std::span<const active_set> active, const voter_predicate& has);

// The newest time that a quorum reaches: each member of every active set has a date, and this is
// the latest t for which {members with date >= t} is a quorum. time_point::min() = none.
[[nodiscard]] time_point quorum_time(std::span<const active_set> active,
                                     const std::function<time_point(const voter&)>& date);

}  // namespace mainstay::consensus
