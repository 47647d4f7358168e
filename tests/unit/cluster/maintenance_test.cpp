// Maintenance of a package: when it begins, what it refuses, how it ends (SG 7.2).
#include "cluster/fold.hpp"
#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::report;

namespace {

struct maintenance_lab : cluster_lab {
    using cluster_lab::cluster_lab;
    cluster::applied on(const std::string& node = "", const std::string& reason = "disks") {
        return say(cluster::package_maintenance{"web", node, true, reason, {}}, "alice@n2");
    }
    cluster::applied off() { return say(cluster::package_maintenance{"web", "", false, "", {}}, "alice@n2"); }
    void switch_off() { REQUIRE(say(cluster::package_switching{"web", "", false}).accepted); }
    // web runs on n1 and is in maintenance.
    void begin() {
        run("web", n1);
        switch_off();
        REQUIRE(on().accepted);
    }
    [[nodiscard]] bool maintained() { return package("web").maintained.has_value(); }
};

std::string refusal(const cluster::applied& outcome) {
    CHECK_FALSE(outcome.accepted);
    return outcome.refusal;
}

bool has(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("maintenance begins where the package runs, or where it is told to") {
    maintenance_lab lab;
    lab.begin();
    CHECK(lab.package("web").maintained->node == n1);
    CHECK(lab.package("web").maintained->by.actor == "alice@n2");
    CHECK(lab.package("web").maintained->by.reason == "disks");
    CHECK(has(refusal(lab.on()), "in maintenance already"));
    maintenance_lab down;
    down.switch_off();
    CHECK(has(refusal(down.on()), "--node"));
    CHECK(has(refusal(down.on("n9")), "no node n9"));
    CHECK(has(refusal(down.on("n3")), "not in the node list"));
    CHECK(down.on("n2").accepted);
}

TEST_CASE("what maintenance can't begin with") {
    maintenance_lab lab;
    CHECK(has(refusal(lab.on("n1")), "hactl package disable web"));
    lab.switch_off();
    lab.start("web", n1);
    CHECK(has(refusal(lab.on()), "is starting"));
    lab.report("web", report::running);
    CHECK(has(refusal(lab.on("n2")), "runs on n1, not on n2"));
    CHECK(has(refusal(lab.on("", "two\nlines")), "one line"));
    CHECK(has(refusal(lab.on("", std::string(300, 'x'))), "200 characters"));
}

TEST_CASE("in maintenance it is halted and started by command, there alone") {
    maintenance_lab lab;
    lab.begin();
    CHECK(has(refusal(lab.say(cluster::package_move{"web", "n2"})), "maintenance off web"));
    CHECK(has(refusal(lab.say(cluster::package_switching{"web", "", true})), "maintenance off web"));
    CHECK(lab.say(cluster::package_stop{"web"}).accepted);
    lab.report("web", report::halted);
    CHECK(lab.maintained());
    CHECK(has(refusal(lab.say(cluster::package_run{"web", "n2"})), "may run there only"));
    CHECK(lab.say(cluster::package_run{"web", ""}).accepted);
    CHECK(lab.package("web").target == n1);
}

TEST_CASE("a package in maintenance is not changed, halted or not") {
    maintenance_lab lab;
    lab.switch_off();
    REQUIRE(lab.on("n1").accepted);
    auto text = configuration_text();
    text.erase(text.find("  halt_script /bin/true\npackage_name db"), 24);
    CHECK(has(refusal(lab.say(cluster::configure{text, {}})), "maintenance off web"));
    REQUIRE(lab.off().accepted);
    CHECK(lab.say(cluster::configure{text, {}}).accepted);
}

TEST_CASE("it ends when everything is in order") {
    maintenance_lab lab;
    lab.begin();
    lab.say(cluster::service_down{"web", {1}, "probe", "exit 1"});
    CHECK(has(refusal(lab.off()), "service probe has ended"));
    // A new start begins with none ended.
    lab.say(cluster::package_stop{"web"});
    lab.report("web", report::halted);
    lab.run("web", n1);
    CHECK(lab.off().accepted);
    CHECK_FALSE(lab.maintained());
    CHECK_FALSE(lab.package("web").switching);
}

TEST_CASE("it ends with its node, and switching stays off") {
    SECTION("fenced") {
        maintenance_lab lab;
        lab.begin();
        lab.lose(n1);
        CHECK(lab.maintained());  // until it is certain
        lab.ask_fence(n1);
        lab.say(cluster::fence_result{lab.state.fence_ids, cluster::fence_outcome::off_confirmed, "strip", ""});
        CHECK_FALSE(lab.maintained());
        CHECK_FALSE(lab.package("web").switching);
    }
    SECTION("booted") {
        maintenance_lab lab;
        lab.begin();
        lab.boot(n1, {1, 2});
        CHECK(lab.maintained());  // the daemon alone
        lab.boot(n1, {2, 3});
        CHECK_FALSE(lab.maintained());
    }
    SECTION("booted while the package is down") {
        maintenance_lab lab;
        lab.switch_off();
        REQUIRE(lab.on("n1").accepted);
        lab.boot(n1, {2, 2});
        CHECK_FALSE(lab.maintained());
    }
    SECTION("halted") {
        maintenance_lab lab;
        lab.begin();
        lab.say(cluster::node_admin{"n2", false});
        CHECK(lab.maintained());
        lab.say(cluster::node_admin{"n1", false});
        CHECK_FALSE(lab.maintained());
    }
    SECTION("the lease ended") {
        maintenance_lab lab;
        lab.begin();
        lab.report("web", report::lease_ended);
        CHECK_FALSE(lab.maintained());
    }
    SECTION("the cluster was halted and runs again") {
        maintenance_lab lab;
        lab.begin();
        lab.say(cluster::cluster_admin{false});
        lab.report("web", report::halted);
        lab.say(cluster::cluster_admin{true});
        CHECK_FALSE(lab.maintained());
        CHECK(lab.package("web").switching);  // auto_run
    }
}

TEST_CASE("nothing that runs may need it, and nothing that needs it may start") {
    auto text = configuration_text() +
                "package_name app\n  run_script /bin/true\n  dependency_name web\n    dependency_condition web = UP\n"
                "    dependency_location same_node\n";
    maintenance_lab lab(text);
    lab.run("web", n1);
    lab.run("app", n1);
    lab.switch_off();
    CHECK(has(refusal(lab.on()), "hactl package halt app"));
    lab.say(cluster::package_stop{"app"});
    lab.report("app", report::halted);
    REQUIRE(lab.on().accepted);
    CHECK(has(refusal(lab.say(cluster::package_run{"app", "n1"})), "it is in maintenance"));
    // Both in maintenance: their relation is ignored, until one leaves.
    REQUIRE(lab.say(cluster::package_maintenance{"app", "n1", true, "", {}}).accepted);
    CHECK(lab.say(cluster::package_run{"app", ""}).accepted);
    lab.run("app", n1);
    CHECK(lab.state.active_dependents("web").empty());
    CHECK(has(refusal(lab.say(cluster::package_maintenance{"app", "", false, "", {}})), "it needs web up"));
}

TEST_CASE("multi-node packages have no maintenance") {
    maintenance_lab lab(configuration_text() +
                        "package_name many\n  package_type multi_node\n  run_script /bin/true\n  auto_run no\n");
    CHECK(has(refusal(lab.say(cluster::package_maintenance{"many", "", true, "", {}})), "no failover package"));
}

TEST_CASE("a service that ended in maintenance, told when that is over, fails the package") {
    for (std::uint32_t level : {cluster::late_ends_level - 1, cluster::late_ends_level}) {
        CAPTURE(level);
        maintenance_lab lab;
        for (node_id node : {n1, n2, n3}) lab.boot(node, {1, 2}, level);
        REQUIRE(lab.say(cluster::feature_level{level}).accepted);
        lab.begin();
        REQUIRE(lab.off().accepted);
        REQUIRE(lab.say(cluster::service_down{"web", lab.package("web").generation, "probe", "exit 1"}).accepted);
        CHECK(lab.package("web").phase == cluster::package_phase::running);
        bool fails = level == cluster::late_ends_level;
        CHECK(lab.package("web").failing == fails);
        CHECK(lab.package("web").node_off.contains(n1) == fails);
    }
}
