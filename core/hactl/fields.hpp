// Members of answers, read without trust: another type than expected counts as not there.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace mainstay::hactl {

// Only for .cpp files that have json.hpp anyway.
[[nodiscard]] inline const nlohmann::json& member(const nlohmann::json& from, const char* name) {
    static const nlohmann::json nothing;
    if (!from.is_object()) return nothing;
    auto found = from.find(name);
    return found == from.end() ? nothing : *found;
}

[[nodiscard]] inline std::string text_of(const nlohmann::json& from, const char* name, const char* otherwise = "") {
    const auto& value = member(from, name);
    return value.is_string() ? value.get<std::string>() : otherwise;
}

[[nodiscard]] inline std::optional<std::int64_t> number_of(const nlohmann::json& from, const char* name) {
    const auto& value = member(from, name);
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (value.is_number_float()) return static_cast<std::int64_t>(value.get<double>());
    return std::nullopt;
}

[[nodiscard]] inline bool is_set(const nlohmann::json& from, const char* name, bool otherwise = false) {
    const auto& value = member(from, name);
    return value.is_boolean() ? value.get<bool>() : otherwise;
}

[[nodiscard]] inline std::string joined(const nlohmann::json& list, const char* separator) {
    std::string out;
    for (const auto& item : list) {
        if (!item.is_string()) continue;
        if (!out.empty()) out += separator;
        out += item.get<std::string>();
    }
    return out;
}

}  // namespace mainstay::hactl
