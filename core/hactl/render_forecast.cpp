// simulate and --plan: a timeline for each thing that happens, then where the packages are before and after.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hactl/fields.hpp"
#include "hactl/render.hpp"

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

std::string after_text(const json& entry) { return '+' + text_of(member(entry, "after"), "text", "?"); }

std::string timeline(const json& forecast, const console& to) {
    // One long sum must not push all the others to the right.
    constexpr std::size_t width_max = 32;
    std::size_t width = 0;
    for (const auto& entry : member(forecast, "entries"))
        if (auto size = after_text(entry).size(); size <= width_max) width = std::max(width, size);
    std::string out;
    std::int64_t happening = 0;
    for (const auto& title : member(forecast, "happenings")) {
        if (!title.is_string()) continue;
        out += (happening == 0 ? "" : "\n") + title.get<std::string>() + '\n';
        bool any = false;
        for (const auto& entry : member(forecast, "entries")) {
            if (number_of(entry, "happening") != happening) continue;
            any = true;
            auto severity = text_of(entry, "severity");
            out += to.paint(fmt::format("  {:<{}}  ", after_text(entry), width), tone::dim) +
                   to.paint(text_of(entry, "text", "-"), severity == "critical"  ? tone::bad
                                                         : severity == "warning" ? tone::warn
                                                                                 : tone::plain) +
                   '\n';
        }
        if (!any) out += "  nothing changes\n";
        ++happening;
    }
    return out;
}

std::string packages(const json& forecast, const console& to) {
    table out({"PACKAGE", "BEFORE", "AFTER", "OUTAGE"});
    std::string nowhere;
    for (const auto& item : member(forecast, "packages")) {
        auto before = text_of(item, "before", "-");
        auto after = text_of(item, "after", "-");
        bool interrupted = is_set(item, "interrupted");
        auto outage = interrupted ? text_of(member(item, "outage"), "text", "for good") : "none";
        bool lost = interrupted && member(item, "outage").is_null();
        out.add({{{text_of(item, "name", "-")}},
                 {{before}},
                 {{after, lost              ? tone::bad
                          : before == after ? tone::plain
                                            : tone::warn}},
                 {{outage, lost ? tone::bad : tone::plain}}});
        if (after == "-" || lost) nowhere += "  " + text_of(item, "reason") + '\n';
    }
    if (out.empty()) return {};
    return '\n' + out.text(to) + (nowhere.empty() ? "" : "\nNot up in the end:\n" + nowhere);
}

}  // namespace

std::string render_forecast(const json& forecast, const console& to) {
    std::string out;
    for (const auto& change : member(forecast, "changes"))
        if (change.is_string()) out += "would change  " + change.get<std::string>() + '\n';
    if (!out.empty()) out += '\n';
    out += timeline(forecast, to) + packages(forecast, to);
    if (auto stopped = text_of(forecast, "stopped"); !stopped.empty())
        out += '\n' + to.paint(stopped, tone::bad) + '\n';
    if (auto id = text_of(forecast, "plan_id"); !id.empty()) out += "\nNothing was changed. plan-id " + id + '\n';
    return out;
}

}  // namespace mainstay::hactl
