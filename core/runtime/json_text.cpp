#include "runtime/json_text.hpp"

#include <nlohmann/json.hpp>

namespace mainstay::runtime {

std::string dump(const nlohmann::ordered_json& value) {
    return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace mainstay::runtime
