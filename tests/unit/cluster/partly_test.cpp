// A package in maintenance that is started partly (SG 7.2), restarts that are counted anew, and one instance of a
// multi-node package that is switched on.
#include "cluster/newer_keywords.hpp"
#include "cluster/plan_id.hpp"
#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::report;

namespace {

std::string text() {
    return configuration_text("",
                              "package_name fill\n  run_script /bin/true\n  halt_script /bin/true\n"
                              "  service_name s\n  service_cmd /bin/s\n  service_restart 3\n"
                              "package_name many\n  package_type multi_node\n  node_name n1\n  node_name n2\n"
                              "  run_script /bin/true\n  service_name m\n  service_cmd /bin/m\n");
}

struct partly_lab : cluster_lab {
    partly_lab() : cluster_lab(text()) {
        for (auto node : {n1, n2, n3}) boot(node, {1, 1}, cluster::partial_starts_level);
        REQUIRE(say(cluster::feature_level{cluster::partial_starts_level}).accepted);
    }
    void maintain() {
        REQUIRE(say(cluster::package_switching{"fill", "", false}).accepted);
        REQUIRE(say(cluster::package_maintenance{"fill", "n1", true, "", {}}).accepted);
    }
    cluster::applied ask(const std::string& step, std::vector<std::string> without = {}) {
        return say(cluster::package_run_partly{"fill", "", step, std::move(without)}, "alice@n2");
    }
    [[nodiscard]] std::string partly() const {
        const auto* item = state.runs_partly("fill");
        return item == nullptr ? "" : listed(item->steps);
    }
    [[nodiscard]] std::string told() const { return cluster::describe(state, last, last_outcome).text; }
};

}  // namespace

TEST_CASE("a partial start is for maintenance, and for the next generation alone") {
    partly_lab lab;
    CHECK(lab.ask("run_script").refusal ==
          "package fill is not in maintenance, where alone it may be started partly: hactl package disable fill, then "
          "hactl package maintenance on fill --node NODE");
    lab.maintain();
    REQUIRE(lab.ask("run_script").accepted);
    CHECK(lab.told() == "package start fill up to run_script");
    CHECK(lab.package("fill").target == n1);
    CHECK(lab.partly().empty());
    CHECK(lab.state.partial_starts.size() == 1);
    REQUIRE(lab.start("fill", n1).accepted);
    CHECK(lab.partly() == "run_script");
    CHECK(lab.told().ends_with("; partly: run_script"));
    REQUIRE(lab.report("fill", report::running).accepted);
    CHECK(lab.ask("run_script").refusal.find("hactl package halt fill first") != std::string::npos);
    CHECK(lab.say(cluster::package_maintenance{"fill", "", false, "", {}}).refusal ==
          "package fill was started partly (run_script) and can't leave maintenance so: hactl package halt fill first");
    REQUIRE(lab.say(cluster::package_stop_partly{"fill"}).accepted);
    REQUIRE(lab.report("fill", report::halted).accepted);
    CHECK(lab.state.partial_starts.empty());
    CHECK(lab.package("fill").maintained);
    CHECK(lab.say(cluster::package_stop_partly{"fill"}).refusal == "package fill is not active");
    lab.run("fill", n1);
    CHECK(lab.partly().empty());
    CHECK(lab.say(cluster::package_stop_partly{"fill"}).refusal ==
          "package fill was not started partly: hactl package halt fill halts all of it");
}

TEST_CASE("a wish that is taken back is no partial start of a later generation") {
    partly_lab lab;
    lab.maintain();
    REQUIRE(lab.ask("run_script").accepted);
    SECTION("halted before it began") { REQUIRE(lab.say(cluster::package_stop{"fill"}).accepted); }
    SECTION("given up") { REQUIRE(lab.say(cluster::package_wish_over{"fill", "x"}).accepted); }
    SECTION("all of it instead") { REQUIRE(lab.say(cluster::package_run{"fill", ""}).accepted); }
    SECTION("out of maintenance") {
        REQUIRE(lab.say(cluster::package_maintenance{"fill", "", false, "", {}}).accepted);
        CHECK_FALSE(lab.package("fill").target);
    }
    SECTION("its node halted") { REQUIRE(lab.say(cluster::node_admin{"n1", false}).accepted); }
    CHECK(lab.state.partial_starts.empty());
}

TEST_CASE("when maintenance ends in another way what runs partly is halted") {
    partly_lab lab;
    lab.maintain();
    REQUIRE(lab.ask("", {"service"}).accepted);
    lab.run("fill", n1);
    REQUIRE(lab.say(cluster::cluster_admin{false}).accepted);
    REQUIRE(lab.say(cluster::cluster_admin{true}).accepted);
    CHECK_FALSE(lab.package("fill").maintained);
    CHECK(lab.partly() == "run_script");
    CHECK_FALSE(lab.package("fill").stop_asked_by.empty());
    REQUIRE(lab.report("fill", report::halted).accepted);
    CHECK(lab.state.partial_starts.empty());
}

TEST_CASE("partial starts survive as bytes, are a part of plans, and are not there at older levels") {
    partly_lab lab;
    lab.maintain();
    auto id = cluster::plan_id_of(lab.state, cluster::package_stop{"fill"});
    REQUIRE(lab.ask("run_script").accepted);
    CHECK(cluster::check_plan(lab.state, id, cluster::package_stop{"fill"}).changed_since);
    auto back = cluster::decode_state(encode(lab.state));
    REQUIRE(back);
    CHECK(encode(*back) == encode(lab.state));
    CHECK(back->partial_starts.at("fill").steps == std::vector<package_step>{package_step::run_script});
    auto odd = lab.state;
    odd.partial_starts["nothing"] = odd.partial_starts["fill"];
    CHECK_FALSE(cluster::coherent(odd));
    odd = lab.state;
    odd.partial_starts.clear();
    auto with = encode(odd).size();
    odd.feature_level = cluster::partial_starts_level - 1;
    CHECK(encode(odd).size() < with);
    for (const cluster::command_body& asked :
         {cluster::command_body{cluster::package_run_partly{}}, cluster::command_body{cluster::package_stop_partly{}},
          cluster::command_body{cluster::planned{"x", encode(cluster::command_body{cluster::restarts_reset{}})}}}) {
        CHECK_FALSE(cluster::against_newer_command(odd, cluster::asked_of(asked)).empty());
        CHECK(cluster::against_newer_command(lab.state, cluster::asked_of(asked)).empty());
    }
    CHECK(cluster::against_newer_command(odd, cluster::package_run{}).empty());
}

TEST_CASE("restarts are counted anew, of one service or of all; a smaller service_restart can then be had") {
    partly_lab lab;
    lab.run("fill", n1);
    REQUIRE(lab.say(cluster::service_restarted{"fill", {1}, "s", 2, ""}).accepted);
    auto smaller = text();
    smaller.replace(smaller.find("service_restart 3"), 17, "service_restart 1");
    CHECK(lab.say(cluster::configure{smaller, {}}).refusal ==
          "package fill is active: 2 restarts of service s have been counted, more than its new service_restart: hactl "
          "package reset-restarts fill s forgets them");
    CHECK(lab.say(cluster::restarts_reset{"fill", "", "x"}).refusal == "package fill has no service x; it has s");
    CHECK(lab.say(cluster::restarts_reset{"web", "", ""}).refusal == "package web has no service");
    CHECK(lab.say(cluster::restarts_reset{"fill", "n2", "s"}).refusal == "package fill does not run on n2");
    CHECK(lab.say(cluster::restarts_reset{"fill", "n9", "s"}).refusal == "there is no node n9 in the configuration");
    REQUIRE(lab.say(cluster::restarts_reset{"fill", "n1", "s"}).accepted);
    CHECK(lab.told() == "restarts of service s of fill on n1 are counted anew");
    CHECK(lab.package("fill").restarts.empty());
    CHECK(lab.say(cluster::configure{smaller, {}}).accepted);
    REQUIRE(lab.say(cluster::service_restarted{"fill", {1}, "s", 1, ""}).accepted);
    REQUIRE(lab.say(cluster::restarts_reset{"fill", "", ""}).accepted);
    CHECK(lab.package("fill").restarts.empty());
}

TEST_CASE("of a multi-node package the instance of one node is switched on and counted anew alone") {
    partly_lab lab;
    for (const char* name : {"many@n1", "many@n2"}) lab.package(name).switching = true;
    REQUIRE(lab.start("many@n1", n1).accepted);
    REQUIRE(lab.start("many@n2", n2).accepted);
    for (const char* name : {"many@n1", "many@n2"}) {
        REQUIRE(lab.report(name, report::running).accepted);
        lab.package(name).restarts["m"] = 2;
    }
    REQUIRE(lab.say(cluster::restarts_reset{"many", "n2", "m"}).accepted);
    CHECK(lab.package("many@n1").restarts.size() == 1);
    CHECK(lab.package("many@n2").restarts.empty());
    REQUIRE(lab.say(cluster::package_stop_on{"many", "n1"}).accepted);
    REQUIRE(lab.say(cluster::package_stop_on{"many", "n2"}).accepted);
    REQUIRE(lab.say(cluster::package_switching{"many", "n1", true}).accepted);
    CHECK(lab.package("many@n1").switching);
    CHECK_FALSE(lab.package("many@n2").switching);
    CHECK(lab.say(cluster::package_run_partly{"many", "", "service", {}}).refusal ==
          "package many is no failover package: only those are started partly, in maintenance");
}
