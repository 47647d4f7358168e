// `history` and the events of `watch`: what is known to have happened. JSON stays in the .cpp: these return its text.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "node/io.hpp"

namespace mainstay::runtime {

struct history_question {
    std::string package;              // empty = any
    std::string node;                 // empty = any
    std::optional<log_index> before;  // nothing = up to now
    std::size_t limit = 50;           // the newest that many; at least 1
};

[[nodiscard]] bool is_about(const node::happened& item, const std::string& package, const std::string& node);
[[nodiscard]] std::string entry_json(const node::happened& item);
// Oldest first, and whether there were more.
[[nodiscard]] std::string history_json(const std::deque<node::happened>& all, const history_question& asked);

}  // namespace mainstay::runtime
