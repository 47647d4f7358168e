// plugins.list and plugins.info: what is installed and which part of the configuration uses it. JSON stays in the .cpp:
// these return its text.
#pragma once

#include <string>

#include "model/config.hpp"
#include "runtime/plugin_catalog.hpp"

namespace mainstay::runtime {

[[nodiscard]] std::string plugins_json(const plugin_list& installed, const configuration& config,
                                       const std::string& directory);
// With its parameters. Empty = no such plugin is installed.
[[nodiscard]] std::string plugin_json(const plugin_list& installed, const configuration& config,
                                      const std::string& name);

}  // namespace mainstay::runtime
