// Where sites and pins let a package run, and the words for it (SG 5.4).
#include "policy_lab.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::report;

namespace {

// n1 and n3 in the east, n2 in the west; web may run on all of them, n2 before n3.
std::string sited(const std::string& policy, const std::string& more = "") {
    std::string text = "cluster_name lab\nsite_name east\nsite_name west\n";
    for (int i = 1; i <= 3; ++i) {
        auto number = std::to_string(i);
        text += "node_name n" + number + "\n  network_interface eth0\n    heartbeat_ip 10.77.0." + number +
                "/24\n  site " + (i == 2 ? "west" : "east") + "\n";
    }
    text += "stonith_name strip\n  stonith_plugin stonith-exec\n";
    return text + "package_name web\n  failover_policy " + policy + "\n  run_script /bin/true\n" + more;
}

struct site_lab : policy_lab {
    explicit site_lab(const std::string& policy, const std::string& more = "") : policy_lab(sited(policy, more)) {
        for (node_id node : {n1, n2, n3}) boot(node, {1, 2}, cluster::pins_level);
        REQUIRE(say(cluster::feature_level{cluster::pins_level}).accepted);
    }
    void down(const std::string& node) { REQUIRE(say(cluster::node_admin{node, false}, "alice@n1").accepted); }
    void up(const std::string& node) { REQUIRE(say(cluster::node_admin{node, true}).accepted); }
    void ends() { REQUIRE(report("web", report::halted).accepted); }
    [[nodiscard]] std::string why() const {
        for (const auto& item : all<cluster::package_start>())
            if (item.package == "web") return item.reason;
        return policy::explain(state, "web").headline;
    }
    [[nodiscard]] std::string line(std::size_t at) const { return policy::explain(state, "web").nodes.at(at).line(); }
};

bool has(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("site_preferred: its own site first, then others, and at home where it was started") {
    site_lab lab("site_preferred");
    CHECK(lab.starts("web") == "n1");
    CHECK(has(lab.why(), "first of its node list at site east that can run it (site_preferred)"));
    lab.run("web", n1);
    CHECK(policy::next_node(lab.state, "web") == n3);
    lab.ends();
    lab.down("n1");
    CHECK(lab.starts("web") == "n3");
    lab.down("n3");
    CHECK(lab.starts("web") == "n2");
    CHECK(has(lab.why(), "first of its node list at another site, west: no node of site east can run it"));
    lab.run("web", n2);
    lab.up("n1");
    CHECK(lab.halts("web").empty());
    lab.ends();
    CHECK(lab.starts("web") == "n2");
}

TEST_CASE("site_preferred_manual: its own site only, another one by command") {
    site_lab lab("site_preferred_manual");
    lab.run("web", n1);
    CHECK(lab.line(1) ==
          "cannot: at site west, and it is at home at site east (site_preferred_manual); hactl package move "
          "web n2");
    CHECK(lab.line(2) == "next: in the cluster, switching on, at site east");
    lab.ends();
    for (const char* node : {"n1", "n3"}) lab.down(node);
    CHECK(lab.starts("web").empty());
    CHECK(lab.package("web").switching);
    CHECK(has(lab.why(), "no node of its list at site east can run it"));
    CHECK(has(lab.why(), "; hactl package start web --node n2 starts it at site west"));
    CHECK_FALSE(policy::next_node(lab.state, "web"));
    CHECK(has(lab.say(cluster::package_run{"web", ""}).refusal, "n2: at site west, to be named"));
    REQUIRE(lab.say(cluster::package_run{"web", "n2"}, "alice@n1").accepted);
    CHECK(lab.starts("web") == "n2");
    lab.run("web", n2);
    lab.up("n1");
    lab.ends();
    CHECK(lab.starts("web") == "n2");
    lab.down("n2");
    CHECK(lab.starts("web").empty());
}

TEST_CASE("a site is at home nowhere before its first start: the first node that can run it says where") {
    site_lab lab("site_preferred_manual");
    lab.down("n1");
    CHECK(lab.starts("web") == "n2");
    lab.down("n2");
    CHECK(lab.starts("web") == "n3");
}

TEST_CASE("a move without a node stays at the site, or is refused") {
    site_lab lab("site_preferred_manual");
    lab.run("web", n2);
    CHECK(has(lab.say(cluster::package_move{"web", ""}).refusal, "at site east, to be named (site_preferred_manual)"));
    CHECK(lab.say(cluster::package_move{"web", "n1"}).accepted);
    CHECK(has(lab.halts("web"), "move to n1"));
}

TEST_CASE("failback crosses sites where the policy does") {
    for (const char* policy : {"site_preferred", "site_preferred_manual"}) {
        site_lab lab(policy, "  failback_policy automatic\n");
        lab.run("web", n2);
        CAPTURE(policy);
        CHECK(lab.halts("web").empty() == (std::string(policy) == "site_preferred_manual"));
    }
}

TEST_CASE("a node that was removed leaves no home behind") {
    site_lab lab("site_preferred_manual");
    lab.run("web", n2);
    lab.ends();
    auto text = lab.state.configuration_text;
    std::string node = "node_name n2\n  network_interface eth0\n    heartbeat_ip 10.77.0.2/24\n  site west\n";
    REQUIRE(text.find(node) != std::string::npos);
    REQUIRE(lab.say(cluster::configure{text.erase(text.find(node), node.size()), {}}).accepted);
    CHECK(lab.starts("web") == "n1");
}

TEST_CASE("what needs it is taken along within its site only") {
    site_lab lab("site_preferred_manual",
                 "package_name app\n  priority 1\n  node_name n2\n  run_script /bin/true\n  dependency_name d\n"
                 "  dependency_condition web = UP\n  dependency_location same_node\n");
    lab.run("web", n1);
    CHECK(lab.halts("web").empty());
    CHECK(lab.starts("app").empty());
    CHECK(has(policy::explain(lab.state, "app").headline,
              "needs web there: at site west, and it is at home at site east (site_preferred_manual)"));
}

TEST_CASE("a pinned package starts there and nowhere else, and is halted by no pin") {
    site_lab lab("configured_node");
    REQUIRE(lab.say(cluster::package_pin{"web", "n2", "tests", {}}, "alice@n1").accepted);
    CHECK(lab.starts("web") == "n2");
    CHECK(has(lab.why(), "pinned to n2 by alice@n1 (tests)"));
    CHECK(lab.line(0) == "cannot: pinned to n2 by alice@n1 (tests); hactl package unpin web");
    lab.down("n2");
    CHECK(lab.starts("web").empty());
    CHECK(lab.why() ==
          "web is down: it is pinned to n2 by alice@n1 (tests), which can't run it; n2: halted by alice@n1 "
          "(node halt); hactl package unpin web lets it start elsewhere");
    lab.run("web", n1);
    CHECK(lab.halts("web").empty());
    CHECK(has(policy::explain(lab.state, "web").headline, "where it starts next: hactl package move web n2"));
    CHECK_FALSE(policy::next_node(lab.state, "web"));
    lab.up("n2");
    CHECK(policy::next_node(lab.state, "web") == n2);
    REQUIRE(lab.say(cluster::package_move{"web", ""}, "bob@n3").accepted);
    CHECK(has(lab.halts("web"), "move by bob@n3"));
}

TEST_CASE("a pin goes before the site, and before automatic failback") {
    site_lab lab("site_preferred_manual", "  failback_policy automatic\n");
    lab.run("web", n3);
    REQUIRE(lab.say(cluster::package_pin{"web", "n2", "", {}}).accepted);
    CHECK(lab.halts("web").empty());
    lab.ends();
    CHECK(lab.starts("web") == "n2");
}

TEST_CASE("the leader ends a pin whose time is over") {
    site_lab lab("configured_node");
    wall_time until{lab.view.wall.us + 60'000'000};
    REQUIRE(lab.say(cluster::package_pin{"web", "n2", "", until}).accepted);
    CHECK(lab.all<cluster::package_pin>().empty());
    CHECK(lab.decide().look_again == lab.view.now + 60 * second);
    lab.view.wall = until;
    REQUIRE(lab.all<cluster::package_pin>().size() == 1);
    auto over = lab.all<cluster::package_pin>().front();
    CHECK(over.node.empty());
    CHECK(over.until == until);
    CHECK(lab.say(over).accepted);
    CHECK(lab.state.pins.empty());
    CHECK(lab.all<cluster::package_pin>().empty());
}
