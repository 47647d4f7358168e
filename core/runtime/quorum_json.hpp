// What `hactl proof`, `hactl timing` and `hactl cluster run --certify-down` show. Text of JSON, so that no
// header has to know the library.
#pragma once

#include <string>

#include "node/node.hpp"

namespace mainstay::runtime {

// Why the package's former owner is certainly gone; empty when there is no such package.
[[nodiscard]] std::string proof_json(const node::node& core, const std::string& package);
// Every time that follows from the configuration, and their sums.
[[nodiscard]] std::string timing_json(const node::node& core);
// R5: what an administrator has to see before certifying: how new this node's log is, and who is heard.
[[nodiscard]] std::string certify_json(const node::node& core, time_point now);

}  // namespace mainstay::runtime
