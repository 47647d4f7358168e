// Where file systems are mounted, and which of two lies in the other.
#pragma once

#include <string>
#include <string_view>

namespace mainstay {

// Without what makes two spellings of one path: `//`, `/./`, a slash at the end.
[[nodiscard]] std::string plain_path(std::string_view path);

// Of plain paths: what is mounted on `outer` would hide `inner`.
[[nodiscard]] bool lies_in(const std::string& inner, const std::string& outer);

}  // namespace mainstay
