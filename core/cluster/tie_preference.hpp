// Which half of the voters need not wait in a tie (R3): asked by the nodes, and by the forecast of a split.
#pragma once

#include <vector>

#include "cluster/state.hpp"

namespace mainstay::cluster {

// The half that runs more package weight, then the one with the lowest number. Both ascending and without a common
// node.
[[nodiscard]] bool preferred_in_tie(const state& now, const std::vector<node_id>& half,
                                    const std::vector<node_id>& silent);

}  // namespace mainstay::cluster
