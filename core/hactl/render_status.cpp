#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hactl/fields.hpp"
#include "hactl/render.hpp"

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

tone tone_of_state(const std::string& state) {
    if (state == "running") return tone::good;
    if (state == "lost" || state == "fenced" || state == "failed") return tone::bad;
    return state == "halted" ? tone::dim : tone::warn;
}

std::string millis(std::int64_t us) {
    if (us < 10'000) return fmt::format("{}.{}ms", us / 1000, us / 100 % 10);
    return fmt::format("{}ms", us / 1000);
}

table::cell links_cell(const json& node) {
    table::cell out;
    for (const auto& link : member(node, "links")) {
        if (!out.empty()) out.push_back({"  "});
        auto name = text_of(link, "name", "-");
        if (!is_set(link, "up")) {
            out.push_back({name + " DOWN", tone::bad});
            continue;
        }
        auto rtt = number_of(link, "rtt_us");
        out.push_back({name + ' ' + (rtt ? millis(*rtt) : "up")});
        if (auto loss = number_of(link, "loss_percent"); loss && *loss >= 1) {
            out.push_back({fmt::format(" {}% lost", *loss), tone::warn});
        }
        if (!is_set(link, "counts", true)) out.push_back({" (slow)", tone::dim});
    }
    if (out.empty()) out.push_back({"-"});
    return out;
}

table::cell stonith_cell(const json& node) {
    table::cell out;
    for (const auto& device : member(node, "stonith")) {
        if (!out.empty()) out.push_back({"  "});
        auto state = text_of(device, "state", "unknown");
        auto how = state == "failed" ? tone::bad : tone::plain;
        out.push_back({text_of(device, "name", "-") + ' ' + (state == "unknown" ? "untried" : state), how});
    }
    const auto& watchdog = member(node, "watchdog");
    if (watchdog.is_object()) {
        auto timeout = number_of(watchdog, "timeout_us").value_or(0);
        if (!out.empty()) out.push_back({"  "});
        out.push_back({timeout > 0 ? fmt::format("watchdog {}s", timeout / 1'000'000) : "watchdog NOT ARMED",
                       timeout > 0 ? tone::plain : tone::bad});
    }
    if (out.empty()) out.push_back({"-"});
    return out;
}

std::string load_text(const json& node) {
    const auto& load = member(node, "load");
    auto used = number_of(load, "used");
    if (!used) return "-";
    auto capacity = number_of(load, "capacity");
    return capacity ? fmt::format("{}/{}", *used, *capacity) : std::to_string(*used);
}

std::string or_dash(std::string text) { return text.empty() ? "-" : text; }

std::string node_table(const json& status, const console& to) {
    const auto& nodes = member(status, "nodes");
    bool sites = std::any_of(nodes.begin(), nodes.end(), [](const json& node) { return node.contains("site"); });
    std::vector<std::string> heads{"NODE", "STATE", "HEARTBEAT", "STONITH", "LOAD", "PACKAGES"};
    if (sites) heads.insert(heads.begin() + 1, "SITE");
    table out(std::move(heads));
    for (const auto& node : nodes) {
        auto state = text_of(node, "state", "unknown");
        std::vector<table::cell> row{{{text_of(node, "name", "-")}},
                                     {{state, tone_of_state(state)}},
                                     links_cell(node),
                                     stonith_cell(node),
                                     {{load_text(node)}},
                                     {{or_dash(joined(member(node, "packages"), " "))}}};
        if (sites) row.insert(row.begin() + 1, {{text_of(node, "site", "-")}});
        out.add(std::move(row));
    }
    return out.empty() ? std::string() : '\n' + out.text(to);
}

table::cell switching_cell(const json& package) {
    if (!is_set(package, "switching")) return {{"off", tone::warn}};
    auto off = joined(member(package, "disabled_on"), ",");
    if (off.empty()) return {{"on"}};
    return {{"on"}, {" not " + off, tone::warn}};
}

std::string package_table(const json& status, const console& to) {
    auto now = number_of(status, "now").value_or(0);
    table out({"PACKAGE", "STATE", "NODE", "SINCE", "SWITCHING", "NEXT", "ADDRESSES"});
    std::string notes;
    for (const auto& package : member(status, "packages")) {
        auto state = text_of(package, "state", "unknown");
        auto since = number_of(package, "since");
        auto name = text_of(package, "name", "-");
        out.add({{{name}},
                 {{state, tone_of_state(state)}},
                 {{text_of(package, "node", "-")}},
                 {{since && *since > 0 ? age_text(now - *since) : "-"}},
                 switching_cell(package),
                 {{text_of(package, "next", "-")}},
                 {{or_dash(joined(member(package, "addresses"), " "))}}});
        auto reason = text_of(package, "reason");
        for (const auto& kept : {maintenance_text(package, now), pin_text(package, now)})
            if (!kept.empty()) notes += name + ": " + kept + '\n';
        for (const auto& off : switching_texts(package, now)) notes += name + ": " + off + '\n';
        const auto& partial = member(package, "partial");
        if (partial.is_object())
            notes += fmt::format("{}: started partly: {}; without {}\n", name, joined(member(partial, "steps"), ", "),
                                 joined(member(partial, "left_out"), ", "));
        if (state != "running" && !reason.empty()) notes += name + ": " + reason + '\n';
        for (const auto& service : member(package, "services")) {
            auto restarts = number_of(service, "restarts").value_or(0);
            if (restarts == 0) continue;
            auto most = number_of(service, "restart_max");
            notes += fmt::format("{}: service {} was restarted {} times{}\n", name, text_of(service, "name", "-"),
                                 restarts, most ? fmt::format(" of {}", *most) : std::string());
        }
    }
    if (out.empty()) return "\nNo packages.\n";
    return '\n' + out.text(to) + (notes.empty() ? "" : '\n' + notes);
}

std::string fencing_text(const json& status, const console& to, std::int64_t now) {
    const auto& fencing = member(status, "fencing");
    auto state = text_of(fencing, "state");
    if (state == "none") return to.paint("FENCING NONE", tone::bad);
    if (state == "failed") return to.paint("fencing FAILED", tone::bad);
    auto at = number_of(fencing, "verified_at");
    if (state == "verified" && at) return "fencing verified " + age_text(now - *at) + " ago";
    return "fencing not tried yet";
}

std::string protection_text(const json& status, const console& to) {
    const auto& protection = member(status, "protection");
    const auto& faults = member(protection, "faults");
    if (!faults.is_array() || faults.empty() || !is_set(member(status, "quorum"), "have")) return {};
    auto survived = number_of(protection, "survived").value_or(0);
    auto all = static_cast<std::int64_t>(faults.size());
    auto text = survived == all ? std::string("survives any one fault")
                                : fmt::format("survives {} of {} faults", survived, all);
    return "   " + (survived == all ? text : to.paint(text, tone::warn));
}

std::string headline(const json& status, const console& to) {
    std::size_t running = 0;
    const auto& nodes = member(status, "nodes");
    for (const auto& node : nodes) running += text_of(node, "state") == "running" ? 1 : 0;
    const auto& quorum = member(status, "quorum");
    auto needed = number_of(quorum, "needed").value_or(0);
    auto present = number_of(quorum, "present").value_or(0);
    auto quorum_text = is_set(quorum, "have")
                           ? fmt::format("quorum {}", needed)
                           : to.paint(fmt::format("NO QUORUM ({} of {} needed)", present, needed), tone::bad);
    auto leader = text_of(status, "leader");
    auto leader_text = leader.empty() ? to.paint("no leader", tone::bad) : "leader " + leader;
    auto fencing = fencing_text(status, to, number_of(status, "now").value_or(0));
    auto nodes_text = fmt::format("{}/{} nodes", running, nodes.size());
    return fmt::format("{}   {}   {}   {}   {}{}\n", text_of(status, "cluster", "-"),
                       running == nodes.size() ? nodes_text : to.paint(nodes_text, tone::warn), quorum_text,
                       leader_text, fencing, protection_text(status, to));
}

// "3 nodes, 2 links": of each kind how many are survived.
std::string survived_text(const json& faults) {
    std::string out;
    for (const auto* kind : {"node", "link", "switch", "stonith", "arbitrator", "power"}) {
        std::size_t count = 0;
        std::string first;
        for (const auto& item : faults) {
            if (text_of(item, "kind") != kind || !is_set(item, "survived")) continue;
            first = count++ == 0 ? text_of(item, "name") : first;
        }
        auto many = fmt::format("{} {}{}", count, std::string_view(kind) == "power" ? "power source" : kind,
                                std::string_view(kind) == "stonith"  ? " devices"
                                : std::string_view(kind) == "switch" ? "es"
                                                                     : "s");
        if (count > 0) out += (out.empty() ? "" : ", ") + (count == 1 ? fmt::format("{} {}", kind, first) : many);
    }
    return out;
}

// What one more fault may be, and what not.
std::string protection_note(const json& status, const console& to) {
    const auto& faults = member(member(status, "protection"), "faults");
    if (!faults.is_array() || faults.empty() || !is_set(member(status, "quorum"), "have")) return {};
    constexpr std::size_t shown = 3;
    std::size_t open = 0;
    std::string without;
    for (const auto& item : faults) {
        if (is_set(item, "survived")) continue;
        if (++open > shown) continue;
        without += fmt::format("{}{} {} ({})", without.empty() ? "" : ", ", text_of(item, "kind"),
                               text_of(item, "name"), text_of(item, "why", "-"));
    }
    if (open > shown) without += fmt::format(", and {} more (hactl status --json)", open - shown);
    auto survived = survived_text(faults);
    auto out =
        survived.empty() ? std::string("Protection: ") : "Protection: survives the loss of any one of " + survived;
    if (!without.empty()) out += (survived.empty() ? "" : "; ") + to.paint("not of " + without, tone::warn);
    return out + '\n';
}

std::string unformed(const json& status) {
    auto out = fmt::format("{} belongs to no cluster yet.\n", text_of(status, "node", "This node"));
    if (auto problem = text_of(status, "problem"); !problem.empty()) out += problem + '\n';
    if (is_set(status, "waiting_for")) {
        out += "It looks for the others. To make a new cluster: hactl cluster apply, on one node.\n";
    } else {
        out += "To make one: hactl cluster apply, on one node.\n";
    }
    return out;
}

std::string freshness_note(const json& status) {
    const auto& freshness = member(status, "freshness");
    auto node = text_of(status, "node", "this node");
    if (!freshness.is_object()) return fmt::format("{} hears no leader; this is what it knew last.\n", node);
    constexpr std::int64_t worth_a_word_ms = 2'000;
    auto heard = number_of(freshness, "leader_heard_ms").value_or(0);
    if (heard < worth_a_word_ms) return {};
    return fmt::format("{} heard the leader {} ago.\n", node, age_text(heard * 1000));
}

}  // namespace

std::string render_status(const json& status, const console& to) {
    if (!is_set(status, "formed", true)) return unformed(status);
    auto out = headline(status, to) + protection_note(status, to) + freshness_note(status);
    auto waiting = text_of(status, "waiting");
    if (!waiting.empty()) out += to.paint("Waits for: " + waiting + '\n', tone::warn);
    if (is_set(status, "halted")) out += to.paint("The cluster is halted; hactl cluster run starts it.\n", tone::warn);
    out += node_table(status, to) + subnet_lines(status, to) + package_table(status, to) + failover_lines(status, to);
    auto now = number_of(status, "now").value_or(0);
    std::string alarms;
    for (const auto& alarm : member(status, "alarms")) {
        auto since = number_of(alarm, "since");
        bool critical = text_of(alarm, "severity") == "critical";
        alarms += to.paint(critical ? "ALARM    " : "warning  ", critical ? tone::bad : tone::warn);
        alarms +=
            text_of(alarm, "text", "-") + (since ? " (for " + age_text(now - *since) + ")" : std::string()) + '\n';
    }
    return alarms.empty() ? out : out + '\n' + alarms;
}

}  // namespace mainstay::hactl
