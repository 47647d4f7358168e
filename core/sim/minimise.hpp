// The shortest story that still shows what a failing seed shows: faults, kinds of weather, nodes and time left out one
// after another, as long as the same invariant is broken.
#pragma once

#include "sim/seed.hpp"

namespace mainstay::sim {

struct shorter {
    run_plan plan;
    seed_result result;
    unsigned runs = 0;
};

// Of a plan that is known to fail as `found` says; at most `runs_max` runs.
[[nodiscard]] shorter minimise(run_plan plan, const seed_result& found, unsigned runs_max = 200);

}  // namespace mainstay::sim
