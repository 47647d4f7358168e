// The configuration inside the log: canonical text in, parsed value out.
#pragma once

#include <string>

#include "model/config.hpp"
#include "model/result.hpp"

namespace mainstay::cluster {

[[nodiscard]] result<configuration> parse_canonical(const std::string& text);

}  // namespace mainstay::cluster
