// What of a package may change while it runs (SG 3.11).
#pragma once

#include <string>
#include <vector>

#include "model/config.hpp"

namespace mainstay {

// Keywords that differ between the two and may change only while the package is down, each once, the first
// difference first: what was started has to be halted by the same steps. Empty: everything that differs may change at
// once.
[[nodiscard]] std::vector<std::string> needs_down(const package_config& from, const package_config& to);

// Keywords that differ, each once, the first difference first.
[[nodiscard]] std::vector<std::string> differing(const package_config& from, const package_config& to);

}  // namespace mainstay
