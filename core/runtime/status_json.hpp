// `status` and `explain` of the administration API, made from what this node knows. JSON stays in
// the .cpp: these return its text.
#pragma once

#include <string>

#include "runtime/admin_backend.hpp"

namespace mainstay::runtime {

[[nodiscard]] std::string status_json(const admin_backend& backend);
// Empty when there is no such package.
[[nodiscard]] std::string explain_json(const admin_backend& backend, const std::string& package);

}  // namespace mainstay::runtime
