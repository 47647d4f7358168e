// One seed = one cluster, one configuration, one character of weather, one schedule of faults:
// at least 60 cluster-seconds with at least five faults, then everything heals and must run again.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "sim/world.hpp"

namespace mainstay::sim {

// A seed, or a part of it: what was left out to make a failing one shorter.
struct run_plan {
    std::uint64_t seed = 0;
    std::size_t nodes = 0;  // 0 = as the seed draws it
    // A fault of a later kind that strikes together with fault N is number beside + N.
    static constexpr std::uint64_t beside = 1'000;
    static constexpr std::uint64_t apart = 4'000;  // the same of nodes that are detached
    // A node that runs an older version until it is upgraded is number older + N, in the order of the nodes.
    static constexpr std::uint64_t older = 2'000;
    // What an administrator does about pins and sites beside fault N is number placing + N.
    static constexpr std::uint64_t placing = 3'000;
    // ... about volume groups and file systems.
    static constexpr std::uint64_t storing = 5'000;
    std::set<std::uint64_t> without;  // faults left out, counted from 1
    std::set<std::string> calm;       // kinds of weather left out, as weather_kinds() names them
    duration storm{60'000'000};       // cluster time from formed to healed, if five faults fit

    // The options of `./dev sim --replay` that run it.
    [[nodiscard]] std::string options() const;
};

struct seed_result {
    std::uint64_t seed = 0;
    std::string violation;  // empty = passed
    std::size_t nodes = 0;
    std::size_t packages = 0;
    double simulated_seconds = 0;
    std::uint64_t steps = 0;
    std::uint64_t faults = 0;  // injected by the schedule
    counts happened;           // fault_*, mark_* and others by name
    duration last_fault{0};    // after the storm began
};

// `trace` gets every line of a readable story when set.
[[nodiscard]] seed_result run(const run_plan& plan, const std::function<void(const std::string&)>& trace = {});

// What goes wrong by itself: loss, duplicate, ...
[[nodiscard]] const std::set<std::string>& weather_kinds();

// Kinds of faults and coverage marks that a batch must have seen (a zero fails the batch).
[[nodiscard]] const std::set<std::string>& expected_counts();

}  // namespace mainstay::sim
