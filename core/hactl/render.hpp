// Answers of the API as people read them. Each takes the `result` of the method of that name; what
// is missing in it is shown as "-", so that an older or newer daemon can still be looked at.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "hactl/console.hpp"

namespace mainstay::hactl {

[[nodiscard]] std::string render_status(const nlohmann::json& status, const console& to);
[[nodiscard]] std::string render_explain(const nlohmann::json& explained, std::int64_t now_us);
[[nodiscard]] std::string render_history(const nlohmann::json& history, const console& to);
// One line of history or watch.
[[nodiscard]] std::string render_entry(const nlohmann::json& entry, const console& to);
[[nodiscard]] std::string render_plugins(const nlohmann::json& plugins, const console& to);
[[nodiscard]] std::string render_plugin(const nlohmann::json& plugin, const console& to);
[[nodiscard]] std::string render_resources(const nlohmann::json& resources, const console& to);
// Who has the package in maintenance, why and until when; empty = nobody.
[[nodiscard]] std::string maintenance_text(const nlohmann::json& package, std::int64_t now_us);
// Who has pinned it where, since and until when, and why; empty = nobody.
[[nodiscard]] std::string pin_text(const nlohmann::json& package, std::int64_t now_us);
// Who or what has switched it off, everywhere or on a node, for how long and why; nothing when it is as configured.
[[nodiscard]] std::vector<std::string> switching_texts(const nlohmann::json& package, std::int64_t now_us);
// Monitored subnets that are down, one line a node; empty = none.
[[nodiscard]] std::string subnet_lines(const nlohmann::json& status, const console& to);
// How much of its failover_limit each package has used; nothing for those that have used none.
[[nodiscard]] std::string failover_lines(const nlohmann::json& status, const console& to);
// A timeline and a table: what would happen.
[[nodiscard]] std::string render_forecast(const nlohmann::json& forecast, const console& to);
// `cluster.conf:3: error: ...`, one per line, from `problems`.
[[nodiscard]] std::string render_problems(const nlohmann::json& problems, const console& to);

}  // namespace mainstay::hactl
