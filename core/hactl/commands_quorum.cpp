// proof, timing, node fence, cluster run (with --certify-down): who may go on, and why.
#include <fmt/core.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "hactl/command.hpp"
#include "hactl/fields.hpp"
#include "hactl/render.hpp"

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

std::string millis(std::int64_t us) { return fmt::format("{} ms", us / 1000); }

exit_code show_proof(const context& c, const json& told) {
    if (const auto& instances = member(told, "instances"); !instances.empty()) {
        for (const auto& item : instances) show_proof(c, item);
        return exit_code::done;
    }
    auto package = text_of(told, "package");
    c.to.line(fmt::format("{} is {} on {}, generation {}: proof {}{}", package, text_of(told, "phase", "-"),
                          text_of(told, "node", "-"), number_of(told, "generation").value_or(0),
                          text_of(told, "proof", "-"), is_set(told, "weak") ? " (WEAK: nothing was proven)" : ""));
    auto reason = text_of(told, "reason");
    if (!reason.empty()) c.to.line("  " + reason);
    for (const auto& item : member(told, "waiting"))
        if (item.is_string()) c.to.line("  waits until " + item.get<std::string>());
    for (const auto& item : member(told, "fences"))
        c.to.line(fmt::format("  fence of {} (boot {}) from {}: {} {} {}", text_of(item, "node", "-"),
                              number_of(item, "boot").value_or(0), text_of(item, "asked_from", "-"),
                              text_of(item, "outcome", "under way"), text_of(item, "device"), text_of(item, "detail")));
    for (const auto& item : member(told, "history")) c.to.line("  " + text_of(item, "text"));
    return exit_code::done;
}

// R5: shows what this node knows, says what is promised, and wants every name typed.
bool promised(const context& c, const json& facts, const std::vector<std::string>& names) {
    std::string voters;
    for (const auto& item : member(facts, "voters"))
        if (item.is_string()) voters += (voters.empty() ? "" : ", ") + item.get<std::string>();
    c.to.err(fmt::format("This node, {}, knows the log up to entry {}; voter set {} is {}.\n",
                         text_of(facts, "node", "-"), number_of(facts, "last_index").value_or(0),
                         number_of(facts, "voter_set").value_or(0), voters));
    for (const auto& item : member(facts, "heard"))
        c.to.err(fmt::format("It hears {}, which has committed up to entry {}.\n", text_of(item, "name", "-"),
                             number_of(item, "commit").value_or(0)));
    c.to.err(
        "You promise that each node you certify is switched off NOW, stays off until this command reports\n"
        "`certified`, and took part in nothing newer than what this node knows. If that is wrong, packages can run\n"
        "twice and data be lost: nothing can check it for you. It is logged with your name.\n");
    for (const auto& name : names) {
        c.to.err(fmt::format("Type the name of the node that is off ({}): ", name));
        std::string typed;
        if (!std::getline(std::cin, typed) || typed != name) {
            c.to.err(fmt::format("hactl: '{}' is not {}; nothing was changed\n", typed, name));
            return false;
        }
    }
    return true;
}

}  // namespace

exit_code proof(context& c) {
    return read(c, "proof", {{"package", c.given.words.at(0)}}, [&c](const json& told) { return show_proof(c, told); });
}

exit_code timing(context& c) {
    return read(c, "timing", json::object(), [&c](const json& told) {
        c.to.out(text_of(told, "text"));
        for (const auto& item : member(told, "nodes")) {
            auto watchdog = number_of(item, "watchdog_us").value_or(0);
            if (watchdog == 0) continue;
            c.to.line(fmt::format("{}: watchdog {}; its packages have surely ended after {}",
                                  text_of(item, "name", "-"), millis(watchdog),
                                  millis(number_of(item, "lease_proof_us").value_or(0))));
        }
        if (!is_set(told, "daemon_restart_is_harmless"))
            c.to.line("a daemon crash is a node failure here: member_timeout is shorter than daemon_restart_time");
        return exit_code::done;
    });
}

exit_code node_fence(context& c) { return act(c, "node.fence", {{"node", c.given.words.at(0)}}); }

exit_code cluster_run(context& c) {
    if (c.given.certify_down.empty()) return act(c, "cluster.run", json::object());
    if (c.given.plan || !c.given.plan_id.empty())
        return report(c, {exit_code::usage, "--certify-down shows what it does and asks: there is no plan of it", {}});
    auto names = names_in(c.given.certify_down);
    json facts;
    if (!c.to.json) {
        auto seen = read(c, "cluster.certify", json::object(), [&](const json& told) {
            facts = told;
            return exit_code::done;
        });
        if (seen != exit_code::done) return seen;
    }
    if (!promised(c, facts, names)) return exit_code::refused;
    return act(c, "cluster.certify", {{"nodes", names}, {"abandon", c.given.abandon}, {"confirm", true}});
}

}  // namespace mainstay::hactl
