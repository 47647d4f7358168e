// A generation that takes some of its steps only (SG 7.2), and restarts that are counted anew.
#include "runner_lab.hpp"

using namespace mainstay;
using namespace mainstay::node;

namespace {

class partly_lab : public runner_lab {
public:
    explicit partly_lab(std::vector<package_step> steps, package_config config = web_package())
        : runner_lab(std::move(config)) {
        item.take_only(std::move(steps));
    }
    words halts() {
        item.halt(out);
        return go_on(asked());
    }
};

package_config with_scripts() {
    auto config = web_package();
    config.external_scripts = {"/p/a"};
    return config;
}

}  // namespace

TEST_CASE("what is left out is neither started nor halted") {
    partly_lab lab({package_step::address, package_step::resource});
    lab.item.start(lab.out);
    CHECK(lab.go_on(lab.asked()) == words{"start address", "start nginx", "start disk"});
    CHECK(lab.news() == words{"running"});
    CHECK(lab.item.own().services.empty());
    CHECK(lab.halts() == words{"stop disk", "stop nginx", "stop address"});
    CHECK(lab.news() == words{"halted"});
}

TEST_CASE("a step in the middle may be left out") {
    partly_lab lab({package_step::resource, package_step::external_script, package_step::service}, with_scripts());
    lab.item.start(lab.out);
    CHECK(lab.go_on(lab.asked()) ==
          words{"start nginx", "start disk", "run external_script /p/a", "run service:probe", "run service:feed"});
    CHECK(lab.item.own().addresses.empty());
    CHECK(lab.halts() ==
          words{"kill service:probe", "kill service:feed", "run external_script /p/a stop", "stop disk", "stop nginx"});
}

TEST_CASE("a new configuration of others begins nothing of what was left out") {
    partly_lab lab({package_step::address}, with_scripts());
    lab.run();
    lab.item.take_config(with_scripts(), {}, lab.out);
    CHECK(lab.asked().empty());
    CHECK(lab.item.own().services.empty());
}

TEST_CASE("a step that fails undoes what had begun") {
    partly_lab lab({package_step::address, package_step::resource});
    lab.item.start(lab.out);
    CHECK(lab.asked() == words{"start address"});
    CHECK(lab.answer("start address", call_outcome::ok) == words{"start nginx"});
    CHECK(lab.go_on(lab.answer("start nginx", call_outcome::failed)) == words{"stop nginx", "stop address"});
    CHECK(lab.news() == words{"start_exit_2"});
}

TEST_CASE("after a daemon restart the same steps are all there is") {
    partly_lab before({package_step::address, package_step::resource});
    before.run();
    partly_lab lab(before.item.taken_only());
    lab.item.recall({}, before.item.own());
    lab.item.adopt({}, runner_phase::running, lab.out);
    CHECK(lab.item.phase() == runner_phase::running);
    CHECK(lab.news().empty());
    CHECK(lab.halts() == words{"stop disk", "stop nginx", "stop address"});
}

TEST_CASE("restarts that are counted anew begin at one") {
    auto config = web_package();
    config.services[0].restart_max = 1;
    runner_lab lab(config);
    lab.run();
    CHECK(lab.ends("run service:probe", 1) == words{"run service:probe"});
    CHECK(lab.news() == words{"again probe 1"});
    SECTION("of that service") { lab.item.reset_restarts("probe"); }
    SECTION("of all") { lab.item.reset_restarts(""); }
    CHECK(lab.ends("run service:probe", 1) == words{"run service:probe"});
    CHECK(lab.news() == words{"again probe 1"});
    lab.item.reset_restarts("feed");
    lab.ends("run service:probe", 1);
    CHECK(lab.news() == words{"service_failed"});
}

TEST_CASE("after a daemon restart a service goes on with the restarts that the cluster has counted") {
    auto config = web_package();
    config.services[0].restart_max = 2;
    config.services[1].restart_max = 2;
    config.services[1].restart_heal = 60'000 * ms;
    runner_lab lab(config);
    lab.item.restarts_counted({{"probe", 1}, {"feed", 2}});
    lab.item.adopt({{request_id{7}, "web", "service:probe"}, {request_id{8}, "web", "service:feed"}},
                   runner_phase::running, lab.out);
    lab.item.caught_up(lab.now, lab.out);
    CHECK(lab.item.process_exited({request_id{7}, 1, false, ""}, lab.now, lab.out));
    CHECK(lab.item.process_exited({request_id{8}, 1, false, ""}, lab.now, lab.out));
    CHECK(lab.news() == words{"again probe 2", "again feed 1"});
}
