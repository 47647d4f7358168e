#include "node/fencer.hpp"

#include <algorithm>
#include <utility>

namespace mainstay::node {

using cluster::fence_outcome;

namespace {

const stonith_device* find_device(const cluster::state& state, const std::string& name) {
    for (const auto& item : state.config.cluster.stonith)
        if (item.name == name) return &item;
    return nullptr;
}

}  // namespace

void fencer::begin(const cluster::state& state, const cluster::fence_request& request, effects& out) {
    job item;
    item.request = request;
    auto name = state.node_name(request.node);
    for (const auto& device : state.config.cluster.stonith) {
        bool covers = device.nodes.empty() || std::count(device.nodes.begin(), device.nodes.end(), name) > 0;
        if (!covers) continue;
        for (std::uint32_t i = 0; i < std::max<std::uint32_t>(device.tries, 1); ++i)
            item.devices.push_back(device.name);
    }
    if (item.devices.empty()) {
        finish(item, fence_outcome::failed, "", "no stonith device covers this node");
        return;
    }
    ask(state, std::move(item), out);
}

void fencer::ask(const cluster::state& state, job item, effects& out) {
    const auto* device = find_device(state, item.devices.front());
    if (device == nullptr) {
        finish(item, fence_outcome::failed, item.devices.front(), "the device is no longer configured");
        return;
    }
    auto request = out.new_request();
    out.add(call_plugin{request,
                        device->name,
                        item.powering_on ? "on" : "off",
                        {{"node", state.node_name(item.request.node)}},
                        device->timeout});
    jobs_.emplace(request, std::move(item));
}

bool fencer::answered(const cluster::state& state, const plugin_answer& answer, effects& out) {
    auto found = jobs_.find(answer.request);
    if (found == jobs_.end()) return false;
    auto item = std::move(found->second);
    jobs_.erase(found);
    auto device = item.devices.front();
    if (item.powering_on) {
        fence_news news;
        news.power_on = true;
        news.node = item.request.node;
        bool on = answer.outcome == call_outcome::on || answer.outcome == call_outcome::ok;
        news.result = {item.request.id, on ? fence_outcome::off_confirmed : fence_outcome::failed, device, answer.text};
        news_.push_back(std::move(news));
        return true;
    }
    if (answer.outcome == call_outcome::off) {
        finish(item, fence_outcome::off_confirmed, device, answer.text);
        if (state.config.cluster.fence_action == cluster_config::after_off::cycle) {
            item.powering_on = true;
            item.devices = {device};
            ask(state, std::move(item), out);
        }
        return true;
    }
    item.unknown = item.unknown || answer.outcome != call_outcome::failed;
    item.failures.push_back(device + ": " + (answer.text.empty() ? to_string(answer.outcome) : answer.text));
    item.devices.erase(item.devices.begin());
    if (!item.devices.empty()) {
        ask(state, std::move(item), out);
        return true;
    }
    finish(item, item.unknown ? fence_outcome::unknown : fence_outcome::failed, device, item.failures.back());
    return true;
}

void fencer::finish(const job& item, fence_outcome outcome, const std::string& device, const std::string& detail) {
    fence_news news;
    news.node = item.request.node;
    news.result = {item.request.id, outcome, device, detail};
    news_.push_back(std::move(news));
}

std::vector<fence_news> fencer::take_news() { return std::exchange(news_, {}); }

}  // namespace mainstay::node
