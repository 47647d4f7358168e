#include "runtime/explain_json.hpp"

#include <time.h>

#include <nlohmann/json.hpp>

#include "node/snapshots.hpp"
#include "policy/decide.hpp"

namespace mainstay::runtime {

namespace {

using json = nlohmann::json;

std::string verdict_of(const std::string& text, bool owner) {
    if (owner) return "running";
    if (text.starts_with("next:")) return "next";
    return text.starts_with("cannot:") ? "cannot" : "could";
}

std::string date_of(wall_time when) {
    std::time_t seconds = when.us / 1'000'000;
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

json candidate(const cluster::state& state, const cluster::package_state& item, const std::string& name,
               std::string text) {
    bool owner = item.active() && state.node_name(item.owner) == name;
    auto verdict = verdict_of(text, owner);
    for (std::string_view prefix : {"next: ", "cannot: "})
        if (text.starts_with(prefix)) text.erase(0, prefix.size());
    json out{{"node", name}, {"verdict", verdict}, {"text", std::move(text)}};
    if (owner) out["since"] = item.phase_by.when.us;
    return out;
}

result<json> explained(const cluster::state& state, const explain_question& asked) {
    auto found = state.packages.find(asked.package);
    auto then = asked.at ? " at that time" : "";
    if (found == state.packages.end()) return fail("there is no package " + asked.package + then);
    const auto& item = found->second;
    auto told = policy::explain(state, asked.package);
    json out{{"package", asked.package}, {"state", to_string(item.phase)}};
    out["node"] = item.active() ? json(state.node_name(item.owner)) : json(nullptr);
    out["text"] = told.headline;
    out["candidates"] = json::array();
    for (const auto& [name, text] : told.nodes)
        if (asked.node.empty() || asked.node == name) out["candidates"].push_back(candidate(state, item, name, text));
    if (!asked.node.empty() && out["candidates"].empty())
        return fail("node " + asked.node + " is not in the node list of package " + asked.package + then);
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
    return out->dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace mainstay::runtime
