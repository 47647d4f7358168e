// mainstayd's body: one Asio loop that feeds the node and carries out what it asks (D1). The
// heartbeat and store threads hand their results to the loop; nothing else touches the node.
#pragma once

#include "runtime/options.hpp"

namespace mainstay::runtime {

// Runs until told to end (SIGTERM) or until the node has to stop. The process's exit code.
[[nodiscard]] int run_daemon(const options& chosen);

}  // namespace mainstay::runtime
