// Volume groups and file systems that are added while the package runs (SG 3.11).
#include "runner_lab.hpp"

using namespace mainstay;
using namespace mainstay::node;

namespace {

using names = std::vector<const char*>;

package_config with(const names& groups, const names& directories) {
    auto config = web_package();
    for (const auto* name : groups) config.volume_groups.push_back({.name = name});
    for (const auto* name : directories)
        config.filesystems.push_back({.name = std::string("/dev") + name, .directory = name, .type = "ext4"});
    return config;
}

class storage_lab : public runner_lab {
public:
    explicit storage_lab(package_config config = with({}, {"/a"})) : runner_lab(std::move(config)) {
        full_names = true;
        run();
    }

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
    words answers(call_outcome outcome = call_outcome::ok, const std::string& text = "") {
        REQUIRE(item.plugin_answered({latest, outcome, text}, out));
        return asked();
    }
    words waits_for_retry() {
        item.tick(now, out);
        now = item.deadline();
        item.tick(now, out);
        return asked();
    }
    words storage() const {
        words list;
        for (const auto& each : *item.own().stored)
            list.push_back((each.group ? "vg " : "") + each.name + (each.up ? "" : " not up"));
        return list;
    }
    // What plugins are called for when it halts, everything succeeding.
    words halts() {
        item.halt(out);
        words list;
        for (auto next = asked(); !next.empty();) {
            words more;
            for (const auto& word : next) {
                bool calls = word.starts_with("stop ");
                if (calls) list.push_back(word);
                auto name = word.starts_with("kill ") ? "run " + word.substr(5) : word;
                if (calls ? item.plugin_answered({latest, call_outcome::ok, ""}, out)
                          : item.process_exited({open.at(name), 0, false, ""}, now, out)) {
                    auto then = asked();
                    more.insert(more.end(), then.begin(), then.end());
                }
            }
            next = std::move(more);
        }
        return list;
    }
    std::uint64_t stores = 6;
};

}  // namespace

TEST_CASE("groups before file systems, each on record before it is called for, in the order of the file") {
    storage_lab lab;
    CHECK(lab.takes(with({"vg01"}, {"/b", "/a", "/a/c"})).empty());
    CHECK(lab.storage() == words{"vg vg01 not up", "/b not up", "/a", "/a/c not up"});
    CHECK(lab.recorded() == words{"start vg vg01"});
    CHECK(lab.limit == 60'000 * ms);
    CHECK(lab.answers() == words{"start filesystem /b"});
    CHECK(lab.answers() == words{"start filesystem /a/c"});
    CHECK(lab.told().empty());
    CHECK(lab.answers().empty());
    CHECK(lab.storage() == words{"vg vg01", "/b", "/a", "/a/c"});
    CHECK(lab.told() == "package_changed: vg vg01 activated, filesystem /b mounted, filesystem /a/c mounted");
    CHECK_FALSE(lab.item.is_changing());
    CHECK(lab.halts() == words{"stop disk", "stop nginx", "stop address 10.77.0.100", "stop filesystem /a/c",
                               "stop filesystem /a", "stop filesystem /b", "stop vg vg01"});
    CHECK(lab.told() == "halted: ");
}

TEST_CASE("what is added with it comes after it, and what ends ends when it is there") {
    storage_lab lab;
    auto config = with({}, {"/a", "/b"});
    config.addresses.push_back({"10.77.0.101", "10.77.0.0/24", {}});
    config.external_scripts = {"/p/x"};
    config.services[0].command = "/b/probe";
    CHECK(lab.takes(config).empty());
    CHECK(lab.recorded() == words{"start filesystem /b"});
    CHECK(lab.answers().empty());
    CHECK(lab.recorded() == words{"kill service:probe"});
    CHECK(lab.item.process_exited({lab.open.at("run service:probe"), -15, false, ""}, lab.now, lab.out));
    CHECK(lab.recorded() == words{"prepare address 10.77.0.101"});
    CHECK(lab.answers() == words{"start address 10.77.0.101"});
    CHECK(lab.answers().empty());
    CHECK(lab.recorded() == words{"run external_script /p/x"});
    CHECK(lab.item.process_exited({lab.open.at("run external_script /p/x"), 0, false, ""}, lab.now, lab.out));
    CHECK(lab.asked() == words{"run service:probe"});
    CHECK(lab.told().starts_with("package_changed: filesystem /b mounted, service probe halted, address"));
}

TEST_CASE("with a pre-script that comes, it comes after that") {
    storage_lab lab;
    auto config = with({}, {"/a", "/b"});
    config.external_pre_scripts = {"/p/pre"};
    CHECK(lab.takes(config).empty());
    CHECK(lab.storage() == words{"/a"});
    CHECK(lab.recorded() == words{"run external_pre_script /p/pre"});
    CHECK(lab.item.process_exited({lab.open.at("run external_pre_script /p/pre"), 0, false, ""}, lab.now, lab.out));
    CHECK(lab.recorded() == words{"start filesystem /b"});
}

TEST_CASE("one that can't be added leaves the package as it is, is told once and tried again") {
    storage_lab lab;
    auto config = with({}, {"/a", "/b", "/c"});
    config.services[0].command = "/b/probe";
    lab.takes(config);
    CHECK(lab.recorded() == words{"start filesystem /b"});
    CHECK(lab.answers(call_outcome::failed, "no such device").empty());
    CHECK(lab.told() == "storage_not_added: filesystem /b: no such device");
    CHECK(lab.item.phase() == runner_phase::running);
    auto before = lab.now;
    CHECK(lab.waits_for_retry() == words{"start filesystem /b"});
    CHECK(lab.now - before == 10'000 * ms);
    CHECK(lab.answers(call_outcome::unknown).empty());
    CHECK(lab.told().empty());
    CHECK(lab.waits_for_retry() == words{"start filesystem /b"});
    CHECK(lab.answers() == words{"start filesystem /c"});
    CHECK(lab.answers().empty());
    CHECK(lab.recorded() == words{"kill service:probe"});
}

TEST_CASE("what can't be added is halted with the package all the same") {
    storage_lab lab;
    lab.takes(with({}, {"/a", "/b"}));
    lab.recorded();
    lab.answers(call_outcome::unknown);
    CHECK(lab.halts() ==
          words{"stop disk", "stop nginx", "stop address 10.77.0.100", "stop filesystem /b", "stop filesystem /a"});
}

TEST_CASE("a halt in the middle waits for the call, and halts what it has begun") {
    storage_lab lab;
    lab.takes(with({}, {"/a", "/b", "/c"}));
    lab.recorded();
    lab.item.halt(lab.out);
    CHECK(lab.asked().empty());
    bool mounted = GENERATE(true, false);
    CHECK(lab.answers(mounted ? call_outcome::ok : call_outcome::failed) ==
          words{"kill service:probe", "kill service:feed"});
    CHECK(lab.told().empty());
    CHECK(lab.go_on({"kill service:probe", "kill service:feed"}) ==
          words{"kill service:probe", "kill service:feed", "run halt_script", "stop disk", "stop nginx",
                "stop address 10.77.0.100", "stop filesystem /c", "stop filesystem /b", "stop filesystem /a"});
}

TEST_CASE("a package that has failed and waits for others gets nothing more") {
    storage_lab lab;
    lab.item.needed_by_others(true);
    auto config = with({}, {"/a"});
    config.external_scripts = {"/p/bad"};
    lab.takes(config);
    lab.recorded();
    CHECK(lab.item.process_exited({lab.open.at("run external_script /p/bad"), 1, false, ""}, lab.now, lab.out));
    config.filesystems = with({}, {"/a", "/b"}).filesystems;
    CHECK(lab.takes(config).empty());
    CHECK_FALSE(lab.item.wants_record());
}

TEST_CASE("a daemon that died in the middle: the next one goes on with what is on record") {
    storage_lab before;
    before.takes(with({"vg01"}, {"/a", "/b"}));
    before.recorded();
    before.answers();
    // Its configuration may be older than the record: what is wanted comes with the log.
    auto behind = GENERATE(true, false);
    runner_lab lab(behind ? with({}, {"/a"}) : with({"vg01"}, {"/a", "/b"}));
    lab.item.recall({}, before.item.own());
    std::vector<living_process> living{{request_id{6}, "web", "service:probe"}, {request_id{7}, "web", "service:feed"}};
    lab.item.adopt(living, runner_phase::running, lab.out);
    lab.item.take_config(with({"vg01"}, {"/a", "/b"}), {}, lab.out);
    CHECK(lab.asked().empty());
    lab.item.caught_up(lab.now, lab.out);
    CHECK(lab.asked() == words{"start filesystem"});
    CHECK(lab.answer("start filesystem", call_outcome::ok, "/dev/b was mounted already").empty());
    CHECK(lab.item.config().filesystems.back().name == "/dev/b");
    lab.item.halt(lab.out);
    lab.processes["run service:probe"].request = lab.open["run service:probe"] = request_id{6};
    lab.processes["run service:feed"].request = lab.open["run service:feed"] = request_id{7};
    auto story = lab.go_on(lab.asked());
    CHECK(std::count(story.begin(), story.end(), "stop filesystem") == 2);
    CHECK(story.back() == "stop vg");
}

TEST_CASE("a record of an older version says nothing about storage: it is that of the configuration") {
    storage_lab before;
    auto own = before.item.own();
    own.stored.reset();
    runner_lab lab(with({}, {"/a"}));
    lab.item.recall({}, own);
    REQUIRE(lab.item.own().stored);
    CHECK(lab.item.own().stored->size() == 1);
}

TEST_CASE("what is not mounted yet is not missed") {
    storage_lab lab;
    lab.takes(with({}, {"/a", "/b"}));
    lab.recorded();
    lab.answers(call_outcome::failed, "busy");
    lab.item.tick(lab.now, lab.out);
    CHECK(lab.asked().empty());
    lab.now = lab.now + 30'000 * ms;
    lab.item.tick(lab.now, lab.out);
    auto asked = lab.asked();
    CHECK(std::count(asked.begin(), asked.end(), "status filesystem /a") == 1);
    CHECK(std::count(asked.begin(), asked.end(), "status filesystem /b") == 0);
}

TEST_CASE("the byte form holds storage on its way") {
    storage_lab lab;
    auto config = with({}, {"/a", "/b"});
    lab.takes(config);
    lab.recorded();
    auto back = decode<runner>(encode(lab.item));
    REQUIRE(back);
    back->set_config(config);
    CHECK(encode(*back) == encode(lab.item));
    CHECK(back->own() == lab.item.own());
    REQUIRE(back->plugin_answered({lab.latest, call_outcome::ok, ""}, lab.out));
    CHECK(back->own().stored->back().up);
}

TEST_CASE("started partly: what it was started without does not come") {
    auto config = with({}, {"/a"});
    runner_lab lab(config);
    lab.item.take_only({package_step::address, package_step::service});
    lab.run();
    lab.item.take_config(with({"vg01"}, {"/a", "/b"}), {}, lab.out);
    CHECK(lab.asked().empty());
    CHECK_FALSE(lab.item.wants_record());
    CHECK(lab.item.own().stored->empty());
}
