// The end of a generation: what its scripts left, and what the package's log tells of it.
#include "runner_lab.hpp"

using namespace mainstay;
using namespace mainstay::node;

namespace {

void halt(runner_lab& lab) {
    lab.item.halt(lab.out);
    lab.go_on(lab.asked());
}

}  // namespace

TEST_CASE("what a halt script left is ended and told before the package is down") {
    runner_lab lab;
    lab.run();
    lab.left = {"812 nginx", "813 nginx"};
    halt(lab);
    auto news = lab.item.take_news();
    REQUIRE(news.size() == 2);
    CHECK(news[0].event == "processes_left");
    CHECK(news[0].detail == "what it left behind was ended: 812 nginx, 813 nginx");
    CHECK(news[1].report == cluster::report::halted);
    CHECK(lab.item.phase() == runner_phase::over);
}

TEST_CASE("a package of which something does not end has not halted") {
    auto config = web_package();
    SECTION("it stays where it is, and is halted from the top when it is asked again") {
        runner_lab lab(config);
        lab.run();
        lab.undying = {"812 nginx"};
        halt(lab);
        CHECK(lab.news() == words{"halt_timeout"});
        CHECK(lab.details.back() == "what it left behind goes on after SIGKILL: 812 nginx");
        lab.item.halt(lab.out);
        CHECK(lab.asked() == words{"run halt_script"});
        lab.go_on({"run halt_script"});
        CHECK(lab.news() == words{"halted"});
    }
    SECTION("after exit 2, which says that it is down all the same") {
        runner_lab lab(config);
        lab.run();
        lab.undying = {"812 nginx"};
        lab.item.halt(lab.out);
        lab.go_on(lab.asked(), "run halt_script");
        lab.go_on(lab.ends("run halt_script", 2));
        CHECK(lab.news() == words{"halt_timeout"});
    }
    SECTION("after a start that failed") {
        runner_lab lab(config);
        lab.item.start(lab.out);
        lab.go_on(lab.asked(), "run run_script");
        lab.undying = {"812 nginx"};
        lab.go_on(lab.ends("run run_script", 1));
        CHECK(lab.news() == words{"halt_timeout"});
    }
    SECTION("with node_fail_fast_enabled the node is reset") {
        config.node_fail_fast = true;
        runner_lab lab(config);
        lab.run();
        lab.undying = {"812 nginx"};
        halt(lab);
        CHECK(lab.news() == words{"failing_fast"});
        CHECK(lab.fail_fast);
    }
}

TEST_CASE("a failed halt leaves what is there for whoever looks into it") {
    runner_lab lab;
    lab.run();
    lab.left = {"812 nginx"};
    lab.item.halt(lab.out);
    lab.go_on(lab.asked(), "run halt_script");
    lab.go_on(lab.ends("run halt_script", 1));
    CHECK(lab.news() == words{"halt_exit_1"});
    CHECK(lab.left == words{"812 nginx"});
}

TEST_CASE("an answer to another request is nobody's") {
    runner_lab lab;
    lab.run();
    CHECK_FALSE(lab.item.cleared({request_id{999}, {}, {}}, lab.out));
}

TEST_CASE("a plugin that fails at the start never resets the node, a script may") {
    auto config = web_package();
    config.node_fail_fast = true;
    runner_lab lab(config);
    lab.item.start(lab.out);
    lab.go_on(lab.asked(), "start nginx");
    lab.go_on(lab.answer("start nginx", call_outcome::failed, "no licence"));
    CHECK(lab.news() == words{"start_exit_2"});
    CHECK_FALSE(lab.fail_fast);

    runner_lab script(config);
    script.item.start(script.out);
    script.go_on(script.asked(), "run run_script");
    script.go_on(script.ends("run run_script", 2));
    CHECK(script.news() == words{"failing_fast"});
    CHECK(script.fail_fast);
}

TEST_CASE("a plugin call takes as long as the package's scripts may") {
    auto limit_of = [](const package_config& config, const std::string& word) {
        runner_lab lab(config);
        std::map<std::string, duration> limits;
        auto look = [&] {
            auto effects = lab.out.take();
            for (auto& effect : effects) {
                if (auto* call = std::get_if<call_plugin>(&effect))
                    limits[call->verb + call->instance.substr(call->instance.find('/'))] = call->timeout;
                std::visit([&lab](auto& kept) { lab.out.add(std::move(kept)); }, effect);
            }
            return lab.asked();
        };
        lab.item.start(lab.out);
        for (auto asked = look(); !asked.empty() && asked.back().starts_with("start");) {
            REQUIRE(lab.item.plugin_answered({lab.open.at(asked.back()), call_outcome::ok, ""}, lab.out));
            asked = look();
        }
        lab.item.halt(lab.out);
        look();
        REQUIRE(lab.item.process_exited({lab.open.at("run run_script"), -15, false, ""}, lab.now, lab.out));
        look();
        REQUIRE(lab.item.process_exited({lab.open.at("run halt_script"), 0, false, ""}, lab.now, lab.out));
        look();
        REQUIRE(limits.contains(word));
        return limits.at(word);
    };
    auto config = web_package();
    CHECK(limit_of(config, "start/nginx") == 60'000 * ms);
    CHECK(limit_of(config, "start/address 10.77.0.100") == 60'000 * ms);
    CHECK(limit_of(config, "stop/disk") == 30'000 * ms);
    config.run_script_timeout.reset();
    CHECK(limit_of(config, "start/nginx") >= 24 * 3'600'000 * ms);
    CHECK(limit_of(config, "start/address 10.77.0.100") == 120'000 * ms);
}

TEST_CASE("a service command is the shell's to run; one plain program takes the shell's place") {
    struct row {
        const char* command;
        const char* given;
    };
    for (const auto& item : {row{"/opt/d -p 80 $MAINSTAY_NODE", "exec /opt/d -p 80 $MAINSTAY_NODE"},
                             row{"cd /srv && ./d", "cd /srv && ./d"}, row{"VAR=1 /opt/d", "VAR=1 /opt/d"},
                             row{"/opt/a; /opt/b", "/opt/a; /opt/b"}, row{"/opt/d | logger", "/opt/d | logger"},
                             row{"/opt/d 'a b'", "/opt/d 'a b'"}, row{"exec /opt/d", "exec /opt/d"},
                             row{"/opt/d > /dev/null", "/opt/d > /dev/null"}}) {
        auto config = web_package();
        config.services.front().command = item.command;
        runner_lab lab(config);
        lab.run();
        CHECK(lab.processes.at("run service:probe").argv == words{"/bin/sh", "-c", item.given});
    }
}

TEST_CASE("the package's log tells of start and halt, from log_level 1 on of each step") {
    auto config = web_package();
    runner_lab quiet(config);
    quiet.run();
    halt(quiet);
    quiet.asked();
    CHECK(quiet.logged == words{"######## Node \"n1\": starting package web, generation 3 ########",
                                "######## Node \"n1\": package start completed, generation 3 ########",
                                "######## Node \"n1\": halting package web, generation 3 ########",
                                "######## Node \"n1\": package halt completed, generation 3 ########"});

    config.log_level = 1;
    runner_lab lab(config);
    lab.item.start(lab.out);
    lab.go_on(lab.asked(), "start disk");
    lab.go_on(lab.answer("start disk", call_outcome::failed, "no such group"));
    lab.asked();
    CHECK(lab.logged == words{"######## Node \"n1\": starting package web, generation 3 ########",
                              "address 10.77.0.100 start: ok", "nginx start: ok",
                              "disk start: failed, said: no such group", "disk stop: ok", "nginx stop: ok",
                              "address 10.77.0.100 stop: ok",
                              "######## Node \"n1\": package start failed: start_exit_2: no such group, generation 3 "
                              "########"});
}
