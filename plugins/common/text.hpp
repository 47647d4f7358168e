// Small text work of plugins: templates, escapes, JSON, error numbers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay::kit {

// "No such file or directory" for an errno.
[[nodiscard]] std::string error_text(int number);

// Replaces %x by the value of x; %% is a percent sign. Nothing when a placeholder is not in `values`.
[[nodiscard]] std::optional<std::string> expand(std::string_view pattern, const std::map<char, std::string>& values);

// The word as /bin/sh has to see it; plain words stay as they are.
[[nodiscard]] std::string shell_word(std::string_view value);

// \r \n \t \0 \\ and \x41; nothing on an unknown or short escape.
[[nodiscard]] std::optional<std::string> unescape(std::string_view value);

// Unprintable bytes become escapes: for messages.
[[nodiscard]] std::string printable(std::string_view value);

// One flat JSON object of strings, keys in order.
[[nodiscard]] std::string json_object(const std::map<std::string, std::string, std::less<>>& members);

// The last line that is not blank, without line ends: what a program most likely wanted to say.
[[nodiscard]] std::string last_line(std::string_view output);

}  // namespace mainstay::kit
