// hactl explain: the headline and one line a node, each with its reason.
#include "policy_lab.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::report;

namespace {

std::string line_of(const policy::explanation& told, const std::string& node) {
    for (const auto& one : told.nodes)
        if (one.node == node) return one.line();
    return "(no line)";
}

bool has(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("explain a running package") {
    policy_lab lab;
    lab.run("web", n1);
    auto told = policy::explain(lab.state, "web");
    CHECK(has(told.headline, "web runs on n1"));
    REQUIRE(told.nodes.size() == 2);
    CHECK(told.nodes[0].node == "n1");
    CHECK(has(line_of(told, "n1"), "generation 1"));
    CHECK(has(line_of(told, "n1"), "proof: never_started"));
    CHECK(has(line_of(told, "n2"), "next: "));
}

TEST_CASE("explain names who and why for each node that can't") {
    policy_lab lab;
    lab.run("db", n1);
    lab.say(cluster::package_switching{"db", "n2", false}, "alice@n1");
    lab.lose(n3);
    auto told = policy::explain(lab.state, "db");
    CHECK(has(line_of(told, "n2"),
              "cannot: switching disabled by alice@n1 (package disable); hactl package enable db n2"));
    CHECK(told.nodes[1].since == lab.package("db").node_off.at(n2).when);
    CHECK(has(line_of(told, "n3"), "cannot: lost: not heard"));
    lab.say(cluster::node_admin{"n2", false}, "bob@n1");
    CHECK(has(line_of(policy::explain(lab.state, "db"), "n2"), "halted by bob@n1 (node halt); hactl node run n2"));
    lab.ask_fence(n3);
    lab.say(cluster::fence_result{lab.state.fence_ids, cluster::fence_outcome::off_confirmed, "strip", ""});
    CHECK(has(line_of(policy::explain(lab.state, "db"), "n3"), "fenced: power off confirmed by strip"));
}

TEST_CASE("explain why a package is down") {
    policy_lab lab;
    CHECK(has(policy::explain(lab.state, "web").headline, "web is down: "));
    lab.say(cluster::package_stop{"web"}, "alice@n1");
    CHECK(has(policy::explain(lab.state, "web").headline, "(package halt); hactl package enable web starts it"));
    lab.lose(n1), lab.lose(n2);
    lab.say(cluster::package_switching{"web", "", true});
    CHECK(has(policy::explain(lab.state, "web").headline, "no node of its list can run it; n1: lost"));
    lab.say(cluster::cluster_admin{false}, "eve@n3");
    CHECK(has(policy::explain(lab.state, "web").headline,
              "the cluster is halted by eve@n3 (cluster halt); hactl cluster run starts it"));
}

TEST_CASE("explain the phases between") {
    policy_lab lab;
    lab.start("web", n1);
    CHECK(has(policy::explain(lab.state, "web").headline, "web starts on n1"));
    lab.report("web", report::running);
    lab.say(cluster::package_halt{"web", {1}, "asked"});
    CHECK(has(policy::explain(lab.state, "web").headline, "web is halting on n1: asked"));
    lab.report("web", report::halt_exit_1, "busy");
    CHECK(has(policy::explain(lab.state, "web").headline, "clean up there, then hactl package halt web"));
    lab.lose(n1);
    CHECK(has(policy::explain(lab.state, "web").headline, "lost and not yet proven dead"));
}

TEST_CASE("explain what is not there") {
    policy_lab lab;
    auto told = policy::explain(lab.state, "mail");
    CHECK(has(told.headline, "there is no package mail"));
    CHECK(told.nodes.empty());
    CHECK_FALSE(policy::choose(lab.state, "mail").node);
    CHECK_FALSE(policy::judge(lab.state, "web", node_id{9}).eligible);
}

TEST_CASE("one instance of a multi-node package that is off is switched on by its node's name, all by the package's") {
    policy_lab lab(configuration_text("",
                                      "package_name many\n  package_type multi_node\n  node_name n1\n  node_name n2\n"
                                      "  run_script /bin/true\n"));
    for (auto node : {n1, n2, n3}) lab.boot(node, {1, 1}, cluster::instance_switching_level);
    REQUIRE(lab.say(cluster::feature_level{cluster::instance_switching_level}).accepted);
    REQUIRE(lab.say(cluster::package_switching{"many", "", true}).accepted);
    REQUIRE(lab.say(cluster::package_stop_on{"many", "n1"}).accepted);
    CHECK(has(policy::explain(lab.state, "many@n1").headline, "; hactl package enable many --node n1 starts it"));
    REQUIRE(lab.say(cluster::package_stop_on{"many", "n2"}).accepted);
    CHECK(has(policy::explain(lab.state, "many@n1").headline, "; hactl package enable many starts it"));
}

TEST_CASE("what was started partly is said") {
    policy_lab lab(
        configuration_text("", "package_name fill\n  run_script /bin/true\n  service_name s\n  service_cmd /bin/s\n"));
    REQUIRE(lab.say(cluster::package_switching{"fill", "", false}).accepted);
    REQUIRE(lab.say(cluster::package_maintenance{"fill", "n1", true, "", {}}).accepted);
    REQUIRE(lab.say(cluster::package_run_partly{"fill", "", "run_script", {}}).accepted);
    lab.run("fill", n1);
    CHECK(has(policy::explain(lab.state, "fill").headline, "; started partly: run_script, without service"));
}
