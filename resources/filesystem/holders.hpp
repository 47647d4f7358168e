// Processes that keep a directory busy: open files, working and root directories, programs and
// libraries below it.
#pragma once

#include <string>
#include <vector>

#include "common/processes.hpp"

namespace mainstay::filesystem {

[[nodiscard]] std::vector<kit::process> holders_of(const std::string& directory);

}  // namespace mainstay::filesystem
