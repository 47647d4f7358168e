#include "hactl/fields.hpp"

#include <nlohmann/json.hpp>

namespace mainstay::hactl {

const nlohmann::json& member(const nlohmann::json& from, const char* name) {
    static const nlohmann::json nothing;
    if (!from.is_object()) return nothing;
    auto found = from.find(name);
    return found == from.end() ? nothing : *found;
}

std::string text_of(const nlohmann::json& from, const char* name, const char* otherwise) {
    const auto& value = member(from, name);
    return value.is_string() ? value.get<std::string>() : otherwise;
}

std::optional<std::int64_t> number_of(const nlohmann::json& from, const char* name) {
    const auto& value = member(from, name);
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (value.is_number_float()) return static_cast<std::int64_t>(value.get<double>());
    return std::nullopt;
}

bool is_set(const nlohmann::json& from, const char* name, bool otherwise) {
    const auto& value = member(from, name);
    return value.is_boolean() ? value.get<bool>() : otherwise;
}

std::string joined(const nlohmann::json& list, const char* separator) {
    std::string out;
    for (const auto& item : list) {
        if (!item.is_string()) continue;
        if (!out.empty()) out += separator;
        out += item.get<std::string>();
    }
    return out;
}

}  // namespace mainstay::hactl
