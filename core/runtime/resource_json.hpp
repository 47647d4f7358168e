// resource.list and resource.get: generic resources as they are on each node.
#pragma once

#include <string>

#include "cluster/state.hpp"

namespace mainstay::runtime {

[[nodiscard]] std::string resources_json(const cluster::state& state);
// Empty = no package has such a resource, or there is no such node.
[[nodiscard]] std::string resource_json(const cluster::state& state, const std::string& name, const std::string& node);

}  // namespace mainstay::runtime
