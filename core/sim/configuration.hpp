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
    std::string spare;  // one more package, for an administrator to add
    // What packages may rely on besides each other.
    static constexpr const char* subnet = "10.1.0.0/24";
    static constexpr const char* simple_resource = "lun";   // before_package_start, up or down
    static constexpr const char* valued_resource = "load";  // during_package_start, up below 50
};

// `conditions`, when there, draws the subnets and resources that packages rely on; `sites`, where nodes stand and which
// packages ask for it.
[[nodiscard]] random_configuration draw_configuration(dice& random, const std::vector<std::string>& names,
                                                      dice* conditions, dice* sites = nullptr);

}  // namespace mainstay::sim
