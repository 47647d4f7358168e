// Values as administrators write them: times with units, counts, yes and no, names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/time.hpp"

namespace mainstay {

// What a number without a unit means: Serviceguard counts cluster times in microseconds and
// script times in seconds; a keyword of our own wants its unit written.
enum class bare_number { microseconds, seconds, refused };

// `250ms`, `2s`, `1.5s`, `5m`, `1h`, `800us`. Nothing when it is no time, or above ten years.
[[nodiscard]] std::optional<duration> parse_duration(std::string_view text, bare_number bare);

// The shortest exact form: `2s`, `250ms`, `125us`. parse_duration reads it back.
[[nodiscard]] std::string duration_text(duration value);

[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);

// yes no on off true false enabled disabled, in any case.
[[nodiscard]] std::optional<bool> parse_yes_no(std::string_view text);

// Equal but for the case of ASCII letters.
[[nodiscard]] bool same_word(std::string_view a, std::string_view b);

// Serviceguard's rule: 1 to 39 characters; letters, digits, `.`, `-`, `_`; letter or digit at both ends.
[[nodiscard]] bool is_valid_name(std::string_view text);
inline constexpr std::string_view name_rule =
    "1 to 39 letters, digits, '.', '-' or '_', with a letter or digit at both ends";

}  // namespace mainstay
