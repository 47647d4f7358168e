// Lines of a configuration file: a keyword and what stands behind it (D12). Knows nothing of
// what any keyword means.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/problem.hpp"

namespace mainstay {

struct statement {
    source_position where;
    std::string keyword;   // lower case
    std::string written;   // as it stood in the file
    std::string rest;      // trimmed, without comment; quotes still in place
    bool spoiled = false;  // the line is no text, which was reported: only the keyword counts
};

// Splits `text` into statements. Lines that are no text (too long, control characters, not UTF-8)
// become problems; where at least the keyword can be read, it opens its section all the same.
[[nodiscard]] std::vector<statement> split_statements(const std::string& file, std::string_view text, problems& found);

[[nodiscard]] bool is_utf8(std::string_view text);

// The first character that can't be seen and is no blank either, as `a no-break space (U+00A0)`; pasted from web pages.
// Empty = none.
[[nodiscard]] std::string invisible_in(std::string_view text);

// The words of a value: blanks separate, '...' and "..." join (\" and \\ inside double quotes).
// Nothing when a quote is left open.
[[nodiscard]] std::optional<std::vector<std::string>> split_words(std::string_view rest);

// The value of a keyword that takes the whole line: unquoted when one pair of quotes spans it all,
// as it stands otherwise, so that a shell command keeps its own quotes.
[[nodiscard]] std::string whole_value(std::string_view rest);

// A quote that no other one closes.
[[nodiscard]] bool leaves_quote_open(std::string_view rest);

// The shortest text that reads back as `value`, by split_words and by whole_value alike.
[[nodiscard]] std::string quoted_word(std::string_view value);
[[nodiscard]] std::string quoted_whole(std::string_view value);

}  // namespace mainstay
