// `explain` of the administration API: why a package is where it is, now or at a moment the log still knows. JSON
// stays in the .cpp: this returns its text.
#pragma once

#include <optional>
#include <string>

#include "runtime/admin_backend.hpp"

namespace mainstay::runtime {

struct explain_question {
    std::string package;
    std::string node;             // only what stands for or against this one; empty = all
    std::optional<wall_time> at;  // nothing = now
};

// Of a package that runs on several nodes at once: of each instance. An error: no such package or node (then), or the
// log does not reach back so far.
[[nodiscard]] result<std::string> explain_json(const admin_backend& backend, const explain_question& asked);

}  // namespace mainstay::runtime
