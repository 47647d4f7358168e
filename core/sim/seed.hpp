// One seed = one cluster, one configuration, one character of weather, one schedule of faults:
// at least 60 cluster-seconds with at least five faults, then everything heals and must run again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sim/world.hpp"

namespace mainstay::sim {

struct seed_result {
    std::uint64_t seed = 0;
    std::string violation;  // empty = passed
    std::size_t nodes = 0;
    std::size_t packages = 0;
    double simulated_seconds = 0;
    std::uint64_t steps = 0;
    std::uint64_t faults = 0;  // injected by the schedule
    counts happened;           // fault_*, mark_* and others by name
};

// `trace` gets every line of a readable story when set.
[[nodiscard]] seed_result run_seed(std::uint64_t seed, const std::function<void(const std::string&)>& trace = {});

// Kinds of faults and coverage marks that a batch must have seen (a zero fails the batch).
[[nodiscard]] const std::vector<std::string>& expected_counts();

}  // namespace mainstay::sim
