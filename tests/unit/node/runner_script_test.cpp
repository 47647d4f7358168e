// What control scripts ask for: cmrunserv, cmhaltserv, cmmodnet (SG 3.12, 4.5).
#include "runner_lab.hpp"

using namespace mainstay;
using namespace mainstay::node;

namespace {

package_config legacy_package() {
    package_config out;
    out.name = "web";
    out.run_script = "/control";
    out.halt_script = "/control";
    for (const char* name : {"one", "two"}) {
        service_config item;
        item.name = name;
        item.halt_timeout = 3'000 * ms;
        out.services.push_back(item);
    }
    return out;
}

class script_lab : public runner_lab {
public:
    explicit script_lab(package_config config = legacy_package()) : runner_lab(std::move(config)) {}

    // Of the script last asked for under this word. What it was told is in `told`.
    words calls(const std::string& script, script_verb verb, const std::string& name, const std::string& text = "",
                std::optional<std::uint32_t> restarts = 0) {
        script_call call{open.contains(script) ? open.at(script) : request_id{}, "web", verb, name, text, restarts};
        bool recorded = item.script_asks(call, ++last, out);
        auto first = asked();
        if (!recorded) return first;
        CHECK(first.empty());
        CHECK(told().empty());
        item.script_recorded(call, last, out);
        return asked();
    }
    words runs(const std::string& name, std::optional<std::uint32_t> restarts = 0) {
        return calls("run run_script", script_verb::run_service, name, "/bin/" + name, restarts);
    }
    std::string told() { return told_scripts[last]; }

    // Started, its services run.
    void up(std::optional<std::uint32_t> restarts = 0) {
        item.start(out);
        asked();
        for (const char* name : {"one", "two"})
            CHECK(runs(name, restarts) == words{std::string("run service:") + name});
        CHECK(ends("run run_script", 0).empty());
        CHECK(news() == words{"running"});
    }

    std::uint64_t last = 0;
};

}  // namespace

TEST_CASE("the script starts its services, and the runner watches and restarts them") {
    script_lab lab;
    lab.up(2);
    CHECK(lab.told() == "done: service two runs");
    auto& process = lab.processes.at("run service:one");
    CHECK(process.argv == std::vector<std::string>{"/bin/sh", "-c", "exec /bin/one"});
    CHECK(process.service);
    CHECK(lab.ends("run service:one", -9) == words{"run service:one"});
    CHECK(lab.item.parts().services.at("one").restarts == 1);
    lab.now += 10'000 * ms;
    CHECK(lab.ends("run service:one", 0) == words{"run service:one"});
    lab.now += 10'000 * ms;
    CHECK(lab.news() == words{"again one 1", "again one 2"});
    // The third time it fails; the script has its turn first, then what it has left running ends.
    CHECK(lab.ends("run service:one", 1) == words{"run halt_script"});
    CHECK(lab.news() == words{"service_failed"});
    CHECK(lab.calls("run halt_script", script_verb::halt_service, "one").empty());
    CHECK(lab.told() == "done: service one does not run");
    CHECK(lab.ends("run halt_script", 0) == words{"kill service:two"});
    CHECK(lab.ends("run service:two", -15).empty());
    CHECK(lab.news() == words{"halted"});
    CHECK(lab.item.parts().empty());
}

TEST_CASE("the halt script halts its services and is told when they are gone") {
    script_lab lab;
    lab.up();
    lab.item.halt(lab.out);
    CHECK(lab.asked() == words{"run halt_script"});
    CHECK(lab.calls("run halt_script", script_verb::halt_service, "two") == words{"kill service:two"});
    CHECK(lab.graces.at(lab.open.at("run service:two")) == 3'000 * ms);
    CHECK(lab.told().empty());
    CHECK(lab.ends("run service:two", -9).empty());
    CHECK(lab.told() == "done: service two is halted");
    CHECK(lab.calls("run halt_script", script_verb::run_service, "two", "/bin/two").empty());
    CHECK(lab.told() == "refused: package web is halting");
    CHECK(lab.ends("run halt_script", 0) == words{"kill service:one"});
    CHECK(lab.ends("run service:one", -15).empty());
    CHECK(lab.news() == words{"halted"});
}

TEST_CASE("a script that ends before its cmhaltserv is answered loses nothing") {
    script_lab lab;
    lab.up();
    lab.item.halt(lab.out);
    lab.asked();
    CHECK(lab.calls("run halt_script", script_verb::halt_service, "two") == words{"kill service:two"});
    CHECK(lab.ends("run halt_script", 0) == words{"kill service:one", "kill service:two"});
    CHECK(lab.ends("run service:one", -15).empty());
    CHECK(lab.ends("run service:two", -15).empty());
    CHECK(lab.told() == "done: service two is halted");
    CHECK(lab.news() == words{"halted"});
}

TEST_CASE("a run script that fails has what it started ended; its halt script does not run") {
    script_lab lab;
    lab.item.start(lab.out);
    lab.asked();
    lab.runs("one");
    SECTION("by its exit code") { CHECK(lab.ends("run run_script", 1) == words{"kill service:one"}); }
    SECTION("by its time limit") { CHECK(lab.ends("run run_script", -15, true) == words{"kill service:one"}); }
    CHECK(lab.news().empty());
    CHECK(lab.ends("run service:one", -15).empty());
    CHECK(lab.news().size() == 1);
    CHECK(lab.item.phase() == runner_phase::over);
}

TEST_CASE("a service that ends during the run script counts when the script is over") {
    script_lab lab;
    lab.item.start(lab.out);
    lab.asked();
    SECTION("as a failure") {
        lab.runs("one");
        CHECK(lab.ends("run service:one", 1).empty());
        CHECK(lab.news().empty());
        CHECK(lab.ends("run run_script", 0) == words{"run halt_script"});
        CHECK(lab.news() == words{"service_failed"});
    }
    SECTION("unless it has restarts left") {
        lab.runs("one", 1);
        CHECK(lab.ends("run service:one", 1) == words{"run service:one"});
        CHECK(lab.ends("run run_script", 0).empty());
        CHECK(lab.news() == words{"again one 1", "running"});
    }
    SECTION("unless the script has halted it, or run it again") {
        lab.runs("one");
        lab.runs("two");
        lab.ends("run service:one", 1);
        lab.ends("run service:two", 1);
        CHECK(lab.calls("run run_script", script_verb::halt_service, "one").empty());
        CHECK(lab.runs("two") == words{"run service:two"});
        CHECK(lab.ends("run run_script", 0).empty());
        CHECK(lab.news() == words{"running"});
    }
    SECTION("unless the script fails") {
        lab.runs("one");
        lab.ends("run service:one", 1);
        CHECK(lab.ends("run run_script", 2).empty());
        CHECK(lab.news() == words{"start_exit_2"});
    }
}

TEST_CASE("what is refused to a script") {
    script_lab lab;
    CHECK(lab.runs("one").empty());
    CHECK(lab.told() == "refused: this script of package web is not under way any more");
    lab.item.start(lab.out);
    lab.asked();
    CHECK(lab.runs("three").empty());
    CHECK(lab.told() == "refused: package web has no service three; its service_name lines name one, two");
    CHECK(lab.runs("one") == words{"run service:one"});
    CHECK(lab.runs("one").empty());
    CHECK(lab.told() == "refused: service one runs already");
    CHECK(lab.calls("run run_script", script_verb::run_service, "two", "").empty());
    CHECK(lab.told().starts_with("refused: the command of service two is empty"));
    CHECK(lab.calls("run service:one", script_verb::halt_service, "one").empty());  // not the script
    CHECK(lab.told().starts_with("refused: this script"));
    SECTION("a script that was told to end begins nothing, but may halt") {
        lab.item.halt(lab.out);
        CHECK(lab.asked() == words{"kill run_script"});
        CHECK(lab.runs("two").empty());
        CHECK(lab.told() == "refused: package web is halting");
        CHECK(lab.calls("run run_script", script_verb::halt_service, "one") == words{"kill service:one"});
        CHECK(lab.ends("run service:one", -15).empty());
        CHECK(lab.ends("run run_script", -15) == words{"run halt_script"});
        CHECK(lab.ends("run halt_script", 0).empty());
        CHECK(lab.news() == words{"halted"});
    }
    SECTION("when it is over, nothing") {
        lab.ends("run run_script", 0);
        CHECK(lab.runs("two").empty());
        CHECK(lab.told().starts_with("refused: this script"));
    }
}

TEST_CASE("one with a service_cmd is not the script's") {
    auto config = legacy_package();
    config.services[1].command = "/bin/two";
    script_lab lab(config);
    lab.item.start(lab.out);
    lab.asked();
    CHECK(lab.runs("two").empty());
    CHECK(lab.told() == "refused: service two has a service_cmd: it is started after the script");
    lab.runs("one");
    CHECK(lab.ends("run run_script", 0) == words{"run service:two"});
    lab.item.halt(lab.out);
    CHECK(lab.asked() == words{"kill service:two"});
    CHECK(lab.ends("run service:two", -15) == words{"run halt_script"});
    CHECK(lab.ends("run halt_script", 0) == words{"kill service:one"});
    CHECK(lab.ends("run service:one", -15).empty());
    CHECK(lab.news() == words{"running", "halted"});
}

TEST_CASE("the script ends while what it asked for is being written down") {
    script_lab lab;
    lab.item.start(lab.out);
    lab.asked();
    script_call call{lab.open.at("run run_script"), "web", script_verb::run_service, "one", "/bin/one", 0};
    REQUIRE(lab.item.script_asks(call, 1, lab.out));
    SECTION("by itself") { lab.ends("run run_script", 0); }
    SECTION("told to") { lab.item.halt(lab.out); }
    lab.item.script_recorded(call, 1, lab.out);
    for (const auto& word : lab.asked()) CHECK(word != "run service:one");
    CHECK(lab.told_scripts[1] == "refused: service one was halted before it began");
    CHECK(lab.item.parts().empty());
}

TEST_CASE("exit 3 of the halt script leaves the rest as it is, until it is halted again") {
    script_lab lab;
    lab.up();
    lab.item.halt(lab.out);
    lab.asked();
    CHECK(lab.ends("run halt_script", 3).empty());
    CHECK(lab.news() == words{"halt_exit_3"});
    CHECK(lab.ends("run service:one", 1).empty());  // nothing follows
    CHECK(lab.news().empty());
    lab.item.halt(lab.out);
    CHECK(lab.asked() == words{"run halt_script"});
    CHECK(lab.ends("run halt_script", 0) == words{"kill service:two"});
    CHECK(lab.ends("run service:two", -15).empty());
    CHECK(lab.news() == words{"halted"});
}

TEST_CASE("after a daemon restart the script's services are watched as they were asked for") {
    script_lab lab;
    script_parts parts;
    parts.services["one"] = {"/bin/one", 2, 1};
    lab.item.recall(parts, {});
    SECTION("living") {
        lab.item.adopt({{request_id{71}, "web", "service:one"}}, runner_phase::running, lab.out);
        CHECK(lab.asked().empty());
        CHECK(lab.news().empty());  // two was never begun
        lab.item.caught_up(lab.now, lab.out);
        CHECK(lab.item.process_exited({request_id{71}, 1, false, ""}, lab.now, lab.out));
        CHECK(lab.asked() == words{"run service:one"});
        CHECK(lab.processes.at("run service:one").argv.back() == "exec /bin/one");
        CHECK(lab.news() == words{"again one 2"});
        lab.now += 10'000 * ms;
        CHECK(lab.ends("run service:one", 1) == words{"run halt_script"});
    }
    SECTION("dead") {
        lab.item.adopt({}, runner_phase::running, lab.out);
        lab.item.caught_up(lab.now, lab.out);
        CHECK(lab.asked() == words{"run service:one"});
        CHECK(lab.news() == words{"again one 2"});
    }
    SECTION("in the middle of the start: all of it is ended") {
        lab.item.adopt({{request_id{70}, "web", "run_script"}, {request_id{71}, "web", "service:one"}},
                       runner_phase::starting, lab.out);
        lab.asked();
        CHECK(lab.item.process_exited({request_id{70}, -15, false, ""}, lab.now, lab.out));
        CHECK(lab.asked() == words{"run halt_script"});
        lab.ends("run halt_script", 0);
        CHECK(lab.graces.contains(request_id{71}));
        CHECK(lab.item.process_exited({request_id{71}, -15, false, ""}, lab.now, lab.out));
        CHECK(lab.news() == words{"start_exit_2"});
    }
}

TEST_CASE("an address of the script is looked for on the network, added, and taken away however the package ends") {
    script_lab lab;
    lab.item.start(lab.out);
    lab.asked();
    auto add = [&] { return lab.calls("run run_script", script_verb::add_address, "10.0.0.9", "10.0.0.0/24"); };
    CHECK(add() == words{"prepare address"});
    SECTION("added, removed by the halt script") {
        CHECK(lab.answer("prepare address", call_outcome::ok) == words{"start address"});
        CHECK(lab.answer("start address", call_outcome::ok).empty());
        CHECK(lab.told() == "done: 10.0.0.9 is on this node");
        CHECK(add().empty());
        CHECK(lab.told() == "done: 10.0.0.9 is here already");
        lab.ends("run run_script", 0);
        lab.item.halt(lab.out);
        CHECK(lab.asked() == words{"run halt_script"});
        CHECK(lab.calls("run halt_script", script_verb::remove_address, "10.0.0.9", "10.0.0.0/24") ==
              words{"stop address"});
        CHECK(lab.answer("stop address", call_outcome::ok).empty());
        CHECK(lab.told() == "done: 10.0.0.9 is removed");
        CHECK(lab.ends("run halt_script", 0).empty());
        CHECK(lab.news() == words{"running", "halted"});
    }
    SECTION("added, and forgotten") {
        lab.answer("prepare address", call_outcome::unknown);
        lab.answer("start address", call_outcome::ok);
        lab.ends("run run_script", 0);
        lab.item.halt(lab.out);
        lab.asked();
        CHECK(lab.ends("run halt_script", 0) == words{"stop address"});
        SECTION("taken away") {
            CHECK(lab.answer("stop address", call_outcome::ok).empty());
            CHECK(lab.news() == words{"running", "halted"});
        }
        SECTION("if that fails, the halt has failed, and is tried again") {
            CHECK(lab.answer("stop address", call_outcome::failed).empty());
            CHECK(lab.news() == words{"running", "halt_exit_1"});
            CHECK_FALSE(lab.item.parts().empty());
            lab.item.halt(lab.out);
            lab.asked();
            CHECK(lab.ends("run halt_script", 0) == words{"stop address"});
            CHECK(lab.answer("stop address", call_outcome::ok).empty());
            CHECK(lab.news() == words{"halted"});
        }
    }
    SECTION("somebody else has it") {
        CHECK(lab.answer("prepare address", call_outcome::failed, "in use by 02:00").empty());
        CHECK(lab.told() == "failed: in use by 02:00");
        CHECK(lab.item.parts().empty());
        CHECK(lab.ends("run run_script", 1).empty());
        CHECK(lab.news() == words{"start_exit_1"});
    }
    SECTION("it can't be added: taken away all the same") {
        lab.answer("prepare address", call_outcome::ok);
        CHECK(lab.answer("start address", call_outcome::unknown, "no answer").empty());
        CHECK(lab.told() == "failed: no answer");
        SECTION("the script asks again: it is not taken for up") {
            CHECK(add() == words{"start address"});
            CHECK(lab.answer("start address", call_outcome::unknown, "still none").empty());
            CHECK(lab.told() == "failed: still none");
            CHECK(add() == words{"start address"});
            CHECK(lab.answer("start address", call_outcome::ok).empty());
            CHECK(lab.told() == "done: 10.0.0.9 is on this node");
            CHECK(add().empty());
            CHECK(lab.told() == "done: 10.0.0.9 is here already");
        }
        CHECK(lab.ends("run run_script", 1) == words{"stop address"});
        CHECK(lab.answer("stop address", call_outcome::not_running).empty());
        CHECK(lab.news() == words{"start_exit_1"});
    }
    SECTION("the script ends meanwhile: first the answer, then the undoing") {
        lab.answer("prepare address", call_outcome::ok);
        CHECK(lab.ends("run run_script", 1).empty());
        CHECK(lab.answer("start address", call_outcome::ok) == words{"stop address"});
        CHECK(lab.answer("stop address", call_outcome::ok).empty());
        CHECK(lab.news() == words{"start_exit_1"});
    }
}
