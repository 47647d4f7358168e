// Members of answers, read without trust: another type than expected counts as not there.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace mainstay::hactl {

// The member, or null; valid as long as `from`.
[[nodiscard]] const nlohmann::json& member(const nlohmann::json& from, const char* name);
[[nodiscard]] std::string text_of(const nlohmann::json& from, const char* name, const char* otherwise = "");
[[nodiscard]] std::optional<std::int64_t> number_of(const nlohmann::json& from, const char* name);
[[nodiscard]] bool is_set(const nlohmann::json& from, const char* name, bool otherwise = false);
// The words of a list, other members left out.
[[nodiscard]] std::string joined(const nlohmann::json& list, const char* separator);

}  // namespace mainstay::hactl
