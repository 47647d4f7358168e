// hactl under the names that Serviceguard's control scripts call: cmrunserv, cmhaltserv, cmmodnet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hactl/cli.hpp"

namespace mainstay::hactl {

[[nodiscard]] bool is_script_command(std::string_view name);
// `name` is one of them; `arguments` without it. 0 done, 1 anything else, as scripts expect it.
[[nodiscard]] int run_script_command(const std::string& name, const std::vector<std::string>& arguments,
                                     const surroundings& around);

}  // namespace mainstay::hactl
