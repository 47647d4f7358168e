// The kinds of steps that start a package, in the order in which they are taken, and their names: an administrator may
// have some of them taken only (SG 7.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/config_package.hpp"
#include "model/result.hpp"

namespace mainstay {

enum class package_step : std::uint8_t {
    external_pre_script,
    volume_group,
    filesystem,
    address,
    resource,
    run_script,  // of a control script: with the services and addresses that it begins
    external_script,
    service,
    generic_resource,  // waits for those of during_package_start
    count_
};
[[nodiscard]] std::string_view to_string(package_step value);

// Those that the package has, in their order.
[[nodiscard]] std::vector<package_step> steps_of(const package_config& package);

// "volume_group, filesystem"
[[nodiscard]] std::string listed(const std::vector<package_step>& steps);
// Those of the package that are not among `taken`.
[[nodiscard]] std::vector<package_step> steps_left_out(const package_config& package,
                                                       const std::vector<package_step>& taken);

// Those up to and including `last` (empty = all of them) but for `without`, by name: `address`, or as Serviceguard
// calls the module, sg/package_ip. Errors are sentences: a name that is none, or none of the package's, one that is
// left out and comes after `last`, nothing left to do, or nothing left out.
[[nodiscard]] result<std::vector<package_step>> chosen_steps(const package_config& package, const std::string& last,
                                                             const std::vector<std::string>& without);

}  // namespace mainstay
