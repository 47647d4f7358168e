// A command with a plan is accepted while what the plan rested on is as it was, and only that command.
#include "cluster/plan_id.hpp"

#include <functional>

#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::planned;

namespace {

const cluster::command_body move{cluster::package_move{"web", "n2"}};

planned with_plan(const std::string& id, const cluster::command_body& asked = move) { return {id, encode(asked)}; }

}  // namespace

TEST_CASE("a plan that still holds: the command does what it does without") {
    cluster_lab lab;
    lab.run("web", n1);
    auto id = plan_id_of(lab.state, move);
    // What nothing depends on may pass meanwhile.
    lab.say(cluster::notified{"mail", {3}, true, ""});
    lab.say(cluster::service_restarted{"web", {1}, "s", 1, "exit 1"});
    auto outcome = lab.say(with_plan(id), "alice@n1");
    CHECK(outcome.accepted);
    CHECK(outcome.packages == std::vector<std::string>{"web"});
    CHECK(lab.package("web").target == n2);
    CHECK(lab.package("web").asked_by == "alice@n1");
    auto told = cluster::describe(lab.state, lab.last, outcome);
    CHECK(told.event == "package_move_asked");
    CHECK(told.text == "package move web on n2 (plan " + id + ")");
    CHECK(told.package == "web");
}

TEST_CASE("a plan that does not hold any more changes nothing, and says since which entry") {
    struct row {
        const char* what;
        std::function<void(cluster_lab&)> change;
    };
    const row rows[] = {
        {"package", [](cluster_lab& lab) { lab.run("db", n3); }},
        {"flag",
         [](cluster_lab& lab) {
             lab.say(cluster::package_switching{"db", "n3", false});
         }},
        {"node lost", [](cluster_lab& lab) { lab.lose(n3); }},
        {"node boots",
         [](cluster_lab& lab) {
             lab.boot(n3, {2, 1});
         }},
        {"power",
         [](cluster_lab& lab) {
             lab.say(cluster::cluster_event{n1, "ups", "ups_on_battery", "alarm", {}});
         }},
        {"subnet",
         [](cluster_lab& lab) {
             lab.say(cluster::subnet_seen{n1, {1, 1}, "10.0.0.0/24", true});
         }},
        {"configuration",
         [](cluster_lab& lab) {
             lab.say(cluster::configure{configuration_text("fence_limit 3"), {}});
         }},
        {"cluster", [](cluster_lab& lab) { lab.say(cluster::cluster_admin{false}); }},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        cluster_lab lab;
        lab.run("web", n1);
        auto id = plan_id_of(lab.state, move);
        auto at = lab.state.applied;
        row.change(lab);
        REQUIRE(lab.last_outcome.accepted);
        auto outcome = lab.say(with_plan(id), "alice@n1");
        CHECK_FALSE(outcome.accepted);
        CHECK(outcome.planned_at == at);
        CHECK(outcome.refusal == "things have changed since plan " + id + " was made");
        CHECK_FALSE(lab.package("web").target);
    }
}

TEST_CASE("a plan is of one command; what is no plan is called that") {
    cluster_lab lab;
    lab.run("web", n1);
    auto id = plan_id_of(lab.state, move);
    auto other = lab.say(with_plan(id, cluster::package_move{"web", ""}));
    CHECK(other.refusal == "plan " + id + " is of another command: --plan shows the plan of this one");
    CHECK_FALSE(other.planned_at);
    for (const char* text : {"", "x", "412", "412-12", "412-9f3a77c01b2e", "-9f3a77c01b2e-51d2", "x-9f3a77c01b2e-51d2",
                             "412-9f3a77c01b2e-51d2x", "99999999999999999999999-9f3a77c01b2e-51d2"}) {
        CAPTURE(text);
        CHECK(lab.say(with_plan(text)).refusal.find("is no id of a plan") != std::string::npos);
    }
    // `--until 2h` is another moment each time.
    cluster::package_maintenance first{"db", "n1", true, "disks", wall_time{5}};
    auto again = first;
    again.until = wall_time{9};
    lab.say(cluster::package_switching{"db", "", false});
    CHECK(cluster::check_plan(lab.state, plan_id_of(lab.state, first), again).wrong.empty());
}

TEST_CASE("the refusal of the command itself stays what it is") {
    cluster_lab lab;
    auto outcome = lab.say(with_plan(plan_id_of(lab.state, move)));
    CHECK(outcome.refusal == "package web is down: hactl package start web");
    CHECK_FALSE(outcome.planned_at);
}

TEST_CASE("a plan of a kind that this version does not know stops it, as any such entry does") {
    cluster_lab lab;
    auto before = encode(lab.state);
    CHECK(lab.say(planned{"1-000000000000-0000", "\xff\xff"}).unknown);
    CHECK(lab.say(planned{"1-000000000000-0000", encode(cluster::command_body{with_plan("")})}).unknown);
    CHECK(encode(lab.state) == before);
}
