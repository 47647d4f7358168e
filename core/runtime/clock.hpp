// The only place where clocks are read.
#pragma once

#include "model/time.hpp"

namespace mainstay::runtime {

// CLOCK_BOOTTIME: goes on while the machine sleeps, never jumps.
[[nodiscard]] time_point boot_now();
// CLOCK_REALTIME, moved by $MAINSTAY_WALL_SHIFT seconds: the seam by which a laboratory gives one
// node another wall time without touching the machine's.
[[nodiscard]] wall_time wall_now();

}  // namespace mainstay::runtime
