// Services and addresses that come and go while the package runs (SG 3.11).
#include "runner_lab.hpp"

using namespace mainstay;
using namespace mainstay::node;

namespace {

class change_lab : public runner_lab {
public:
    explicit change_lab(package_config config = web_package()) : runner_lab(std::move(config)) {}

    words takes(const package_config& config) {
        item.take_config(config, {{"SG_PACKAGE", "web"}, {"PEV_NEW", "1"}}, out);
        return asked();
    }
    // The node has made the store that was wanted, and it is durable.
    words recorded() {
        REQUIRE(item.wants_record());
        item.record_is(7);
        item.stored(6, out);
        REQUIRE(asked().empty());
        item.stored(7, out);
        return asked();
    }
    words addresses() const {
        words list;
        for (const auto& each : item.own().addresses) list.push_back(each.address + (each.up ? "" : " not up"));
        return list;
    }
    words services() const {
        words list;
        for (const auto& each : item.own().services) list.push_back(each.name + " " + each.command);
        return list;
    }
};

package_config with_address(const char* address = "10.77.0.101") {
    auto config = web_package();
    config.addresses.push_back({address, "10.77.0.0/24", {}});
    return config;
}

package_config with_command(const char* command) {
    auto config = web_package();
    config.services[0].command = command;
    return config;
}

}  // namespace

TEST_CASE("another command is another service: the old one is halted in its time, then the new one is started") {
    change_lab lab;
    lab.run();
    CHECK(lab.takes(with_command("/bin/other")).empty());
    CHECK(lab.recorded() == words{"kill service:probe"});
    CHECK(lab.graces[lab.open["run service:probe"]] == 2'000 * ms);
    CHECK(lab.told().empty());
    CHECK(lab.ends("run service:probe", 1) == words{"run service:probe"});
    CHECK(lab.processes["run service:probe"].argv.back() == "exec /bin/other");
    CHECK(lab.item.phase() == runner_phase::running);
    CHECK(lab.told() == "package_changed: service probe halted, service probe started");
    CHECK(lab.services() == words{"feed /bin/feed", "probe /bin/other"});
}

TEST_CASE("a service that is taken out is no failure, one that is added fails like any other") {
    change_lab lab;
    lab.run();
    auto config = web_package();
    config.services.erase(config.services.begin());
    config.services.push_back({.name = "late", .command = "/bin/late"});
    CHECK(lab.takes(config).empty());
    CHECK(lab.recorded() == words{"kill service:probe"});
    CHECK(lab.ends("run service:probe", -9) == words{"run service:late"});
    CHECK(lab.told() == "package_changed: service probe halted, service late started");
    CHECK(lab.ends("run service:late", 127) == words{"kill service:feed"});
    CHECK(lab.news() == words{"service_failed"});
    CHECK(lab.details.back().starts_with("service late"));
}

TEST_CASE("a service that waits for its restart is just forgotten") {
    auto config = web_package();
    config.services[0].restart_max = std::nullopt;
    change_lab lab(config);
    lab.run();
    for (int i = 0; i < 2; ++i) lab.ends("run service:probe", 1);
    CHECK(lab.asked().empty());
    config.services.erase(config.services.begin());
    CHECK(lab.takes(config).empty());
    CHECK(lab.services() == words{"feed /bin/feed"});
    lab.now = lab.now + 60'000 * ms;
    lab.item.tick(lab.now, lab.out);
    for (const auto& word : lab.asked()) CHECK_FALSE(word.starts_with("run "));
}

TEST_CASE("an address is on record before it is asked for, and asked for before it is added") {
    change_lab lab;
    lab.run();
    CHECK(lab.takes(with_address()).empty());
    CHECK(lab.addresses() == words{"10.77.0.100", "10.77.0.101 not up"});
    CHECK(lab.recorded() == words{"prepare address"});
    CHECK(lab.answer("prepare address", call_outcome::unknown) == words{"start address"});
    CHECK(lab.answer("start address", call_outcome::ok).empty());
    CHECK(lab.addresses() == words{"10.77.0.100", "10.77.0.101"});
    CHECK(lab.told() == "package_changed: address 10.77.0.101 added");
    // It ends with the package.
    lab.item.halt(lab.out);
    auto story = lab.go_on(lab.asked());
    CHECK(std::count(story.begin(), story.end(), "stop address") == 2);
}

TEST_CASE("an address that can't be added fails the package, and is taken away with it") {
    bool in_use = GENERATE(true, false);
    change_lab lab;
    lab.run();
    lab.takes(with_address());
    lab.recorded();
    if (in_use) {
        CHECK(lab.answer("prepare address", call_outcome::failed, "in use") ==
              words{"kill service:probe", "kill service:feed"});
    } else {
        lab.answer("prepare address", call_outcome::ok);
        CHECK(lab.answer("start address", call_outcome::unknown, "in use") ==
              words{"kill service:probe", "kill service:feed"});
    }
    CHECK(lab.news() == words{"service_failed"});
    CHECK(lab.details.back() == "address 10.77.0.101: in use");
    auto story = lab.go_on({"kill service:probe", "kill service:feed"});
    CHECK(std::count(story.begin(), story.end(), "stop address") == 2);
    CHECK(lab.news() == words{"halted"});
}

TEST_CASE("an address that is taken out is removed, and tried again when that fails") {
    change_lab lab(with_address());
    lab.run();
    CHECK(lab.takes(web_package()) == words{"stop address"});
    CHECK(lab.answer("stop address", call_outcome::unknown, "no answer").empty());
    CHECK(lab.told() == "address_not_removed: 10.77.0.101: no answer");
    CHECK(lab.item.phase() == runner_phase::running);
    lab.item.tick(lab.now, lab.out);
    CHECK(lab.asked().empty());
    lab.now = lab.item.deadline();
    lab.item.tick(lab.now, lab.out);
    CHECK(lab.asked() == words{"stop address"});
    CHECK(lab.answer("stop address", call_outcome::failed).empty());
    CHECK(lab.told().empty());  // once
    CHECK(lab.addresses() == words{"10.77.0.100", "10.77.0.101"});
    lab.item.tick(lab.now, lab.out);
    lab.now = lab.now + 10'000 * ms;
    lab.item.tick(lab.now, lab.out);
    CHECK(lab.asked() == words{"stop address"});
    lab.answer("stop address", call_outcome::ok);
    CHECK(lab.addresses() == words{"10.77.0.100"});
    CHECK(lab.told() == "package_changed: address 10.77.0.101 removed");
}

TEST_CASE("a halt in the middle waits for the call and halts whatever has begun") {
    change_lab lab(with_address());
    lab.run();
    auto config = with_address("10.77.0.102");
    CHECK(lab.takes(config) == words{"stop address"});
    lab.item.halt(lab.out);
    CHECK(lab.asked().empty());
    auto story = lab.go_on({"stop address"});
    CHECK(story == words{"stop address", "kill service:probe", "kill service:feed", "run halt_script", "stop disk",
                         "stop nginx", "stop address"});
    CHECK(lab.news() == words{"halted"});
}

TEST_CASE("a halt while an old service ends waits for it") {
    change_lab lab;
    lab.run();
    CHECK(lab.takes(with_command("/bin/other")).empty());
    CHECK(lab.recorded() == words{"kill service:probe"});
    lab.item.halt(lab.out);
    CHECK(lab.asked() == words{"kill service:feed"});
    CHECK(lab.ends("run service:feed", -15).empty());
    CHECK(lab.ends("run service:probe", -15) == words{"run halt_script"});
}

TEST_CASE("what is changed back in the middle is begun again") {
    change_lab lab(with_address());
    lab.run();
    CHECK(lab.takes(web_package()) == words{"stop address"});
    CHECK(lab.takes(with_address()).empty());
    CHECK(lab.answer("stop address", call_outcome::ok).empty());
    CHECK(lab.recorded() == words{"prepare address"});
    lab.answer("prepare address", call_outcome::ok);
    lab.answer("start address", call_outcome::ok);
    CHECK(lab.addresses() == words{"10.77.0.100", "10.77.0.101"});
}

TEST_CASE("a configuration that comes while it halts changes nothing of what is halted") {
    change_lab lab(with_address());
    lab.run();
    lab.item.halt(lab.out);
    auto first = lab.asked();
    CHECK(lab.takes(web_package()).empty());
    auto story = lab.go_on(first);
    CHECK(std::count(story.begin(), story.end(), "stop address") == 2);
}

TEST_CASE("after a daemon restart exactly what is wanted is there") {
    // The record of the former daemon, and the configuration that it died in the middle of.
    own_parts own;
    own.services = {{"probe", "/bin/probe", 5'000 * ms, false}, {"old", "/bin/old", 3'000 * ms, false}};
    own.addresses = {{"10.77.0.100", "10.77.0.0/24", true},
                     {"10.77.0.103", "10.77.0.0/24", true},
                     {"10.77.0.101", "10.77.0.0/24", false}};
    auto config = with_address();
    config.services[0].command = "/bin/other";
    change_lab lab(config);
    lab.item.recall({}, own);
    lab.processes["run service:probe"].request = request_id{11};
    lab.processes["run service:old"].request = request_id{12};
    lab.processes["run service:feed"].request = request_id{13};
    lab.open = {{"run service:probe", request_id{11}},
                {"run service:old", request_id{12}},
                {"run service:feed", request_id{13}}};
    lab.item.adopt({{request_id{11}, "web", "service:probe"},
                    {request_id{12}, "web", "service:old"},
                    {request_id{13}, "web", "service:feed"}},
                   runner_phase::running, lab.out);
    // Of feed nothing is on record: nobody knows with which command it was begun.
    CHECK(lab.asked() == words{"kill service:feed"});
    CHECK(lab.graces[request_id{13}] == 2'000 * ms);
    CHECK(lab.ends("run service:feed", -15).empty());
    lab.item.caught_up(lab.now, lab.out);
    CHECK(lab.asked().empty());
    CHECK(lab.recorded() == words{"kill service:probe", "kill service:old"});
    CHECK(lab.graces[request_id{11}] == 5'000 * ms);
    CHECK(lab.graces[request_id{12}] == 3'000 * ms);
    CHECK(lab.ends("run service:probe", -15).empty());
    CHECK(lab.ends("run service:old", -15) == words{"stop address"});
    CHECK(lab.answer("stop address", call_outcome::ok) == words{"prepare address"});
    CHECK(lab.answer("prepare address", call_outcome::ok) == words{"start address"});
    CHECK(lab.answer("start address", call_outcome::ok) == words{"run service:probe", "run service:feed"});
    CHECK(lab.addresses() == words{"10.77.0.100", "10.77.0.101"});
    CHECK(lab.services() == words{"probe /bin/other", "feed /bin/feed"});
    CHECK(lab.item.phase() == runner_phase::running);
}

TEST_CASE("after a daemon restart with an older configuration nothing is begun or judged by it") {
    own_parts own;
    own.services = {{"probe", "/bin/probe", 2'000 * ms, true}, {"new", "/bin/new", 2'000 * ms, false}};
    own.addresses = {{"10.77.0.101", "10.77.0.0/24", true}};
    change_lab lab;
    lab.item.recall({}, own);
    lab.item.adopt({}, runner_phase::running, lab.out);
    CHECK(lab.asked().empty());
    auto config = with_address();
    config.addresses.erase(config.addresses.begin());
    config.services = {{.name = "new", .command = "/bin/new", .restart_max = 1}};
    CHECK(lab.takes(config).empty());
    CHECK(lab.told().empty());
    lab.item.caught_up(lab.now, lab.out);
    // The one that was being halted is gone for good, the other one has ended while the daemon was down.
    CHECK(lab.asked() == words{"run service:new"});
    CHECK(lab.news() == words{"again new 1", "again  0"});
    CHECK(lab.services() == words{"new /bin/new"});
    CHECK(lab.item.phase() == runner_phase::running);
}

TEST_CASE("after a daemon restart in a halt what had begun is halted") {
    own_parts own;
    own.addresses = {{"10.77.0.103", "10.77.0.0/24", true}};
    change_lab lab;
    lab.item.recall({}, own);
    lab.item.adopt({}, runner_phase::halting, lab.out);
    auto effects = lab.out.take();
    std::vector<call_plugin> stops;
    REQUIRE(effects.size() == 1);
    REQUIRE(std::holds_alternative<run_process>(effects[0]));
    REQUIRE(lab.item.process_exited({std::get<run_process>(effects[0]).request, 0, false, ""}, lab.now, lab.out));
    for (int i = 0; i < 3; ++i) {
        effects = lab.out.take();
        REQUIRE(effects.size() == 1);
        stops.push_back(std::get<call_plugin>(effects[0]));
        lab.item.plugin_answered({stops.back().request, call_outcome::ok, ""}, lab.out);
    }
    // The configuration has forgotten it: the call says what it is.
    CHECK(stops.back().instance == "web/address 10.77.0.103");
    auto has = [&](const char* name, const char* value) {
        return std::count(stops.back().arguments.begin(), stops.back().arguments.end(),
                          std::pair<std::string, std::string>{name, value}) == 1;
    };
    CHECK(has("address", "10.77.0.103"));
    CHECK(has("subnet", "10.77.0.0/24"));
    CHECK(lab.news() == words{"halted"});
}

TEST_CASE("the byte form holds a change under way") {
    change_lab lab(with_address());
    lab.run();
    CHECK(lab.takes(web_package()) == words{"stop address"});
    auto back = decode<runner>(encode(lab.item));
    REQUIRE(back);
    back->set_config(web_package());
    CHECK(encode(*back) == encode(lab.item));
    CHECK(back->own() == lab.item.own());
    REQUIRE(back->plugin_answered({lab.open.at("stop address"), call_outcome::ok, ""}, lab.out));
    CHECK(back->own().addresses.size() == 1);
}
