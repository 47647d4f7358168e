#include "node/validation.hpp"

#include <algorithm>

namespace mainstay::node {

validation_round::validation_round(const std::vector<script_to_validate>& scripts, std::uint64_t first_id) {
    for (const auto& script : scripts)
        for (const auto& node : script.nodes)
            nodes_[node].scripts.push_back(
                {node, first_id + count_++, script.package, script.path, script.environment});
}

bool validation_round::over(const std::string& node, const respondent& item) const {
    auto found = results_.find(node);
    bool silent = found != results_.end() && !found->second.silence.empty();
    return silent || item.done == item.scripts.size();
}

void validation_round::leave_out(const std::string& node, std::string why) {
    if (nodes_.contains(node)) results_[node].silence = std::move(why);
}

std::vector<validation_round::question> validation_round::due(time_point now) {
    std::vector<question> out;
    for (auto& [name, item] : nodes_) {
        if (over(name, item)) continue;
        if (item.begun == never) item.begun = now;
        bool asked = item.since != never;
        if (asked && now - item.since >= validation_patience) {
            leave_out(name, "it does not answer");
            continue;
        }
        if (!asked && now - item.begun >= validation_longest) {
            leave_out(name, "they took too long, " + std::to_string(item.scripts.size() - item.done) + " are left");
            continue;
        }
        if (asked && now < item.again) continue;
        if (!asked) item.since = now;
        item.again = now + validation_repeat;
        out.push_back(item.scripts[item.done]);
    }
    return out;
}

bool validation_round::answered(const std::string& node, std::uint64_t id, const validation_seen& seen) {
    auto found = nodes_.find(node);
    if (found == nodes_.end() || over(node, found->second)) return false;
    auto& item = found->second;
    const auto& asked = item.scripts[item.done];
    if (item.since == never || asked.id != id) return false;
    results_[node].seen[{asked.package, asked.path}] = seen;
    ++item.done;
    item.since = never;
    return true;
}

time_point validation_round::deadline() const {
    auto due = never;
    for (const auto& [name, item] : nodes_) {
        if (over(name, item)) continue;
        due = std::min(
            due, item.since == never ? time_point::min() : std::min(item.again, item.since + validation_patience));
    }
    return due;
}

bool validation_round::over() const {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [this](const auto& item) { return over(item.first, item.second); });
}

}  // namespace mainstay::node
