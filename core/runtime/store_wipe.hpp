// A node's own store is removed (hactl node reset): the next start is that of an empty store, which the
// cluster takes in as a learner (R7). Offline; refused while a guard or a daemon uses it.
#pragma once

#include <string>

#include "model/result.hpp"

namespace mainstay::runtime {

// `run_dir` is where the guard keeps its lock; a folder that is not there has none.
[[nodiscard]] result<void> wipe_store(const std::string& state_dir, const std::string& run_dir);

}  // namespace mainstay::runtime
