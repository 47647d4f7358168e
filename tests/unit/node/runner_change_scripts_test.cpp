// External scripts that come and go while the package runs (SG 3.11).
#include "runner_lab.hpp"

using namespace mainstay;
using namespace mainstay::node;

namespace {

package_config with(std::vector<std::string> pre, std::vector<std::string> later) {
    auto config = web_package();
    config.external_pre_scripts = std::move(pre);
    config.external_scripts = std::move(later);
    return config;
}

class scripts_lab : public runner_lab {
public:
    explicit scripts_lab(package_config config = web_package()) : runner_lab(std::move(config)) { run(); }

    words takes(const package_config& config) {
        item.take_config(config, {{"SG_PACKAGE", "web"}}, out);
        return asked();
    }
    words recorded() {
        REQUIRE(item.wants_record());
        item.record_is(++stores);
        item.stored(stores, out);
        return asked();
    }
    words scripts() const {
        words list;
        for (const auto& each : *item.own().scripts)
            list.push_back((each.pre ? "pre " : "") + each.path + (each.up ? "" : " not up"));
        return list;
    }
    std::uint64_t stores = 6;
};

}  // namespace

TEST_CASE("an added script is on record before it runs, one after the other, pre-scripts first") {
    scripts_lab lab;
    CHECK(lab.takes(with({"/p/pre"}, {"/p/a"})).empty());
    CHECK(lab.scripts() == words{"pre /p/pre not up"});
    CHECK(lab.recorded() == words{"run external_pre_script /p/pre"});
    CHECK(lab.processes["run external_pre_script /p/pre"].argv == words{"/p/pre", "start"});
    CHECK(lab.processes["run external_pre_script /p/pre"].timeout == 60'000 * ms);
    CHECK(lab.ends("run external_pre_script /p/pre", 0).empty());
    CHECK(lab.recorded() == words{"run external_script /p/a"});
    CHECK(lab.ends("run external_script /p/a", 0).empty());
    CHECK(lab.told() == "package_changed: external_pre_script /p/pre started, external_script /p/a started");
    lab.item.halt(lab.out);
    CHECK(lab.go_on(lab.asked()) == words{"kill service:probe", "kill service:feed", "run external_script /p/a stop",
                                          "run halt_script", "stop disk", "stop nginx", "stop address",
                                          "run external_pre_script /p/pre stop"});
}

TEST_CASE("what is taken out is stopped, the last first; what can't be is told and forgotten") {
    scripts_lab lab(with({"/p/pre"}, {"/p/a", "/p/b", "/p/c"}));
    CHECK(lab.takes(with({}, {"/p/b"})) == words{"run external_script /p/c stop"});
    CHECK(lab.ends("run external_script /p/c stop", 0) == words{"run external_script /p/a stop"});
    CHECK(lab.ends("run external_script /p/a stop", 1, false, "busy\n") ==
          words{"run external_pre_script /p/pre stop"});
    CHECK(lab.ends("run external_pre_script /p/pre stop", 0).empty());
    CHECK(lab.told() ==
          "script_not_stopped: external_script /p/a exit 1, said: busy"
          "package_changed: external_script /p/c stopped, external_pre_script /p/pre stopped");
    CHECK(lab.scripts() == words{"/p/b"});
}

TEST_CASE("the order of the configuration is that of the halt, whenever a script was added") {
    scripts_lab lab(with({}, {"/p/b"}));
    CHECK(lab.takes(with({}, {"/p/a", "/p/b"})).empty());
    CHECK(lab.recorded() == words{"run external_script /p/a"});
    CHECK(lab.ends("run external_script /p/a", 0).empty());
    CHECK(lab.scripts() == words{"/p/a", "/p/b"});
}

TEST_CASE("an added script that fails fails the package, and is not told to stop") {
    scripts_lab lab;
    lab.takes(with({}, {"/p/a"}));
    lab.recorded();
    bool late = GENERATE(false, true);
    auto next = lab.ends("run external_script /p/a", late ? -15 : 1, late, "no table\n");
    CHECK(lab.told() == std::string("service_failed: external_script /p/a ") +
                            (late ? "did not end in time, said: no table" : "exit 1, said: no table"));
    auto story = lab.go_on(std::move(next));
    CHECK(std::count(story.begin(), story.end(), "run external_script /p/a stop") == 0);
    CHECK(lab.item.phase() == runner_phase::over);
}

TEST_CASE("while others depend on it an added script that failed is not tried again") {
    scripts_lab lab;
    lab.item.needed_by_others(true);
    lab.takes(with({}, {"/p/a"}));
    lab.recorded();
    CHECK(lab.ends("run external_script /p/a", 1).empty());
    CHECK(lab.takes(with({}, {"/p/a"})).empty());
    CHECK_FALSE(lab.item.wants_record());
}

TEST_CASE("a halt forgets a script of which nothing has begun") {
    scripts_lab lab;
    lab.takes(with({}, {"/p/a"}));
    lab.item.halt(lab.out);
    CHECK(lab.scripts().empty());
    auto story = lab.go_on(lab.asked());
    CHECK(std::count(story.begin(), story.end(), "run external_script /p/a stop") == 0);
}

TEST_CASE("a halt breaks off a script that is being started, and has it told to stop") {
    scripts_lab lab;
    lab.takes(with({}, {"/p/a"}));
    lab.recorded();
    lab.item.halt(lab.out);
    CHECK(lab.asked() == words{"kill external_script /p/a"});
    auto story = lab.go_on(lab.ends("run external_script /p/a", -15));
    CHECK(std::count(story.begin(), story.end(), "run external_script /p/a stop") == 1);
    CHECK(lab.told() == "halted: ");
}

TEST_CASE("a daemon that died while a script was being started: the next one ends it and starts it again") {
    scripts_lab before;
    before.takes(with({}, {"/p/a"}));
    before.recorded();
    runner_lab lab(with({}, {"/p/a"}));
    lab.item.recall({}, before.item.own());
    std::vector<living_process> living{{request_id{5}, "web", "external_script /p/a"},
                                       {request_id{6}, "web", "service:probe"},
                                       {request_id{7}, "web", "service:feed"}};
    lab.item.adopt(living, runner_phase::running, lab.out);
    (void)lab.asked();
    lab.item.caught_up(lab.now, lab.out);
    CHECK(lab.asked().empty());
    CHECK(lab.item.process_exited({request_id{5}, -15, false, ""}, lab.now, lab.out));
    CHECK(lab.asked() == words{"run external_script /p/a"});
    CHECK(lab.ends("run external_script /p/a", 0).empty());
    CHECK((*lab.item.own().scripts)[0].up);
}

TEST_CASE("a record of an older version says nothing about scripts: they are those of the configuration") {
    scripts_lab before(with({}, {"/p/a"}));
    auto own = before.item.own();
    own.scripts.reset();
    runner_lab lab(with({}, {"/p/a"}));
    lab.item.recall({}, own);
    REQUIRE(lab.item.own().scripts);
    CHECK(lab.item.own().scripts->size() == 1);
}

TEST_CASE("a script that is taken out before it ran, and a halt while it is told to stop") {
    scripts_lab lab;
    CHECK(lab.takes(with({}, {"/p/a"})).empty());
    CHECK(lab.takes(with({}, {})).empty());
    CHECK(lab.recorded() == words{"run external_script /p/a stop"});
    lab.item.halt(lab.out);
    auto story = lab.ends("run external_script /p/a stop", 0);
    CHECK(lab.go_on(story).back() == "stop address");
    CHECK(lab.item.phase() == runner_phase::over);
}
