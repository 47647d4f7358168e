// Time in the pure core: microseconds of the node's own CLOCK_BOOTTIME, always handed in as an
// argument. The clock type has no now(): nothing in the core can read one.
#pragma once

#include <chrono>
#include <cstdint>

namespace mainstay {

using duration = std::chrono::microseconds;

struct core_clock {
    using rep = std::int64_t;
    using period = std::micro;
    using duration = mainstay::duration;
    using time_point = std::chrono::time_point<core_clock>;
    static constexpr bool is_steady = true;
};

using time_point = core_clock::time_point;

// "No time": a deadline that never comes.
inline constexpr time_point never = time_point::max();

// Wall-clock time, for history and people only: microseconds since 1970. Never decides anything.
struct wall_time {
    std::int64_t us = 0;
    auto operator<=>(const wall_time&) const = default;
};

}  // namespace mainstay
