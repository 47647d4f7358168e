// Key files: what they hold, and how they are read and made.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "model/result.hpp"

namespace mainstay::secret {

using key = std::array<unsigned char, 32>;

// A key as `hactl key new` writes it: 64 hexadecimal digits (base64 is read as well).
[[nodiscard]] result<key> parse_key(std::string_view text);
// The error names the file and the remedy. Refuses a file that others may read.
[[nodiscard]] result<key> read_key_file(const std::string& path);
// A fresh one, with its line end. libsodium has to be started.
[[nodiscard]] std::string new_key_text();

}  // namespace mainstay::secret
