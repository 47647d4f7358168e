// Why the log refuses a configuration as things are now: decided by the fold, told by `cluster check` before.
#pragma once

#include <string>
#include <vector>

#include "cluster/state.hpp"
#include "model/config.hpp"
#include "model/problem.hpp"

namespace mainstay::cluster {

// A node that is to go still has a package. Empty = none.
[[nodiscard]] std::string against_nodes_going(const state& now, const cluster_config& wanted);

// The instance, active or in maintenance, can't be changed like that: SG 3.11, or the change would fail it. `after` is
// `now` with the wanted configuration. Empty = it can.
[[nodiscard]] std::string against_change(const state& now, const std::string& instance, const package_state& item,
                                         const state& after);

// Nodes may be detached, and no configuration is taken until they are back. Empty = none is.
[[nodiscard]] std::string against_detached(const state& now);

// All that would be refused, with the place in the files that `wanted` was read from: errors. The log has the last
// word, things may be otherwise when the change gets there.
[[nodiscard]] problems against_now(const state& now, const configuration& wanted);

// Packages that no file has any more, unless their removal is meant: `meant` names them, or is `all`. Warnings; what
// `meant` names and is not left out is an error.
[[nodiscard]] problems left_out(const state& now, const configuration& wanted, const std::vector<std::string>& meant);

}  // namespace mainstay::cluster
