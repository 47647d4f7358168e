// `status` of the administration API, made from what this node knows. JSON stays in the .cpp: this returns its text.
#pragma once

#include <string>

#include "runtime/admin_backend.hpp"

namespace mainstay::runtime {

[[nodiscard]] std::string status_json(const admin_backend& backend);

}  // namespace mainstay::runtime
