// What a package relies on and lacks, and maintenance, as its runner sees them (SG 3.7, 4.9, 7.2).
#include "runner_lab.hpp"

using namespace mainstay;
using namespace mainstay::node;
using cluster::report;

namespace {

constexpr cluster::report during = report::during_resource_down;

package_config waiting_package() {
    auto web = web_package();
    generic_resource_config item;
    item.name = "load";
    web.generic_resources.push_back(item);
    return web;
}

struct conditions_lab : runner_lab {
    using runner_lab::runner_lab;
    words lacks(report what, const std::string& text = "it is down") {
        item.lacks({{what, text}}, now, out);
        return asked();
    }
    words lacks_nothing() {
        item.lacks({}, now, out);
        return asked();
    }
    void start() {
        item.start(out);
        go_on(asked());
    }
};

}  // namespace

TEST_CASE("the start waits, as its last step, until the resource is up") {
    conditions_lab lab(waiting_package());
    lab.start();
    CHECK(lab.item.phase() == runner_phase::starting);
    CHECK(lab.open.contains("run service:feed"));
    CHECK(lab.lacks(during).empty());
    CHECK(lab.news().empty());
    CHECK(lab.lacks_nothing().empty());
    CHECK(lab.news() == words{"running"});
    CHECK(lab.item.phase() == runner_phase::running);
}

TEST_CASE("it waits for run_script_timeout at most, then the start is undone") {
    conditions_lab lab(waiting_package());
    lab.start();
    CHECK(lab.item.deadline() == never);
    lab.lacks(during);
    CHECK(lab.item.deadline() == lab.now + 60'000 * ms);
    lab.now += 59'999 * ms;
    CHECK(lab.lacks(during).empty());
    lab.now += 1 * ms;
    auto story = lab.go_on(lab.lacks(during, "load is down"));
    CHECK(story == words{"kill service:probe", "kill service:feed", "run halt_script", "stop disk", "stop nginx",
                         "stop address"});
    CHECK(lab.news() == words{"start_timeout"});
    CHECK(lab.details.back() == "load is down");
}

TEST_CASE("without run_script_timeout it waits") {
    auto web = waiting_package();
    web.run_script_timeout.reset();
    conditions_lab lab(web);
    lab.start();
    lab.lacks(during);
    CHECK(lab.item.deadline() == never);
}

TEST_CASE("asked to halt while it waits") {
    conditions_lab lab(waiting_package());
    lab.start();
    lab.item.halt(lab.out);
    lab.go_on(lab.asked());
    CHECK(lab.news() == words{"halted"});
    lab.lacks_nothing();
    CHECK(lab.item.phase() == runner_phase::over);
}

TEST_CASE("what is lost while it runs halts it, once") {
    for (auto what : {report::subnet_down, report::before_resource_down, report::during_resource_down}) {
        conditions_lab lab;
        lab.run();
        CHECK(lab.lacks_nothing().empty());
        auto story = lab.lacks(what);
        CHECK(story == words{"kill service:probe", "kill service:feed"});
        CHECK(lab.lacks(what).empty());
        CHECK(lab.news() == words{to_string(what)});
        lab.go_on(story);
        CHECK(lab.news() == words{"halted"});
    }
}

TEST_CASE("others need it: it waits for the word to halt") {
    conditions_lab lab;
    lab.run();
    lab.item.needed_by_others(true);
    CHECK(lab.lacks(report::subnet_down).empty());
    CHECK(lab.news() == words{"subnet_down"});
    CHECK(lab.lacks(report::subnet_down).empty());
    CHECK(lab.news().empty());
    lab.item.halt(lab.out);
    lab.go_on(lab.asked());
    CHECK(lab.news() == words{"halted"});
}

TEST_CASE("node_fail_fast_enabled: the node is reset, nothing is halted") {
    auto web = web_package();
    web.node_fail_fast = true;
    conditions_lab lab(web);
    lab.run();
    CHECK(lab.lacks(report::subnet_down).empty());
    CHECK(lab.news() == words{"failing_fast"});
    CHECK(lab.fail_fast);
}

TEST_CASE("in maintenance nothing that is lost or ends is a failure") {
    auto web = waiting_package();
    web.node_fail_fast = true;
    web.services.front().fail_fast = true;
    conditions_lab lab(web);
    lab.start();
    lab.lacks_nothing();
    lab.news();
    lab.item.maintained(true);
    CHECK(lab.lacks(report::subnet_down).empty());
    CHECK(lab.ends("run service:probe", 1).empty());
    auto told = lab.item.take_news();
    REQUIRE(told.size() == 1);
    CHECK(told.front().ignored);
    CHECK(told.front().service == "probe");
    CHECK(told.front().detail == "exit 1");
    CHECK_FALSE(told.front().fail_fast);
    CHECK(lab.item.phase() == runner_phase::running);
    // Halted by command: only what is there ends, scripts have all the time they want.
    lab.item.halt(lab.out);
    CHECK(lab.asked() == words{"kill service:feed"});
    CHECK(lab.ends("run service:feed", -15) == words{"run halt_script"});
    CHECK_FALSE(lab.processes.at("run halt_script").timeout);
}

TEST_CASE("in maintenance a start waits for no resource; a script that fails has failed") {
    auto web = waiting_package();
    web.node_fail_fast = true;
    conditions_lab lab(web);
    lab.item.maintained(true);
    lab.start();
    lab.lacks(during);
    CHECK(lab.news() == words{"running"});
    conditions_lab again(web);
    again.item.maintained(true);
    again.item.start(again.out);
    again.go_on(again.asked(), "run run_script");
    CHECK_FALSE(again.processes.at("run run_script").timeout);
    again.go_on(again.ends("run run_script", 2));
    CHECK(again.news() == words{"start_exit_2"});
    CHECK_FALSE(again.fail_fast);
}

TEST_CASE("a service that waits to be restarted is not, once maintenance has begun") {
    auto web = web_package();
    web.services.front().restart_max.reset();
    conditions_lab lab(web);
    lab.run();
    lab.ends("run service:probe", 1);
    lab.ends("run service:probe", 1);  // died young: later
    lab.news();
    lab.item.maintained(true);
    lab.now = lab.item.deadline();
    REQUIRE(lab.now != never);
    lab.item.tick(lab.now, lab.out);
    CHECK(lab.asked().empty());
    auto told = lab.item.take_news();
    REQUIRE(told.size() == 1);
    CHECK(told.front().ignored);
}

TEST_CASE("what is watched since a moment ago and has not been spoken of fails nothing that runs") {
    conditions_lab lab;
    lab.run();
    lab.item.lacks({{report::subnet_down, "subnet 10.0.0.0/24 is unknown on n1", true}}, lab.now, lab.out);
    CHECK(lab.asked().empty());
    CHECK(lab.news().empty());
    CHECK_FALSE(lab.lacks(report::subnet_down).empty());
}

TEST_CASE("a changed configuration is taken while it runs when its steps stay the same") {
    conditions_lab lab(waiting_package());
    lab.start();
    lab.lacks_nothing();
    REQUIRE(lab.item.phase() == runner_phase::running);
    auto changed = waiting_package();
    changed.halt_script = "/other";
    lab.item.take_config(changed, {}, lab.out);
    CHECK(lab.item.config().halt_script == "/halt");
    changed = web_package();  // without the resource it waited for, its last step
    changed.services[0].halt_timeout = 9'000 * ms;
    lab.item.take_config(changed, {}, lab.out);
    CHECK(lab.item.config().generic_resources.empty());
    lab.item.halt(lab.out);
    auto story = lab.go_on(lab.asked());
    CHECK(story == words{"kill service:probe", "kill service:feed", "run halt_script", "stop disk", "stop nginx",
                         "stop address"});
    CHECK(lab.graces[lab.open["run service:probe"]] == 9'000 * ms);
}
