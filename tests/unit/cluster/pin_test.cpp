// Pins: who may be pinned where, what a pin refuses, how it ends.
#include "cluster/change_effects.hpp"
#include "cluster/newer_keywords.hpp"
#include "cluster/plan_id.hpp"
#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::report;

namespace {

struct pin_lab : cluster_lab {
    explicit pin_lab(std::string text = configuration_text()) : cluster_lab(std::move(text)) {
        for (node_id node : {n1, n2, n3}) boot(node, {1, 2}, cluster::pins_level);
        REQUIRE(say(cluster::feature_level{cluster::pins_level}).accepted);
    }
    cluster::applied pin(const std::string& package, const std::string& node, std::string reason = "licence",
                         std::optional<wall_time> until = {}) {
        return say(cluster::package_pin{package, node, std::move(reason), until}, "alice@n2");
    }
    cluster::applied unpin(const std::string& package, std::optional<wall_time> until = {}) {
        return say(cluster::package_pin{package, "", "", until}, "bob@n1");
    }
    cluster::applied configure(const std::string& text) { return say(cluster::configure{text, {}}); }
    [[nodiscard]] bool pinned(const std::string& package) const { return state.find_pin(package) != nullptr; }
};

std::string refusal(const cluster::applied& outcome) {
    CHECK_FALSE(outcome.accepted);
    return outcome.refusal;
}

bool has(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

std::string without(std::string text, const std::string& part) {
    auto at = text.find(part);
    REQUIRE(at != std::string::npos);
    return text.erase(at, part.size());
}

}  // namespace

TEST_CASE("a pin has a node, an owner, a reason and perhaps an end") {
    pin_lab lab;
    REQUIRE(lab.pin("web", "n2", "licence", wall_time{5'000'000'000}).accepted);
    const auto& held = lab.state.pins.at("web");
    CHECK(held.node == n2);
    CHECK(held.by.actor == "alice@n2");
    CHECK(held.by.reason == "licence");
    CHECK(held.until == wall_time{5'000'000'000});
    CHECK(lab.last_outcome.packages == std::vector<std::string>{"web"});
    auto again = cluster::decode_state(encode(lab.state));
    REQUIRE(again);
    CHECK(encode(*again) == encode(lab.state));
    CHECK(again->pins.at("web").node == n2);
}

TEST_CASE("what can't be pinned") {
    pin_lab lab(configuration_text("", "package_name many\n  package_type multi_node\n  run_script /bin/true\n"));
    CHECK(has(refusal(lab.pin("mail", "n1")), "no package mail"));
    CHECK(has(refusal(lab.pin("web", "n9")), "no node n9"));
    CHECK(has(refusal(lab.pin("web", "n3")), "n3 is not in the node list of package web"));
    CHECK(has(refusal(lab.pin("many", "n1")), "pins are for failover packages"));
    CHECK(has(refusal(lab.pin("many@n1", "n1")), "no package"));
    CHECK(has(refusal(lab.pin("web", "n1", "two\nlines")), "one line"));
    CHECK(has(refusal(lab.unpin("web")), "not pinned"));
    REQUIRE(lab.pin("web", "n1").accepted);
    CHECK(refusal(lab.pin("web", "n2")) ==
          "package web can't be pinned to n2: it is pinned to n1 by alice@n2 (licence): hactl package unpin web first");
    // The same node: the newer reason and end count.
    REQUIRE(lab.pin("web", "n1", "longer", wall_time{9}).accepted);
    CHECK(lab.state.pins.at("web").by.reason == "longer");
}

TEST_CASE("commands go where the pin says, or are refused with the way out") {
    pin_lab lab;
    REQUIRE(lab.pin("web", "n2").accepted);
    CHECK(has(refusal(lab.say(cluster::package_run{"web", "n1"})), "hactl package unpin web first"));
    CHECK(lab.say(cluster::package_run{"web", "n2"}).accepted);
    lab.run("web", n1);
    CHECK(lab.say(cluster::package_move{"web", ""}).accepted);
    lab.say(cluster::package_wish_over{"web", "test"});
    CHECK(lab.say(cluster::package_move{"web", "n2"}).accepted);
    lab.report("web", report::halted);
    lab.run("web", n2);
    CHECK(has(refusal(lab.say(cluster::package_move{"web", ""})), "can't go elsewhere: it is pinned to n2"));
    CHECK(has(refusal(lab.say(cluster::package_move{"web", "n1"})), "may not go to n1: it is pinned to n2"));
    REQUIRE(lab.unpin("web").accepted);
    CHECK(lab.say(cluster::package_move{"web", "n1"}).accepted);
}

TEST_CASE("a pin takes back a start or a move to another node, and no start that has begun") {
    pin_lab lab;
    REQUIRE(lab.say(cluster::package_run{"web", "n1"}).accepted);
    REQUIRE(lab.pin("web", "n2").accepted);
    CHECK_FALSE(lab.package("web").target);
    CHECK(lab.package("web").target_any);
    pin_lab begun;
    REQUIRE(begun.say(cluster::package_run{"web", "n1"}).accepted);
    begun.start("web", n1);
    REQUIRE(begun.pin("web", "n2").accepted);
    CHECK(begun.package("web").target == n1);
}

TEST_CASE("a pin ends with its package, its node or its place in the list") {
    auto text = configuration_text();
    pin_lab lab;
    REQUIRE(lab.pin("web", "n2").accepted);
    REQUIRE(lab.pin("db", "n3").accepted);
    REQUIRE(lab.configure(without(text, "  node_name n2\n")).accepted);
    CHECK_FALSE(lab.pinned("web"));
    CHECK(lab.pinned("db"));
    REQUIRE(
        lab.configure(without(text, "package_name db\n  run_script /bin/true\n  halt_script /bin/true\n")).accepted);
    CHECK_FALSE(lab.pinned("db"));
    pin_lab other;
    REQUIRE(other.pin("db", "n3").accepted);
    REQUIRE(other.configure(without(text, "node_name n3\n  network_interface eth0\n    heartbeat_ip 10.77.0.3/24\n"))
                .accepted);
    CHECK_FALSE(other.pinned("db"));
    pin_lab multi;
    REQUIRE(multi.pin("db", "n3").accepted);
    auto changed = text;
    changed.replace(text.find("package_name db\n"), 16, "package_name db\npackage_type multi_node\n");
    REQUIRE(multi.configure(changed).accepted);
    CHECK_FALSE(multi.pinned("db"));
}

TEST_CASE("before a configuration ends a pin, it is said") {
    pin_lab lab;
    REQUIRE(lab.pin("web", "n2").accepted);
    auto text = configuration_text();
    auto same = cluster::parse_canonical(text);
    auto shorter = cluster::parse_canonical(without(text, "  node_name n2\n"));
    REQUIRE((same && shorter));
    CHECK(cluster::effects_on_packages(lab.state, *same).empty());
    CHECK(cluster::effects_on_packages(lab.state, *shorter) ==
          std::vector<std::string>{"package web: its pin to n2 ends"});
}

TEST_CASE("the end of one pin is not that of the next") {
    pin_lab lab;
    REQUIRE(lab.pin("web", "n2", "", wall_time{7}).accepted);
    CHECK(has(refusal(lab.unpin("web", wall_time{8})), "is over"));
    CHECK(lab.unpin("web", wall_time{7}).accepted);
}

TEST_CASE("maintenance is elsewhere, or the pin is") {
    pin_lab lab;
    lab.say(cluster::package_switching{"web", "", false});
    lab.run("web", n1);
    REQUIRE(lab.say(cluster::package_maintenance{"web", "", true, "", {}}).accepted);
    CHECK(has(refusal(lab.pin("web", "n2")), "in maintenance on n1"));
    CHECK(lab.pin("web", "n1").accepted);
    pin_lab down;
    down.say(cluster::package_switching{"web", "", false});
    REQUIRE(down.pin("web", "n1").accepted);
    CHECK(has(refusal(down.say(cluster::package_maintenance{"web", "n2", true, "", {}})), "pinned to n1"));
}

TEST_CASE("pins survive a crash of their node, a halt of the cluster and a new start of it") {
    pin_lab lab;
    REQUIRE(lab.pin("web", "n2").accepted);
    lab.lose(n2);
    lab.boot(n2, {2, 1}, cluster::pins_level);
    lab.say(cluster::cluster_admin{false});
    lab.say(cluster::cluster_admin{true});
    CHECK(lab.pinned("web"));
}

TEST_CASE("older versions can't read a pin: it is not written down, and not folded, below its level") {
    cluster_lab lab;
    cluster::command_body asked = cluster::package_pin{"web", "n2", "", {}};
    CHECK_FALSE(against_newer_command(lab.state, asked).empty());
    CHECK(has(refusal(lab.say(asked)), "upgrade it first"));
    CHECK(against_newer_command(lab.state, cluster::package_stop{"web"}).empty());
    auto below = encode(lab.state);
    lab.state.pins["web"] = {};
    CHECK(encode(lab.state) == below);  // not in the bytes of a lower level
    CHECK(against_newer_command(pin_lab().state, asked).empty());
}

TEST_CASE("a plan rests on pins, and one of a pin does not on the moment of its end") {
    pin_lab lab;
    cluster::command_body move = cluster::package_pin{"db", "n2", "x", wall_time{5}};
    auto before = plan_id_of(lab.state, move);
    auto later = move;
    std::get<cluster::package_pin>(later).until = wall_time{9};
    CHECK(cluster::check_plan(lab.state, before, later).wrong.empty());
    REQUIRE(lab.pin("web", "n2").accepted);
    CHECK_FALSE(cluster::check_plan(lab.state, before, move).wrong.empty());
}

TEST_CASE("a state with pins of nothing is none that folding makes") {
    pin_lab lab;
    REQUIRE(lab.pin("web", "n2").accepted);
    CHECK(coherent(lab.state));
    lab.state.pins["mail"] = lab.state.pins.at("web");
    CHECK_FALSE(coherent(lab.state));
    lab.state.pins.erase("mail");
    lab.state.pins.at("web").node = node_id{9};
    CHECK_FALSE(coherent(lab.state));
}
