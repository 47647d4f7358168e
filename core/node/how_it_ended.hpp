// How a process ended, for people: "exit 1, said: no such table".
#pragma once

#include <limits>
#include <string>

#include "node/io.hpp"

namespace mainstay::node {

// The last that it wrote, on one line; empty = nothing.
[[nodiscard]] std::string last_line(const std::string& text);

// As an exit code: it ended while nobody watched it, and so nobody knows how.
inline constexpr std::int32_t unseen_end = std::numeric_limits<std::int32_t>::min();

[[nodiscard]] std::string how_it_ended(const process_exited& item);
[[nodiscard]] std::string how_it_ended(const plugin_answer& item);

}  // namespace mainstay::node
