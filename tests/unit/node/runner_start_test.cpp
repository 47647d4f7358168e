// Starting: the order, every way a step can fail, and services that die.
#include "runner_lab.hpp"

using namespace mainstay;
using namespace mainstay::node;

TEST_CASE("addresses, resources in file order, run script, services; then it runs") {
    runner_lab lab;
    lab.item.start(lab.out);
    CHECK(lab.go_on(lab.asked()) == words{"start address", "start nginx", "start disk", "run run_script",
                                          "run service:probe", "run service:feed"});
    CHECK(lab.item.phase() == runner_phase::running);
    CHECK(lab.news() == words{"running"});
}

TEST_CASE("one step at a time: nothing is asked before the answer") {
    runner_lab lab;
    lab.item.start(lab.out);
    CHECK(lab.asked() == words{"start address"});
    CHECK(lab.asked().empty());
    CHECK_FALSE(lab.item.plugin_answered({request_id{999}, call_outcome::ok, ""}, lab.out));
    CHECK_FALSE(lab.item.process_exited({request_id{999}, 0, false, ""}, lab.now, lab.out));
    CHECK(lab.asked().empty());
    CHECK(lab.answer("start address", call_outcome::ok) == words{"start nginx"});
}

TEST_CASE("what a process is given: arguments, environment, limits") {
    runner_lab lab;
    lab.run();
    const auto& script = lab.processes.at("run run_script");
    CHECK(script.argv == words{"/run", "start"});
    CHECK(script.timeout == 60'000 * ms);
    CHECK_FALSE(script.service);
    CHECK(script.environment == string_pairs{{"SG_PACKAGE", "web"}});
    const auto& service = lab.processes.at("run service:probe");
    CHECK(service.service);
    CHECK_FALSE(service.timeout);
    CHECK(service.argv.back().find("/bin/probe") != std::string::npos);
}

TEST_CASE("an empty package runs at once, one without a run script skips it") {
    package_config empty;
    empty.name = "empty";
    runner_lab lab(empty);
    lab.item.start(lab.out);
    CHECK(lab.asked().empty());
    CHECK(lab.news() == words{"running"});
    lab.item.halt(lab.out);
    CHECK(lab.news() == words{"halted"});

    auto config = web_package();
    config.run_script.clear();
    runner_lab scriptless(config);
    scriptless.item.start(scriptless.out);
    CHECK(scriptless.go_on(scriptless.asked(), "run run_script").size() == 5);
}

TEST_CASE("how a run script ends is what is reported, after everything was undone in reverse") {
    struct row {
        std::int32_t code;
        bool timed_out;
        const char* report;
    };
    for (const auto& item :
         {row{1, false, "start_exit_1"}, row{2, false, "start_exit_2"}, row{3, false, "start_exit_1"},
          row{127, false, "start_exit_1"}, row{-9, false, "start_exit_1"}, row{0, true, "start_timeout"},
          row{-9, true, "start_timeout"}, row{2, true, "start_timeout"}}) {
        CAPTURE(item.code, item.timed_out);
        runner_lab lab;
        lab.item.start(lab.out);
        lab.go_on(lab.asked(), "run run_script");
        auto next = lab.ends("run run_script", item.code, item.timed_out, "first line\nno such disk\n\n");
        CHECK(lab.news().empty());  // not before it is undone
        CHECK(lab.item.phase() == runner_phase::undoing);
        CHECK(lab.go_on(next) == words{"stop disk", "stop nginx", "stop address"});  // and no halt script
        CHECK(lab.news() == words{item.report});
        CHECK(lab.details.back().find("no such disk") != std::string::npos);
        CHECK(lab.details.back().find("first line") == std::string::npos);
        CHECK(lab.item.phase() == runner_phase::over);
    }
}

TEST_CASE("a resource that does not start: another node may try; what it began is undone, it included") {
    for (auto outcome : {call_outcome::failed, call_outcome::unknown}) {
        CAPTURE(to_string(outcome));
        runner_lab lab;
        lab.item.start(lab.out);
        lab.go_on(lab.asked(), "start nginx");
        auto next = lab.answer("start nginx", outcome, "port 80 is taken");
        CHECK(lab.go_on(next) == words{"stop nginx", "stop address"});
        CHECK(lab.news() == words{"start_exit_2"});
        CHECK(lab.details.back().find("port 80 is taken") != std::string::npos);
    }
}

TEST_CASE("a resource of which nothing has begun is not stopped, and no node is reset for it") {
    auto config = web_package();
    config.addresses.clear();
    config.resources.pop_back();
    config.external_pre_scripts = {"/pre"};
    config.node_fail_fast = true;
    runner_lab lab(config);
    lab.item.start(lab.out);
    lab.go_on(lab.asked(), "start nginx");
    auto next = lab.answer("start nginx", call_outcome::not_running, "/etc/init.d/nginx: No such file");
    CHECK(lab.go_on(next) == words{"run external_pre_script /pre stop"});
    CHECK(lab.news() == words{"start_exit_2"});
    CHECK(lab.details.back().find("No such file") != std::string::npos);
    CHECK_FALSE(lab.fail_fast);
}

TEST_CASE("a halt asked during a start of which nothing has begun does not stop it either") {
    runner_lab lab;
    lab.item.start(lab.out);
    lab.go_on(lab.asked(), "start nginx");
    lab.item.halt(lab.out);
    CHECK(lab.asked().empty());
    CHECK(lab.answer("start nginx", call_outcome::not_running) == words{"stop address"});
}

TEST_CASE("undoing that fails as well is what counts: something may be left") {
    runner_lab lab;
    lab.item.start(lab.out);
    lab.go_on(lab.asked(), "start disk");
    auto next = lab.answer("start disk", call_outcome::failed, "broken");
    CHECK(next == words{"stop disk"});
    next = lab.answer("stop disk", call_outcome::unknown, "no answer");
    CHECK(lab.go_on(next) == words{"stop nginx", "stop address"});  // the rest is undone all the same
    CHECK(lab.news() == words{"halt_exit_1"});
    CHECK(lab.details.back().find("broken") != std::string::npos);
    CHECK(lab.details.back().find("no answer") != std::string::npos);
}

TEST_CASE("an address that somebody answered for is looked at again before it is taken") {
    runner_lab lab;
    lab.item.doubt("10.77.0.100");
    lab.item.start(lab.out);
    CHECK(lab.asked() == words{"prepare address"});
    SECTION("free by now") { CHECK(lab.answer("prepare address", call_outcome::ok) == words{"start address"}); }
    SECTION("no telling") { CHECK(lab.answer("prepare address", call_outcome::unknown) == words{"start address"}); }
    SECTION("still taken") {
        CHECK(lab.go_on(lab.answer("prepare address", call_outcome::failed, "taken")) == words{"stop address"});
        CHECK(lab.news() == words{"start_exit_2"});
    }
}

TEST_CASE("any end of a service is a failure; without restarts the package is halted") {
    for (std::int32_t code : {0, 1, -15}) {
        CAPTURE(code);
        runner_lab lab;
        lab.run();
        auto next = lab.ends("run service:probe", code, false, "lost the database\n");
        CHECK(lab.news() == words{"service_failed"});
        CHECK(lab.details.back().find("service probe") != std::string::npos);
        CHECK(next == words{"kill service:feed"});
        CHECK(lab.go_on(next) ==
              words{"kill service:feed", "run halt_script", "stop disk", "stop nginx", "stop address"});
        CHECK(lab.news() == words{"halted"});
        CHECK_FALSE(lab.fail_fast);
    }
}

TEST_CASE("fail fast says so with the service's failure") {
    auto config = web_package();
    config.services[0].fail_fast = true;
    runner_lab lab(config);
    lab.run();
    lab.ends("run service:probe", 1);
    CHECK(lab.news() == words{"service_failed"});
    CHECK(lab.fail_fast);
}

TEST_CASE("a service is restarted as often as it may be, and knows the count") {
    auto config = web_package();
    config.services[0].restart_max = 2;
    runner_lab lab(config);
    lab.run();
    for (int i = 1; i <= 2; ++i) {
        lab.now += 60'000 * ms;  // it lived long: restarted at once
        CHECK(lab.ends("run service:probe", 1) == words{"run service:probe"});
        CHECK(lab.news() == words{"again probe " + std::to_string(i)});
        bool told = false;
        for (const auto& [name, value] : lab.processes.at("run service:probe").environment)
            told = told || (name == "SERVICE_RESTART_COUNT" && value == std::to_string(i));
        CHECK(told);
    }
    lab.now += 60'000 * ms;
    lab.ends("run service:probe", 1);
    CHECK(lab.news() == words{"service_failed"});
}

TEST_CASE("a service that dies young again and again waits longer each time, up to a limit") {
    auto config = web_package();
    config.services[0].restart_max = std::nullopt;
    config.addresses.clear();  // nothing is looked at meanwhile
    config.resources.clear();
    runner_lab lab(config);
    lab.run();
    duration former{0};
    bool grew = false;
    for (int i = 0; i < 12; ++i) {
        auto next = lab.ends("run service:probe", 1);
        if (next.empty()) {
            auto due = lab.item.deadline();
            REQUIRE(due != never);
            auto wait = due - lab.now;
            CHECK(wait >= former);
            CHECK(wait <= 5'000 * ms);
            grew = grew || (former > duration{0} && wait > former);
            former = wait;
            lab.item.tick(due - duration{1}, lab.out);
            CHECK(lab.asked().empty());
            lab.now = due;
            lab.item.tick(lab.now, lab.out);
            next = lab.asked();
        }
        CHECK(next == words{"run service:probe"});
        lab.now += 10 * ms;
    }
    CHECK(grew);
    CHECK(former == 5'000 * ms);
    lab.now += 120'000 * ms;  // lived long: at once again
    CHECK(lab.ends("run service:probe", 1) == words{"run service:probe"});
}

TEST_CASE("a service that waits for its restart is not started by halting") {
    auto config = web_package();
    config.services[0].restart_max = std::nullopt;
    runner_lab lab(config);
    lab.run();
    while (!lab.ends("run service:probe", 1).empty()) lab.now += ms;
    lab.news();
    lab.item.halt(lab.out);
    CHECK(lab.asked() == words{"kill service:feed"});
    lab.ends("run service:feed", -15);
    lab.item.tick(lab.now + 60'000 * ms, lab.out);
    for (const auto& word : lab.asked()) CHECK(word != "run service:probe");
    CHECK(lab.item.deadline() == never);
}

// SG 4.9, the rows with node_fail_fast_enabled yes: where something may be left, the node is reset.
TEST_CASE("node_fail_fast_enabled resets the node where something may be left behind") {
    struct row {
        const char* step;
        std::int32_t code;
        bool timed_out;
        bool resets;
    };
    for (const auto& item : {row{"run run_script", 1, false, false}, row{"run run_script", 2, false, true},
                             row{"run run_script", -15, true, true}, row{"run halt_script", 1, false, false},
                             row{"run halt_script", -15, true, true}, row{"run halt_script", 127, false, true}}) {
        CAPTURE(item.step, item.code, item.timed_out);
        auto config = web_package();
        config.node_fail_fast = true;
        runner_lab lab(config);
        bool starts = std::string(item.step) == "run run_script";
        if (starts) {
            lab.item.start(lab.out);
            lab.go_on(lab.asked(), item.step);
        } else {
            lab.run();
            lab.item.halt(lab.out);
            lab.asked();
            lab.ends("run service:feed", -15);
            lab.go_on(lab.ends("run service:probe", -15), item.step);
        }
        auto next = lab.ends(item.step, item.code, item.timed_out);
        if (item.resets) CHECK(next.empty());  // no halt script, nothing else
        if (!item.resets) lab.go_on(next);
        auto news = lab.news();
        REQUIRE(news.size() == 1);
        CHECK((news.front() == "failing_fast") == item.resets);
        CHECK(lab.fail_fast == item.resets);
    }
}
