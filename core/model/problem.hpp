// What is wrong in a configuration, where, and what would be right. Plain values, collected: the
// administrator sees every problem of every file at once.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.hpp"

namespace mainstay {

struct problem {
    enum class level { error, warning } severity = level::error;
    source_position where;
    std::string keyword;   // empty when the whole file is meant
    std::string message;   // what is wrong, and the remedy where it is not plain
    std::string expected;  // what may stand here, or empty
    std::string nearest;   // the valid word closest to the one found, or empty
    // Something is not there, as far as could be read: says nothing beside a line that could not (examine()).
    bool for_want = false;
};

using problems = std::vector<problem>;

// `cluster.conf:3: error: member_timout: unknown keyword; did you mean member_timeout?`
[[nodiscard]] std::string to_text(const problem& value);

[[nodiscard]] bool has_errors(std::span<const problem> list);

// By file and line, so that a report reads like the files. Files keep the order of `files`.
void sort_by_position(problems& list, std::span<const std::string> files);

// The candidate with the smallest edit distance to `word` (swapped neighbours count once), or
// empty when none is near enough to be a typing error. Case is ignored.
[[nodiscard]] std::string nearest_word(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace mainstay
