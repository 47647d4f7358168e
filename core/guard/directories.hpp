// Directories that have to be there before anything else: for logs, locks and sockets.
#pragma once

#include <string>

namespace mainstay::guard {

// With those above it, mode 0755. False: errno tells why.
[[nodiscard]] bool make_directories(const std::string& path);

}  // namespace mainstay::guard
