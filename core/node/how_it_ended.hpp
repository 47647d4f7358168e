// How a process ended, for people: "exit 1, said: no such table".
#pragma once

#include <string>

#include "node/io.hpp"

namespace mainstay::node {

[[nodiscard]] std::string how_it_ended(const process_exited& item);

}  // namespace mainstay::node
