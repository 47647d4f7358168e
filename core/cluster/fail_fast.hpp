// What resets a node (SG 4.9): asked by the node itself, and by the forecast.
#pragma once

#include "cluster/commands.hpp"
#include "model/config_package.hpp"

namespace mainstay::cluster {

// With node_fail_fast_enabled, where something may be left behind that nobody can end. Not in maintenance (SG 7.2).
[[nodiscard]] bool resets_node(const package_config& package, bool maintained, report how);

}  // namespace mainstay::cluster
