#include "node/survey.hpp"

#include <algorithm>

namespace mainstay::node {

survey::survey(const std::map<std::string, std::vector<std::string>>& paths_by_node, std::uint64_t first_id)
    : next_id_(first_id) {
    for (const auto& [node, paths] : paths_by_node) nodes_[node].paths = paths;
}

bool survey::over(const respondent& item) { return !item.look.silence.empty() || item.done == item.paths.size(); }

void survey::leave_out(const std::string& node, std::string why) {
    auto found = nodes_.find(node);
    if (found != nodes_.end()) found->second.look.silence = std::move(why);
}

std::vector<survey::question> survey::due(time_point now) {
    std::vector<question> out;
    for (auto& [name, item] : nodes_) {
        if (over(item)) continue;
        if (item.open != 0 && now >= item.since + survey_patience) {
            item.look = {"it does not answer", {}};
            continue;
        }
        if (item.open != 0 && now < item.again) continue;
        if (item.open == 0) {
            item.open = next_id_++;
            item.since = now;
        }
        item.again = now + survey_repeat;
        auto first = item.paths.begin() + static_cast<std::ptrdiff_t>(item.done);
        auto count = std::min(item.paths.size() - item.done, survey_paths_max);
        out.push_back({name, item.open, {first, first + static_cast<std::ptrdiff_t>(count)}});
    }
    return out;
}

bool survey::answered(const std::string& node, std::uint64_t id, const std::vector<program_seen>& seen) {
    auto found = nodes_.find(node);
    if (found == nodes_.end() || id == 0 || found->second.open != id) return false;
    auto& item = found->second;
    if (over(item) || seen.size() != std::min(item.paths.size() - item.done, survey_paths_max)) return false;
    for (const auto& file : seen) item.look.seen[item.paths[item.done++]] = file;
    item.open = 0;
    return true;
}

time_point survey::deadline() const {
    auto due = never;
    for (const auto& [name, item] : nodes_) {
        if (over(item)) continue;
        due = std::min(due, item.open == 0 ? time_point::min() : std::min(item.again, item.since + survey_patience));
    }
    return due;
}

bool survey::over() const {
    return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& item) { return over(item.second); });
}

program_looks survey::result() const {
    program_looks out;
    for (const auto& [name, item] : nodes_) out[name] = item.look;
    return out;
}

}  // namespace mainstay::node
