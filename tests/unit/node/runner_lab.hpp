// One runner and whoever carries out what it asks: every request is written down as a word, and
// answered by that word. The package: one address, resources nginx and disk, scripts, two services.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "node/runner.hpp"

namespace mainstay::node {

inline constexpr duration ms{1'000};

inline package_config web_package() {
    package_config web;
    web.name = "web";
    web.addresses.push_back({"10.77.0.100", "10.77.0.0/24", {}});
    for (const char* name : {"nginx", "disk"}) {
        plugin_instance item;
        item.name = name;
        item.plugin = "init-script";
        web.resources.push_back(item);
    }
    web.run_script = "/run";
    web.run_script_timeout = 60'000 * ms;
    web.halt_script = "/halt";
    web.halt_script_timeout = 30'000 * ms;
    for (const char* name : {"probe", "feed"}) {
        service_config item;
        item.name = name;
        item.command = std::string("/bin/") + name;
        item.restart_max = 0;
        item.halt_timeout = 2'000 * ms;
        web.services.push_back(item);
    }
    return web;
}

class runner_lab {
public:
    explicit runner_lab(package_config config = web_package())
        : item(std::move(config), generation{3}, "n1", {{"SG_PACKAGE", "web"}}) {
        out.start_life({1, 1});
    }

    // What was asked since the last call: "start address", "run run_script", "kill service:probe" ...
    std::vector<std::string> asked() {
        std::vector<std::string> words;
        for (auto& effect : out.take()) {
            if (auto* call = std::get_if<call_plugin>(&effect)) {
                auto name = call->instance.substr(call->instance.find('/') + 1);
                words.push_back(call->verb + " " + (full_names ? name : name.substr(0, name.find(' '))));
                open[words.back()] = call->request;
                latest = call->request;
                limit = call->timeout;
            } else if (auto* run = std::get_if<run_process>(&effect)) {
                words.push_back("run " + run->label);
                open[words.back()] = run->request;
                processes[words.back()] = *run;
            } else if (auto* kill = std::get_if<kill_process>(&effect)) {
                for (const auto& [word, process] : processes)
                    if (process.request == kill->request) words.push_back("kill" + word.substr(3));
                graces[kill->request] = kill->grace;
            } else if (auto* clear = std::get_if<clear_package>(&effect)) {
                cleared(*clear);
            } else if (auto* line = std::get_if<write_log>(&effect)) {
                logged.push_back(line->text);
            } else if (auto* told = std::get_if<admin_done>(&effect)) {
                told_scripts[told->id] = std::string(to_string(told->result)) + ": " + told->text;
            }
        }
        return words;
    }
    // Answers what was asked under this word, and tells what is asked next.
    std::vector<std::string> answer(const std::string& word, call_outcome outcome, const std::string& text = "") {
        REQUIRE(open.contains(word));
        REQUIRE(item.plugin_answered({open.at(word), outcome, text}, out));
        return asked();
    }
    std::vector<std::string> ends(const std::string& word, std::int32_t code, bool timed_out = false,
                                  const std::string& tail = "") {
        REQUIRE(open.contains(word));
        REQUIRE(item.process_exited({open.at(word), code, timed_out, tail}, now, out));
        return asked();
    }
    // Everything that is asked succeeds, until nothing is asked or a word of `until` was asked.
    std::vector<std::string> go_on(std::vector<std::string> words, const std::string& until = "") {
        std::vector<std::string> story;
        while (!words.empty()) {
            story.insert(story.end(), words.begin(), words.end());
            if (!until.empty() && words.back() == until) break;
            std::vector<std::string> next;
            for (const auto& word : words) {
                if (word.starts_with("run service:")) continue;
                std::vector<std::string> more;
                if (word.starts_with("kill ")) {
                    more = ends("run " + word.substr(5), -15);
                } else {
                    more = word.starts_with("run ") ? ends(word, 0) : answer(word, call_outcome::ok);
                }
                next.insert(next.end(), more.begin(), more.end());
            }
            words = std::move(next);
        }
        return story;
    }
    void run() {
        item.start(out);
        go_on(asked());
        REQUIRE(item.phase() == runner_phase::running);
        news();
    }
    // News as text: event or report, and what it says.
    std::string told() {
        std::string text;
        for (auto& each : item.take_news())
            text += each.event + (each.report ? std::string(to_string(*each.report)) : "") + ": " + each.detail;
        return text;
    }
    // Reports as words, "running", "start_exit_2"; a restart as "again probe 1".
    std::vector<std::string> news() {
        for (auto& effect : out.take()) {
            auto* clear = std::get_if<clear_package>(&effect);
            clear != nullptr ? cleared(*clear) : std::visit([this](auto& kept) { out.add(std::move(kept)); }, effect);
        }
        std::vector<std::string> words;
        for (auto& told : item.take_news()) {
            details.push_back(told.detail);
            fail_fast = fail_fast || told.fail_fast;
            words.push_back(told.report ? std::string(to_string(*told.report))
                                        : "again " + told.service + " " + std::to_string(told.restarts));
        }
        return words;
    }

    void cleared(const clear_package& asked) {
        CHECK(asked.package == item.config().name);
        REQUIRE(item.cleared({asked.request, std::exchange(left, {}), std::exchange(undying, {})}, out));
    }

    runner item;
    request_id latest;  // plugin call, and its time limit
    duration limit{0};
    bool full_names = false;  // "start filesystem /a", for packages with several of a kind
    effects out;
    time_point now{1'000'000 * ms};
    std::map<std::string, request_id> open;
    std::map<std::string, run_process> processes;
    std::map<request_id, duration> graces;
    std::map<std::uint64_t, std::string> told_scripts;
    std::vector<std::string> details;
    // What of the package is found when it is down: what can be ended, and what can't.
    std::vector<std::string> left;
    std::vector<std::string> undying;
    std::vector<std::string> logged;
    bool fail_fast = false;
};

using words = std::vector<std::string>;

}  // namespace mainstay::node
