// Why a package is where it is and where else it could be: what `hactl explain` tells, and status in short.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/state.hpp"

namespace mainstay::policy {

class plan;

// A node of the package's list, as it stands now.
struct candidate {
    enum class verdict_type { here, next, could, cannot };
    std::string node;
    verdict_type verdict = verdict_type::cannot;
    std::string text;                // the rule or the fact
    std::optional<wall_time> since;  // when that became so, where it is on record
    std::string remedy;              // the command that would change it; empty = none would
    // "next: in the cluster, switching on"
    [[nodiscard]] std::string line() const;
};

struct explanation {
    std::string headline;
    std::optional<cluster::pin> pinned;
    std::vector<candidate> nodes;  // in the order of its list
};
[[nodiscard]] explanation explain(const cluster::state& state, const std::string& package);
// The first line of it alone, by a plan of that state made before: for many packages at once. The package is
// configured.
[[nodiscard]] std::string headline(const cluster::state& state, const plan& made, const std::string& package);

}  // namespace mainstay::policy
