#include "node/fencer.hpp"

#include <algorithm>
#include <utility>

#include "model/mutation.hpp"
#include "model/timing.hpp"

namespace mainstay::node {

using cluster::fence_outcome;

namespace {

constexpr duration back_off_first{200'000};
constexpr std::uint32_t doublings_max = 5;

const stonith_device* find_device(const cluster::state& state, const std::string& name) {
    for (const auto& item : state.config.cluster.stonith)
        if (item.name == name) return &item;
    return nullptr;
}

std::string names_of(const std::vector<std::string>& level) {
    std::string text;
    for (const auto& name : level) text += (text.empty() ? "" : ", ") + name;
    return text;
}

}  // namespace

void fencer::begin(const cluster::state& state, const cluster::fence_request& request, effects& out) {
    auto number = next_job_++;
    auto& item = jobs_[number];
    item.request = request;
    for (const auto& level : fence_levels(state.config.cluster, state.node_name(request.node))) {
        std::vector<std::string> names;
        names.reserve(level.size());
        for (const auto* found : level) names.push_back(found->name);
        item.levels.push_back(std::move(names));
    }
    if (item.levels.empty()) return finish(number, fence_outcome::failed, "", "no stonith device covers this node");
    begin_level(state, number, out);
}

void fencer::begin_level(const cluster::state& state, std::uint64_t number, effects& out) {
    auto& item = jobs_.at(number);
    item.devices.clear();
    for (const auto& name : item.levels.front()) {
        const auto* found = find_device(state, name);
        item.devices[name].tries_left = found == nullptr ? 1 : std::max<std::uint32_t>(found->tries, 1);
    }
    auto names = item.levels.front();
    for (const auto& name : names) {
        auto found = jobs_.find(number);
        bool here = found != jobs_.end() && found->second.devices.contains(name);
        if (here) ask(state, number, name, out);
    }
}

void fencer::ask(const cluster::state& state, std::uint64_t number, const std::string& name, effects& out) {
    auto& item = jobs_.at(number);
    item.devices[name].again = never;
    const auto* found = find_device(state, name);
    if (found == nullptr && !item.powering_on) {
        item.failure = name + ": the device is no longer configured";
        item.devices.at(name).tries_left = 1;
        return failed(state, number, name, time_point{}, out);
    }
    auto request = out.new_request();
    calls_[request] = {number, name};
    out.add(call_plugin{request,
                        name,
                        item.powering_on ? "on" : "off",
                        {{"node", state.node_name(item.request.node)}},
                        found == nullptr ? duration{1'000'000} : found->timeout});
}

bool fencer::answered(const cluster::state& state, const plugin_answer& answer, const still_wanted& wanted,
                      time_point now, effects& out) {
    auto call = calls_.find(answer.request);
    if (call == calls_.end()) return false;
    auto [number, name] = call->second;
    calls_.erase(call);
    auto found = jobs_.find(number);
    if (found == jobs_.end()) return true;
    auto& item = found->second;
    auto used = item.devices.find(name);
    if (used == item.devices.end()) return true;  // of a level that was given up
    if (item.powering_on) {
        bool on = answer.outcome == call_outcome::on || answer.outcome == call_outcome::ok;
        cluster::fence_result result{item.request.id, on ? fence_outcome::off_confirmed : fence_outcome::failed, name,
                                     answer.text};
        news_.push_back({std::move(result), true, item.request.node, item.request.boot});
        item.devices.erase(used);
        if (item.devices.empty()) jobs_.erase(found);
        return true;
    }
    bool off = answer.outcome == call_outcome::off ||
               (mutated(mutation::unknown_fence_is_off) && answer.outcome == call_outcome::unknown) ||
               (mutated(mutation::failed_fence_is_off) && answer.outcome == call_outcome::failed);
    if (off) {
        used->second.confirmed = true;
        bool all =
            std::all_of(item.devices.begin(), item.devices.end(), [](const auto& one) { return one.second.confirmed; });
        if (!all) return true;
        auto devices = names_of(item.levels.front());
        cluster::fence_result result{item.request.id, fence_outcome::off_confirmed, devices, answer.text};
        news_.push_back({std::move(result), false, item.request.node, item.request.boot});
        power_on(state, number, out);
        return true;
    }
    item.unknown = item.unknown || answer.outcome != call_outcome::failed;
    item.failure = name + ": " + (answer.text.empty() ? to_string(answer.outcome) : answer.text);
    if (wanted(item.request)) {
        failed(state, number, name, now, out);
    } else {
        give_up(number);
    }
    return true;
}

void fencer::give_up(std::uint64_t number) {
    finish(number, fence_outcome::cancelled, "", "no longer to be fenced by this node");
}

// Once more after its back-off; when its tries are used up, so is its level.
void fencer::failed(const cluster::state& state, std::uint64_t number, const std::string& name, time_point now,
                    effects& out) {
    auto& item = jobs_.at(number);
    auto& used = item.devices.at(name);
    --used.tries_left;
    if (used.tries_left > 0) {
        used.again = now + back_off_first * (1U << std::min(used.failed, doublings_max));
        ++used.failed;
        return;
    }
    item.levels.erase(item.levels.begin());
    if (!item.levels.empty()) return begin_level(state, number, out);
    auto failure = item.failure;
    finish(number, item.unknown ? fence_outcome::unknown : fence_outcome::failed, name, failure);
}

void fencer::power_on(const cluster::state& state, std::uint64_t number, effects& out) {
    auto& item = jobs_.at(number);
    if (state.config.cluster.fence_action != cluster_config::after_off::cycle) {
        jobs_.erase(number);
        return;
    }
    item.powering_on = true;
    for (const auto& name : std::vector(item.levels.front())) ask(state, number, name, out);
}

void fencer::tick(const cluster::state& state, const still_wanted& wanted, time_point now, effects& out) {
    std::vector<std::pair<std::uint64_t, std::string>> due;
    for (const auto& [number, item] : jobs_)
        for (const auto& [name, used] : item.devices)
            if (used.again <= now) due.emplace_back(number, name);
    for (const auto& [number, name] : due) {
        auto found = jobs_.find(number);
        if (found == jobs_.end()) continue;
        // The one before it may have ended its level.
        auto used = found->second.devices.find(name);
        if (used == found->second.devices.end() || used->second.again > now) continue;
        if (found->second.powering_on || wanted(found->second.request)) {
            ask(state, number, name, out);
        } else {
            give_up(number);
        }
    }
}

time_point fencer::deadline() const {
    auto due = never;
    for (const auto& [number, item] : jobs_)
        for (const auto& [name, used] : item.devices) due = std::min(due, used.again);
    return due;
}

void fencer::finish(std::uint64_t number, fence_outcome outcome, const std::string& asked, const std::string& detail) {
    const auto& item = jobs_.at(number);
    news_.push_back({{item.request.id, outcome, asked, detail}, false, item.request.node, item.request.boot});
    jobs_.erase(number);
}

std::vector<fence_news> fencer::take_news() { return std::exchange(news_, {}); }

}  // namespace mainstay::node
