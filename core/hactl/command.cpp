#include "hactl/command.hpp"

#include <fmt/core.h>
#include <time.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "hactl/fields.hpp"
#include "hactl/render.hpp"

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

std::int64_t monotonic_us() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

std::string dumped(const json& value, int indent) {
    return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

constexpr std::int64_t read_limit_ms = 10'000;

}  // namespace

std::vector<std::string> names_in(const std::string& list) {
    std::vector<std::string> out;
    std::istringstream in(list);
    for (std::string name; std::getline(in, name, ',');)
        if (!name.empty()) out.push_back(name);
    return out;
}

exit_code report(const context& c, const call_error& error) {
    auto data = json::parse(error.data, nullptr, false);
    if (c.to.json) {
        json out{{"error", {{"exit_code", static_cast<int>(error.code)}, {"message", error.message}}}};
        if (data.is_object()) out["error"]["data"] = data;
        c.to.line(dumped(out, -1));
        return error.code;
    }
    c.to.err(render_problems(member(data, "problems"), c.to));
    c.to.err("hactl: " + c.to.paint(error.message, tone::bad) + '\n');
    return error.code;
}

exit_code read(context& c, const std::string& method, const json& params,
               const std::function<exit_code(const json&)>& show) {
    auto connected = c.around.connect(c.given.socket);
    if (!connected) return report(c, connected.error());
    auto answer = connected->call(method, params, {}, read_limit_ms);
    if (!answer) return report(c, answer.error());
    if (!c.to.json) return show(*answer);
    c.to.line(dumped(*answer, 2));
    return exit_code::done;
}

exit_code act(context& c, const std::string& method, json params) {
    if (c.given.plan) {
        params["plan"] = true;
        return read(c, method, params, [&c](const json& answer) {
            c.to.err(render_problems(member(answer, "problems"), c.to));
            c.to.out(render_forecast(answer, c.to));
            return exit_code::done;
        });
    }
    if (!c.given.plan_id.empty()) params["plan_id"] = c.given.plan_id;
    auto connected = c.around.connect(c.given.socket);
    if (!connected) return report(c, connected.error());
    params["wait_ms"] = c.given.wait_ms;
    auto began = monotonic_us();
    auto progress = [&c, began](const json& step) {
        if (c.to.json) return c.to.line(dumped({{"progress", step}}, -1));
        auto seconds = static_cast<double>(monotonic_us() - began) / 1e6;
        c.to.line(c.to.paint(fmt::format("  +{:.2f} s  ", seconds), tone::dim) + text_of(step, "text", "..."));
    };
    auto answer = connected->call(method, params, progress);
    if (!answer) return report(c, answer.error());
    if (c.to.json) {
        c.to.line(dumped({{"result", *answer}}, -1));
        return exit_code::done;
    }
    c.to.err(render_problems(member(*answer, "problems"), c.to));
    for (const auto& change : member(*answer, "changes")) {
        if (change.is_string()) c.to.line("  " + change.get<std::string>());
    }
    c.to.line(text_of(*answer, "text", "done"));
    return exit_code::done;
}

}  // namespace mainstay::hactl
