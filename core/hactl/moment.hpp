// Moments as people write them: 18:30, 2026-12-01 18:30, 2h. Local time; seconds since 1970; an error is a sentence.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

#include "model/result.hpp"

namespace mainstay::hactl {

// `--until`: a time of day is today or tomorrow, a span begins now.
[[nodiscard]] result<std::int64_t> moment_to_come(const std::string& text, std::time_t now);
// `--at`: a time of day is today or yesterday, a span ends now.
[[nodiscard]] result<std::int64_t> moment_past(const std::string& text, std::time_t now);

}  // namespace mainstay::hactl
