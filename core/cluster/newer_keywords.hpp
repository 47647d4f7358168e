// D2: which keywords and which commands came with which feature level. An older node would refuse the entry that
// carries them, and go on with another configuration than the others.
#pragma once

#include <string>

#include "cluster/state.hpp"
#include "model/config.hpp"

namespace mainstay::cluster {

// Why a configuration can't be taken yet: it says something that a node's version does not read. Empty = it can.
[[nodiscard]] std::string against_newer_keywords(const state& now, const configuration& wanted);

// The same of what an administrator asks for: a node of an older version stops at an entry that it can't read.
[[nodiscard]] std::string against_newer_commands(const state& now, const command_body& asked);

}  // namespace mainstay::cluster
