// What a new configuration does to the packages that run: told before it is applied. Nothing is decided by it.
#pragma once

#include <string>
#include <vector>

#include "cluster/state.hpp"
#include "model/config.hpp"

namespace mainstay::cluster {

// One line for each thing that happens, or does not happen yet: `package web on n1: halts service probe`. In the order
// in which they would.
[[nodiscard]] std::vector<std::string> effects_on_packages(const state& now, const configuration& wanted);

}  // namespace mainstay::cluster
