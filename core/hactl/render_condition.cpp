// What packages rely on, maintenance and pins.
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "hactl/fields.hpp"
#include "hactl/render.hpp"

namespace mainstay::hactl {

using json = nlohmann::json;

std::string render_resources(const json& resources, const console& to) {
    table out({"RESOURCE", "KIND", "NODE", "VALUE", "SET BY", "PACKAGES"});
    for (const auto& resource : member(resources, "resources")) {
        for (const auto& item : member(resource, "nodes")) {
            auto value = text_of(item, "value", "unknown");
            out.add({{{text_of(resource, "name", "-")}},
                     {{text_of(resource, "kind", "-")}},
                     {{text_of(item, "node", "-")}},
                     {{value, value == "down"      ? tone::bad
                              : value == "unknown" ? tone::warn
                                                   : tone::plain}},
                     {{text_of(item, "by", "-")}},
                     {{joined(member(resource, "packages"), " ")}}});
        }
    }
    return out.empty() ? "No generic resources.\n" : out.text(to);
}

namespace {

// "in maintenance on node1 by alice@node2 for 1m until Nov 24 16:00: disks"
std::string kept_text(const json& item, const char* how, std::int64_t now_us) {
    if (!item.is_object()) return {};
    auto since = number_of(item, "since");
    auto until = number_of(item, "until");
    auto reason = text_of(item, "reason");
    return fmt::format("{} {} by {}{}{}{}", how, text_of(item, "node", "-"), text_of(item, "by", "-"),
                       since && *since > 0 ? " for " + age_text(now_us - *since) : "",
                       until ? " until " + date_text(*until, now_us) : "", reason.empty() ? "" : ": " + reason);
}

}  // namespace

std::string maintenance_text(const json& package, std::int64_t now_us) {
    return kept_text(member(package, "maintenance"), "in maintenance on", now_us);
}

std::string pin_text(const json& package, std::int64_t now_us) {
    return kept_text(member(package, "pin"), "pinned to", now_us);
}

std::vector<std::string> switching_texts(const json& package, std::int64_t now_us) {
    std::vector<std::string> out;
    auto set_by = [now_us](const json& item, const std::string& where) {
        auto since = number_of(item, "since");
        auto reason = text_of(item, "reason");
        return fmt::format("switching off{} by {}{}{}", where, text_of(item, "by", "-"),
                           since && *since > 0 ? " for " + age_text(now_us - *since) : "",
                           reason.empty() ? "" : ": " + reason);
    };
    const auto& by = member(package, "switching_by");
    bool configured = text_of(by, "reason").starts_with("auto_run");
    if (by.is_object() && !is_set(package, "switching", true) && !configured) out.push_back(set_by(by, ""));
    for (const auto& item : member(package, "disabled_by"))
        out.push_back(set_by(item, " on " + text_of(item, "node", "-")));
    return out;
}

std::string subnet_lines(const json& status, const console& to) {
    auto now = number_of(status, "now").value_or(0);
    std::string out;
    for (const auto& node : member(status, "nodes"))
        for (const auto& item : member(node, "subnets")) {
            if (is_set(item, "up")) continue;
            auto since = number_of(item, "since").value_or(now);
            out += to.paint(fmt::format("{}: subnet {} DOWN for {}\n", text_of(node, "name", "-"),
                                        text_of(item, "subnet", "-"), age_text(now - since)),
                            tone::bad);
        }
    return out.empty() ? out : '\n' + out;
}

std::string failover_lines(const json& status, const console& to) {
    auto now = number_of(status, "now").value_or(0);
    std::string out;
    for (const auto& package : member(status, "packages")) {
        const auto& item = member(package, "failovers");
        auto used = item.is_object() ? number_of(item, "used").value_or(0) : 0;
        if (used == 0) continue;
        auto limit = number_of(item, "limit").value_or(0);
        auto resets = number_of(item, "resets");
        auto text = fmt::format("{}: {} of {} failovers used{}\n", text_of(package, "name", "-"), used, limit,
                                resets ? ", the first counts until " + date_text(*resets, now) : "");
        out += used >= limit ? to.paint(text, tone::bad) : text;
    }
    return out;
}

}  // namespace mainstay::hactl
