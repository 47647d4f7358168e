#include "runtime/clock.hpp"

#include <cstdlib>
#include <ctime>

namespace mainstay::runtime {

namespace {

std::int64_t read_us(clockid_t which) {
    timespec now{};
    clock_gettime(which, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

std::int64_t wall_shift_us() {
    static const std::int64_t shift = [] {
        const char* text = std::getenv("MAINSTAY_WALL_SHIFT");
        return text == nullptr ? 0 : std::strtoll(text, nullptr, 10) * 1'000'000;
    }();
    return shift;
}

}  // namespace

time_point boot_now() { return time_point{duration{read_us(CLOCK_BOOTTIME)}}; }
wall_time wall_now() { return wall_time{read_us(CLOCK_REALTIME) + wall_shift_us()}; }

}  // namespace mainstay::runtime
