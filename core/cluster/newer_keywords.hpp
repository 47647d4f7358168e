// D2: which keywords and commands came with which feature level. An older node would refuse the entry that carries such
// a keyword, and go on with another configuration than the others; one that carries such a command it can't read at
// all.
#pragma once

#include <string>

#include "cluster/state.hpp"
#include "model/config.hpp"

namespace mainstay::cluster {

// Why a configuration can't be taken yet: it says something that a node's version does not read. Empty = it can.
[[nodiscard]] std::string against_newer_keywords(const state& now, const configuration& wanted);

// Why a command can't be written down yet: the cluster's feature level is below that of its kind. Empty = it can.
[[nodiscard]] std::string against_newer_command(const state& now, const command_body& asked);

}  // namespace mainstay::cluster
