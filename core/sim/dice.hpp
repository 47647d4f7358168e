// All randomness of a simulated world comes from one seed through this.
#pragma once

#include <cstdint>
#include <vector>

#include "model/time.hpp"

namespace mainstay::sim {

class dice {
public:
    explicit dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 0x7f4a7c15ULL) {}

    std::uint64_t next() {  // splitmix64
        state_ += 0x9e3779b97f4a7c15ULL;
        auto z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    // 0 .. count-1
    std::uint64_t below(std::uint64_t count) { return count == 0 ? 0 : next() % count; }
    bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }
    duration between(duration low, duration high) {
        if (steady) return low + (high - low) / 2;
        auto span = (high - low).count();
        return low + duration{static_cast<std::int64_t>(below(static_cast<std::uint64_t>(span > 0 ? span : 1)))};
    }
    template <class T>
    const T& pick(const std::vector<T>& list) {
        return list[below(list.size())];
    }

    // For transcripts: every wait is the middle of its range, so that one more or less elsewhere
    // does not change a story.
    bool steady = false;

private:
    std::uint64_t state_;
};

}  // namespace mainstay::sim
