// `--until TIME`: 18:30 (today or tomorrow), 2026-12-01 18:30, or 2h from now.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

#include "model/result.hpp"

namespace mainstay::hactl {

// Seconds since 1970; local time. An error is a sentence.
[[nodiscard]] result<std::int64_t> end_of(const std::string& text, std::time_t now);

}  // namespace mainstay::hactl
