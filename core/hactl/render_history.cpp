// explain, history, watch, plugins, problems.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hactl/fields.hpp"
#include "hactl/render.hpp"
#include "model/problem.hpp"

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

tone tone_of_severity(const std::string& severity) {
    return severity == "critical" ? tone::bad : severity == "warning" ? tone::warn : tone::plain;
}

std::string candidate_text(const json& candidate, std::int64_t now_us) {
    auto verdict = text_of(candidate, "verdict");
    auto text = text_of(candidate, "text");
    auto since = number_of(candidate, "since");
    if (verdict != "running") {
        auto remedy = text_of(candidate, "remedy");
        return (verdict.empty() ? "" : verdict + (text.empty() ? "" : ": ")) + text +
               (since ? ", since " + date_text(*since, now_us) : "") + (remedy.empty() ? "" : "; " + remedy);
    }
    // The daemon may have said it already.
    if (text.rfind("running here", 0) == 0) return text;
    return "running here" + (since ? " since " + date_text(*since, now_us) : std::string()) +
           (text.empty() ? "" : " (" + text + ")");
}

std::string range_text(const json& param) {
    auto low = number_of(param, "minimum").value_or(0);
    auto high = number_of(param, "maximum").value_or(0);
    if (low >= high) return {};
    return fmt::format(", {} to {}{}", low, high, text_of(param, "type") == "duration" ? " ms" : "");
}

}  // namespace

std::string render_explain(const json& explained, std::int64_t now_us) {
    auto out = text_of(explained, "text", "-") + '\n';
    if (auto pinned = pin_text(explained, now_us); !pinned.empty()) out += pinned + '\n';
    std::size_t width = 0;
    for (const auto& candidate : member(explained, "candidates")) {
        width = std::max(width, text_of(candidate, "node").size());
    }
    for (const auto& candidate : member(explained, "candidates")) {
        out += fmt::format("  {:<{}}  {}\n", text_of(candidate, "node", "-"), width, candidate_text(candidate, now_us));
    }
    for (const auto& instance : member(explained, "instances")) out += render_explain(instance, now_us);
    return out;
}

std::string render_entry(const json& entry, const console& to) {
    auto when = number_of(entry, "time");
    // The entries of a new cluster have no leader yet to date them.
    auto out = (when && *when > 0 ? timestamp_text(*when) : std::string("-")) + "  ";
    auto text = text_of(entry, "text", text_of(entry, "kind", "-").c_str());
    out += to.paint(text, is_set(entry, "refused") ? tone::dim : tone_of_severity(text_of(entry, "severity")));
    if (auto actor = text_of(entry, "actor"); !actor.empty()) out += to.paint(" (" + actor + ")", tone::dim);
    return out + '\n';
}

std::string render_history(const json& history, const console& to) {
    std::string out;
    if (is_set(history, "more")) out += to.paint("... earlier entries: --limit\n", tone::dim);
    for (const auto& entry : member(history, "entries")) out += render_entry(entry, to);
    return out.empty() ? "Nothing happened yet.\n" : out;
}

std::string render_plugins(const json& plugins, const console& to) {
    table out({"PLUGIN", "KIND", "VERSION", "USED BY", "WHAT IT DOES"});
    std::string broken;
    for (const auto& plugin : member(plugins, "plugins")) {
        if (auto error = text_of(plugin, "error"); !error.empty()) {
            auto file = text_of(plugin, "file", "-");
            // The reason begins with the file when the loader gave it.
            bool named = error.find(file) != std::string::npos;
            broken += to.paint("does not load  ", tone::bad);
            broken += (named ? error : fmt::format("{}: {}", file, error)) + '\n';
            continue;
        }
        auto used = joined(member(plugin, "used_by"), " ");
        out.add({{{text_of(plugin, "name", "-")}},
                 {{text_of(plugin, "kind", "-")}},
                 {{text_of(plugin, "version", "-")}},
                 {{used.empty() ? "-" : used}},
                 {{text_of(plugin, "summary")}}});
    }
    auto directory = text_of(plugins, "directory");
    if (out.empty() && broken.empty()) return "There are no plugins in " + directory + ".\n";
    return (out.empty() ? std::string() : out.text(to)) + (broken.empty() ? "" : '\n' + broken);
}

std::string render_plugin(const json& plugin, const console& to) {
    auto out = fmt::format("{} {}, {}: {}\n{}\n", text_of(plugin, "name", "-"), text_of(plugin, "version"),
                           text_of(plugin, "kind", "-"), text_of(plugin, "summary"), text_of(plugin, "file"));
    for (const auto& param : member(plugin, "params")) {
        auto type = text_of(param, "type", "text");
        if (type == "choice") type = joined(member(param, "choices"), "|");
        auto unit = text_of(param, "unit");
        auto scope = text_of(param, "scope", "instance");
        auto fallback = text_of(param, "default");
        auto demand = is_set(param, "required") ? "required" : fallback.empty() ? "optional" : "default " + fallback;
        auto where = scope == "node" ? ", one for each node" : scope == "either" ? ", may differ on a node" : "";
        out += fmt::format("\n  {}  {}\n      {}{}{}, {}{}{}\n", text_of(param, "name", "-"),
                           to.paint(text_of(param, "help"), tone::plain), type, unit.empty() ? "" : " of " + unit,
                           range_text(param), demand, where, is_set(param, "secret") ? ", never shown" : "");
    }
    return out;
}

std::string render_problems(const json& problems, const console& to) {
    std::string out;
    for (const auto& item : problems) {
        problem shown;
        bool warning = text_of(item, "severity") == "warning";
        shown.severity = warning ? problem::level::warning : problem::level::error;
        shown.where = {text_of(item, "file"), static_cast<std::uint32_t>(number_of(item, "line").value_or(0))};
        shown.keyword = text_of(item, "keyword");
        shown.message = text_of(item, "message");
        shown.expected = text_of(item, "expected");
        shown.nearest = text_of(item, "nearest");
        out += to.paint(to_text(shown), warning ? tone::warn : tone::bad) + '\n';
    }
    return out;
}

}  // namespace mainstay::hactl
