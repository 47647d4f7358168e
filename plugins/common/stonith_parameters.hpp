// Parameters that all fencing devices share: the time of an action, and the proof without read-back.
#pragma once

#include <mainstay/plugin.hpp>

namespace mainstay::kit {

inline constexpr sdk::param stonith_timeout{
    .name = "timeout",
    .type = sdk::type::duration,
    .scope = sdk::scope::either,
    .fallback = "15s",
    .minimum = 100,
    .maximum = 3'600'000,
    .help = "time for one action with its read-back; below the stonith_timeout of the cluster"};

// `help` says what the device has to be without for this to be allowed.
constexpr sdk::param stonith_assume_off_after(std::string_view help) {
    return {.name = "assume_off_after",
            .type = sdk::type::duration,
            .scope = sdk::scope::either,
            .minimum = 1,
            .maximum = 3'600'000,
            .help = help};
}

}  // namespace mainstay::kit
