// What a new configuration does to the packages that run: told before it is applied. Nothing is decided by it.
#pragma once

#include <string>
#include <vector>

#include "cluster/state.hpp"
#include "model/config.hpp"
#include "model/problem.hpp"

namespace mainstay::cluster {

// One line for each thing that happens, or does not happen yet: `package web on n1: halts service probe`. In the order
// in which they would.
[[nodiscard]] std::vector<std::string> effects_on_packages(const state& now, const configuration& wanted);

// What can't be changed while a package is as it is, with the place in the files that `wanted` was read from. Warnings:
// the log has the last word, and things may be otherwise when the change gets there.
[[nodiscard]] problems against_packages(const state& now, const configuration& wanted);

}  // namespace mainstay::cluster
