// The configuration of one simulated cluster, drawn at random: nodes, tie-break, devices, packages that need each
// other.
#pragma once

#include <string>
#include <vector>

#include "sim/dice.hpp"

namespace mainstay::sim {

struct random_configuration {
    std::string text;  // canonical keywords, as `hactl cluster check` would be given
    std::size_t packages = 0;
};

[[nodiscard]] random_configuration draw_configuration(dice& random, const std::vector<std::string>& names);

}  // namespace mainstay::sim
