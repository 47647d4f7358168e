// Problems of a configuration as the administration API tells them. JSON stays in the .cpp.
#pragma once

#include <string>

#include "model/problem.hpp"

namespace mainstay::runtime {

// An array; of each: severity, file, line, keyword, message, and where there is one expected, nearest.
[[nodiscard]] std::string problems_json(const problems& list);

}  // namespace mainstay::runtime
