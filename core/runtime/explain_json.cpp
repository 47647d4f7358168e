#include "runtime/explain_json.hpp"

#include <time.h>

#include <nlohmann/json.hpp>

#include "node/snapshots.hpp"
#include "policy/explain.hpp"
#include "runtime/json_text.hpp"

namespace mainstay::runtime {

namespace {

using json = nlohmann::json;

const char* to_string(policy::candidate::verdict_type verdict) {
    using enum policy::candidate::verdict_type;
    switch (verdict) {
        case here:
            return "running";
        case next:
            return "next";
        case could:
            return "could";
        default:
            return "cannot";
    }
}

std::string date_of(wall_time when) {
    std::time_t seconds = when.us / 1'000'000;
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

json candidate_json(policy::candidate from) {
    json out{{"node", std::move(from.node)}, {"verdict", to_string(from.verdict)}, {"text", std::move(from.text)}};
    if (from.since) out["since"] = from.since->us;
    if (!from.remedy.empty()) out["remedy"] = std::move(from.remedy);
    return out;
}

result<json> explained_one(const cluster::state& state, const explain_question& asked) {
    auto found = state.packages.find(asked.package);
    auto then = asked.at ? " at that time" : "";
    if (found == state.packages.end()) return fail("there is no package " + asked.package + then);
    const auto& item = found->second;
    auto told = policy::explain(state, asked.package);
    json out{{"package", asked.package}, {"state", to_string(item.phase)}};
    out["node"] = item.active() ? json(state.node_name(item.owner)) : json(nullptr);
    out["text"] = told.headline;
    if (const auto& pin = told.pinned) {
        out["pin"] = {{"node", state.node_name(pin->node)},
                      {"by", pin->by.actor},
                      {"reason", pin->by.reason},
                      {"since", pin->by.when.us},
                      {"until", nullptr}};
        if (pin->until) out["pin"]["until"] = pin->until->us;
    }
    out["candidates"] = json::array();
    for (auto& one : told.nodes)
        if (asked.node.empty() || asked.node == one.node) out["candidates"].push_back(candidate_json(std::move(one)));
    if (!asked.node.empty() && out["candidates"].empty())
        return fail("node " + asked.node + " is not in the node list of package " + asked.package + then);
    if (asked.at) out["at"] = asked.at->us;
    return out;
}

// Of a package that runs on several nodes each instance is a package by itself.
result<json> explained(const cluster::state& state, const explain_question& asked) {
    const auto* config = state.find_package(asked.package);
    if (config == nullptr || !config->everywhere()) return explained_one(state, asked);
    json out{{"package", asked.package}, {"instances", json::array()}};
    std::size_t running = 0;
    for (const auto& instance : state.instances(*config)) {
        auto found = state.packages.find(instance);
        bool wanted = asked.node.empty() || instance == cluster::instance_name(*config, asked.node);
        if (found == state.packages.end() || !wanted) continue;
        auto one = explained_one(state, {instance, asked.node, asked.at});
        if (!one) return one;
        running += found->second.phase == cluster::package_phase::running ? 1 : 0;
        out["instances"].push_back(std::move(*one));
    }
    if (!asked.node.empty() && out["instances"].empty())
        return fail("node " + asked.node + " is not in the node list of package " + asked.package);
    out["text"] = asked.package + " runs on its nodes at once: on " + std::to_string(running) + " of " +
                  std::to_string(out["instances"].size()) + (asked.at ? " at that time" : " now");
    if (asked.at) out["at"] = asked.at->us;
    return out;
}

}  // namespace

result<std::string> explain_json(const admin_backend& backend, const explain_question& asked) {
    const auto& core = backend.core();
    std::optional<cluster::state> past;
    if (asked.at) {
        auto known = node::state_at(core.log(), core.state().applied, *asked.at);
        if (!known)
            return fail("the log of " + core.name() + " reaches back to " + date_of(known.error()) +
                        " only; hactl history may know more");
        past = std::move(*known);
    }
    auto out = explained(past ? *past : core.state(), asked);
    if (!out) return fail(out.error().message);
    return dump(*out);
}

}  // namespace mainstay::runtime
