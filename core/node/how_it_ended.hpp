// How a process ended, for people: "exit 1, said: no such table".
#pragma once

#include <string>

#include "node/io.hpp"

namespace mainstay::node {

// The last that it wrote, on one line; empty = nothing.
[[nodiscard]] std::string last_line(const std::string& text);

[[nodiscard]] std::string how_it_ended(const process_exited& item);

}  // namespace mainstay::node
