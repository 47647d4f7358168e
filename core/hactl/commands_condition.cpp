// resource set, get and list; package maintenance, pin and unpin.
#include <fmt/core.h>
#include <time.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "hactl/command.hpp"
#include "hactl/fields.hpp"
#include "hactl/moment.hpp"
#include "hactl/render.hpp"

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

json resource_params(const context& c) {
    json out{{"resource", c.given.words.at(0)}};
    if (!c.given.node.empty()) out["node"] = c.given.node;
    return out;
}

// --reason and --until; an exit code, and it has been said why, when the latter is no moment to come.
std::optional<exit_code> add_reason_and_end(context& c, json& params) {
    if (!c.given.reason.empty()) params["reason"] = c.given.reason;
    if (c.given.until.empty()) return std::nullopt;
    auto end = moment_to_come(c.given.until, ::time(nullptr));
    if (!end) return report(c, {exit_code::usage, end.error().message, {}});
    params["until"] = *end * 1'000'000;
    return std::nullopt;
}

}  // namespace

exit_code resource_set(context& c) {
    auto params = resource_params(c);
    params["value"] = c.given.words.at(1);
    return act(c, "resource.set", std::move(params));
}

exit_code resource_get(context& c) {
    return read(c, "resource.get", resource_params(c), [&c](const json& answer) {
        c.to.line(text_of(answer, "value", "unknown"));
        return exit_code::done;
    });
}

exit_code resource_list(context& c) {
    return read(c, "resource.list", json::object(), [&c](const json& answer) {
        c.to.out(render_resources(answer, c.to));
        return exit_code::done;
    });
}

exit_code package_maintenance(context& c) {
    const auto& word = c.given.words.at(0);
    if (word != "on" && word != "off") {
        c.to.err("hactl: package maintenance is on or off: hactl package maintenance on|off PACKAGE\n");
        return exit_code::usage;
    }
    json params{{"package", c.given.words.at(1)}, {"on", word == "on"}};
    if (!c.given.node.empty()) params["node"] = c.given.node;
    if (auto wrong = add_reason_and_end(c, params)) return *wrong;
    return act(c, "package.maintenance", std::move(params));
}

exit_code package_pin(context& c) {
    json params{{"package", c.given.words.at(0)}, {"node", c.given.words.at(1)}};
    if (auto wrong = add_reason_and_end(c, params)) return *wrong;
    return act(c, "package.pin", std::move(params));
}

exit_code package_unpin(context& c) { return act(c, "package.unpin", {{"package", c.given.words.at(0)}}); }

}  // namespace mainstay::hactl
