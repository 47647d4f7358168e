// What one configuration has and another has not, as lines for people: `package web: service_restart 1 -> 3`.
#pragma once

#include <string>
#include <vector>

#include "model/config.hpp"

namespace mainstay {

[[nodiscard]] std::vector<std::string> difference(const configuration& before, const configuration& after);

}  // namespace mainstay
