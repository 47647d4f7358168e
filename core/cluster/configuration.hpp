// The configuration inside the log: canonical text in, parsed value out.
#pragma once

#include <string>

#include "cluster/state.hpp"
#include "consensus/types.hpp"
#include "model/config.hpp"
#include "model/result.hpp"

namespace mainstay::cluster {

[[nodiscard]] result<configuration> parse_canonical(const std::string& text);

// The configuration's word in consensus' terms; `automatic` is resolved before (model/timing.hpp).
[[nodiscard]] constexpr consensus::tie_break kind_of(cluster_config::tie kind) {
    if (kind == cluster_config::tie::arbitrator) return consensus::tie_break::arbitrator;
    return kind == cluster_config::tie::proof ? consensus::tie_break::proof : consensus::tie_break::none;
}

// What the byte form of a state leaves out, the parsed configuration, and whether the whole is coherent (state.hpp); as
// decode_state() does it. `former`: its configuration is taken over when the text is the same, which saves the parsing.
[[nodiscard]] bool complete(state& value, const state* former);

}  // namespace mainstay::cluster
