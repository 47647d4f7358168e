// simulate: what would happen, in the order of the command line.
#include <nlohmann/json.hpp>

#include "hactl/command.hpp"
#include "hactl/fields.hpp"
#include "hactl/render.hpp"
#include "model/check.hpp"
#include "model/print.hpp"
#include "runtime/forecast_json.hpp"
#include "runtime/problem_json.hpp"

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

// FIRST:SECOND, at the first of `by`: addresses have colons of their own.
result<json> pair_of(const std::string& option, const std::string& value, const char* first, const char* second,
                     char by = ':') {
    auto at = value.find(by);
    if (at == std::string::npos || at == 0 || at + 1 == value.size())
        return mainstay::fail("--" + option + " " + value + ": expected two words with '" + by + "' between them");
    return json{{first, value.substr(0, at)}, {second, value.substr(at + 1)}};
}

result<json> happening(const std::string& option, const std::string& value) {
    if (option == "fail-node") return json{{"kind", "fail_node"}, {"node", value}};
    if (option == "return-node") return json{{"kind", "return_node"}, {"node", value}};
    if (option == "halt-node") return json{{"kind", "halt_node"}, {"node", value}};
    if (option == "fail-package") return json{{"kind", "fail_package"}, {"package", value}};
    if (option == "fail-link" && value.find(':') == std::string::npos)
        return json{{"kind", "fail_link"}, {"node", value}};
    if (option == "on-battery") return json{{"kind", "on_battery"}, {"source", value}};
    result<json> out;
    if (option == "move") {
        if (value.find(':') == std::string::npos) return json{{"kind", "move"}, {"package", value}};
        out = pair_of(option, value, "package", "node");
        if (out) (*out)["kind"] = "move";
    } else if (option == "fail-link") {
        out = pair_of(option, value, "node", "link");
        if (out) (*out)["kind"] = "fail_link";
    } else if (option == "script") {
        out = pair_of(option, value, "package", "ends");
        if (out) (*out)["kind"] = "script";
    } else if (option == "fail-subnet") {
        out = pair_of(option, value, "node", "subnet");
        if (out) (*out)["kind"] = "fail_subnet";
    } else {
        out = pair_of(option, value, "node", "what");
        if (!out) return out;
        auto set = pair_of(option, text_of(*out, "what"), "resource", "value", '=');
        if (!set) return set;
        (*set)["node"] = (*out)["node"];
        (*set)["kind"] = "resource";
        return set;
    }
    return out;
}

}  // namespace

namespace {

// Without mainstayd: a cluster of these files that has just been formed, and what happens to it then.
exit_code simulate_files(const context& c, const json& happenings) {
    auto files = read_files(c, c.given.files);
    auto parsed = parse_configuration(files);
    auto found = examine(parsed);
    if (has_errors(found)) {
        json data{{"problems", json::parse(runtime::problems_json(found))}};
        return report(c, {exit_code::refused, "the configuration has errors", data.dump()});
    }
    auto seen = runtime::first_forecast_json(print_configuration(parsed.config), happenings.dump());
    if (!seen) {
        bool unknown = seen.error().what == runtime::forecast_refusal::kind::unknown;
        auto hint = seen.error().hint.empty() ? ""
                    : unknown                 ? "; did you mean " + seen.error().hint + "?"
                                              : "; expected " + seen.error().hint;
        return report(c, {exit_code::refused, seen.error().message + hint, {}});
    }
    auto answer = json::parse(*seen);
    if (c.to.json) {
        c.to.line(answer.dump(2, ' ', false, json::error_handler_t::replace));
    } else {
        c.to.out(render_forecast(answer, c.to));
    }
    return exit_code::done;
}

}  // namespace

exit_code simulate(context& c) {
    bool offline = !c.given.files.empty();
    json list = json::array();
    for (const auto& [option, values] : c.given.happenings) {
        if (option == "apply") {
            if (offline) return report(c, {exit_code::usage, "--files and --apply exclude each other", {}});
            list.push_back({{"kind", "apply"}, {"files", files_json(read_files(c, values))}});
            continue;
        }
        for (const auto& value : values) {
            auto item = happening(option, value);
            if (!item) return report(c, {exit_code::usage, item.error().message, {}});
            list.push_back(std::move(*item));
        }
    }
    if (offline) return simulate_files(c, list);
    return read(c, "simulate", {{"happenings", std::move(list)}}, [&c](const json& answer) {
        c.to.out(render_forecast(answer, c.to));
        return exit_code::done;
    });
}

}  // namespace mainstay::hactl
