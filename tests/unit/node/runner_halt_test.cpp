// Halting, halting in the middle of a start, and taking over after a daemon's restart.
#include "runner_lab.hpp"

using namespace mainstay;
using namespace mainstay::node;

TEST_CASE("halting is starting in reverse: services first, all at once, each with its own grace") {
    runner_lab lab;
    lab.run();
    lab.item.halt(lab.out);
    auto next = lab.asked();
    CHECK(next == words{"kill service:probe", "kill service:feed"});
    for (const auto& [request, grace] : lab.graces) CHECK(grace == 2'000 * ms);
    CHECK(lab.ends("run service:feed", -15).empty());  // the other one still lives
    CHECK(lab.ends("run service:probe", -9) == words{"run halt_script"});
    CHECK(lab.processes.at("run halt_script").argv == words{"/halt", "stop"});
    CHECK(lab.processes.at("run halt_script").timeout == 30'000 * ms);
    CHECK(lab.go_on(lab.ends("run halt_script", 0)) == words{"stop disk", "stop nginx", "stop address"});
    CHECK(lab.news() == words{"halted"});
    CHECK(lab.item.phase() == runner_phase::over);
}

TEST_CASE("asked twice is asked once") {
    runner_lab lab;
    lab.run();
    lab.item.halt(lab.out);
    lab.item.halt(lab.out);
    CHECK(lab.asked().size() == 2);
    lab.item.halt(lab.out);
    CHECK(lab.asked().empty());
    lab.ends("run service:feed", -15);
    lab.go_on(lab.ends("run service:probe", -15));
    lab.item.halt(lab.out);
    CHECK(lab.asked().empty());
    CHECK(lab.news() == words{"halted"});
}

TEST_CASE("how halting fails is what is reported, after the rest was halted all the same") {
    struct row {
        const char* step;
        std::int32_t code;
        bool timed_out;
        const char* report;
    };
    for (const auto& item :
         {row{"run halt_script", 1, false, "halt_exit_1"}, row{"run halt_script", 4, false, "halt_exit_1"},
          row{"run halt_script", -9, true, "halt_timeout"}, row{"stop nginx", 0, false, "halt_exit_1"}}) {
        CAPTURE(item.step, item.code, item.timed_out);
        runner_lab lab;
        lab.run();
        lab.item.halt(lab.out);
        lab.asked();
        lab.ends("run service:feed", -15);
        auto next = lab.ends("run service:probe", -15);
        words story = lab.go_on(next, item.step);
        bool script = std::string(item.step) == "run halt_script";
        next = script ? lab.ends(item.step, item.code, item.timed_out) : lab.answer(item.step, call_outcome::unknown);
        CHECK(lab.news().empty());
        story = lab.go_on(next);
        CHECK(story.back() == "stop address");
        CHECK(lab.news() == words{item.report});

        // Tried again: from the top, services excepted, which are gone.
        lab.item.halt(lab.out);
        CHECK(lab.go_on(lab.asked()) == words{"run halt_script", "stop disk", "stop nginx", "stop address"});
        CHECK(lab.news() == words{"halted"});
    }
}

TEST_CASE("halt script exit 2 says that the package is down all the same") {
    runner_lab lab;
    lab.run();
    lab.item.halt(lab.out);
    lab.asked();
    lab.ends("run service:feed", -15);
    lab.go_on(lab.ends("run service:probe", -15), "run halt_script");
    CHECK(lab.go_on(lab.ends("run halt_script", 2)).back() == "stop address");
    CHECK(lab.news() == words{"halt_exit_2"});
}

TEST_CASE("halt script exit 3 stops the halt, which goes on from there") {
    runner_lab lab;
    lab.run();
    lab.item.halt(lab.out);
    lab.asked();
    lab.ends("run service:feed", -15);
    lab.go_on(lab.ends("run service:probe", -15), "run halt_script");
    CHECK(lab.ends("run halt_script", 3).empty());
    CHECK(lab.news() == words{"halt_exit_3"});
    lab.item.halt(lab.out);
    CHECK(lab.go_on(lab.asked()) == words{"run halt_script", "stop disk", "stop nginx", "stop address"});
    CHECK(lab.news() == words{"halted"});
}

TEST_CASE("a resource that does not run any more is halted, one that might is not") {
    struct row {
        call_outcome outcome;
        const char* report;
    };
    for (const auto& item : {row{call_outcome::ok, "halted"}, row{call_outcome::not_running, "halted"},
                             row{call_outcome::failed, "halt_exit_1"}, row{call_outcome::unknown, "halt_exit_1"},
                             row{call_outcome::on, "halt_exit_1"}, row{call_outcome::off, "halt_exit_1"}}) {
        CAPTURE(to_string(item.outcome));
        package_config config = web_package();
        config.services.clear();
        config.run_script.clear();
        config.halt_script.clear();
        runner_lab lab(config);
        lab.run();
        lab.item.halt(lab.out);
        CHECK(lab.asked() == words{"stop disk"});
        lab.go_on(lab.answer("stop disk", item.outcome));
        CHECK(lab.news() == words{item.report});
    }
}

TEST_CASE("halt during the start breaks it off and undoes what was begun") {
    runner_lab lab;
    lab.item.start(lab.out);
    SECTION("during a plugin call, which has its limit") {
        lab.go_on(lab.asked(), "start nginx");
        lab.item.halt(lab.out);
        CHECK(lab.asked().empty());
        CHECK(lab.go_on(lab.answer("start nginx", call_outcome::ok)) == words{"stop nginx", "stop address"});
    }
    SECTION("during the run script, which is told to end") {
        lab.go_on(lab.asked(), "run run_script");
        lab.item.halt(lab.out);
        lab.item.halt(lab.out);
        CHECK(lab.asked() == words{"kill run_script"});
        auto story = lab.go_on(lab.ends("run run_script", -15));
        CHECK(story == words{"run halt_script", "stop disk", "stop nginx", "stop address"});
    }
    SECTION("a step that fails meanwhile") {
        lab.go_on(lab.asked(), "start nginx");
        lab.item.halt(lab.out);
        CHECK(lab.go_on(lab.answer("start nginx", call_outcome::failed)) == words{"stop nginx", "stop address"});
    }
    CHECK(lab.news() == words{"halted"});
    CHECK(lab.item.phase() == runner_phase::over);
}

TEST_CASE("halt while a failed start is being undone changes nothing") {
    runner_lab lab;
    lab.item.start(lab.out);
    lab.go_on(lab.asked(), "start nginx");
    auto next = lab.answer("start nginx", call_outcome::failed);
    lab.item.halt(lab.out);
    CHECK(lab.asked().empty());
    CHECK(lab.go_on(next) == words{"stop nginx", "stop address"});
    CHECK(lab.news() == words{"start_exit_2"});
}

TEST_CASE("after a daemon restart: services that live go on, those that died are dealt with") {
    runner_lab lab;
    std::vector<living_process> living{{request_id{71}, "web", "service:probe"},
                                       {request_id{72}, "web", "service:feed"},
                                       {request_id{73}, "other", "service:probe"}};
    SECTION("all live") {
        lab.item.adopt(living, runner_phase::running, lab.out);
        CHECK(lab.asked().empty());
        CHECK(lab.news().empty());
        CHECK(lab.item.phase() == runner_phase::running);
        CHECK_FALSE(lab.item.process_exited({request_id{73}, 1, false, ""}, lab.now, lab.out));
        CHECK(lab.item.process_exited({request_id{71}, 1, false, ""}, lab.now, lab.out));
        CHECK(lab.news().empty());  // until the log says whether that counts
        lab.item.caught_up(lab.now, lab.out);
        CHECK(lab.news() == words{"service_failed"});
    }
    SECTION("one died meanwhile") {
        living.erase(living.begin());
        lab.item.adopt(living, runner_phase::running, lab.out);
        CHECK(lab.news().empty());
        lab.item.caught_up(lab.now, lab.out);
        CHECK(lab.news() == words{"service_failed"});
        CHECK(lab.item.phase() == runner_phase::halting);
    }
    SECTION("it was halting: halted from the top") {
        lab.item.adopt({}, runner_phase::halting, lab.out);
        CHECK(lab.go_on(lab.asked()) == words{"run halt_script", "stop disk", "stop nginx", "stop address"});
        CHECK(lab.news() == words{"halted"});
    }
    SECTION("it was starting: undone, another node may try") {
        lab.item.adopt({}, runner_phase::starting, lab.out);
        auto story = lab.go_on(lab.asked());
        CHECK(story.back() == "stop address");
        CHECK(lab.news() == words{"start_exit_2"});
    }
}

TEST_CASE("a restarted service after a daemon restart counts on from what may be") {
    auto config = web_package();
    config.services[0].restart_max = 1;
    runner_lab lab(config);
    lab.item.adopt({{request_id{72}, "web", "service:feed"}}, runner_phase::running, lab.out);
    lab.item.caught_up(lab.now, lab.out);
    CHECK(lab.asked() == words{"run service:probe"});
    CHECK(lab.news() == words{"again probe 1"});
}

TEST_CASE("saved and read back in the middle, it goes on") {
    runner_lab lab;
    lab.item.start(lab.out);
    lab.go_on(lab.asked(), "start disk");
    auto back = decode<runner>(encode(lab.item));
    REQUIRE(back);
    back->set_config(web_package());
    lab.item = std::move(*back);
    CHECK(lab.go_on(lab.answer("start disk", call_outcome::ok)).front() == "run run_script");
    CHECK(lab.news() == words{"running"});
}
