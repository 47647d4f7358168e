// How the administration API writes JSON, in one place: one line, and what is not UTF-8 replaced rather than thrown.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace mainstay::runtime {

[[nodiscard]] std::string dump(const nlohmann::ordered_json& value);

}  // namespace mainstay::runtime
