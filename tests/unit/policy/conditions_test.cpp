// Placement with monitored subnets, generic resources and maintenance.
#include "policy_lab.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::report;

namespace {

struct needy_lab : policy_lab {
    needy_lab()
        : policy_lab(configuration_text() +
                     "package_name mail\n  node_name n1\n  node_name n2\n  run_script /bin/true\n"
                     "  monitored_subnet 10.77.0.0/24\n  generic_resource_name lun\n"
                     "    generic_resource_evaluation_type before_package_start\n"
                     "  generic_resource_name own\n") {}
    void subnet(node_id node, bool up) {
        REQUIRE(say(cluster::subnet_seen{node, state.nodes.at(node).boot, "10.77.0.0/24", up}).accepted);
    }
    void set(const std::string& name, const std::string& node, const std::string& value) {
        REQUIRE(say(cluster::resource_set{name, node, value}).accepted);
    }
    void all_up(node_id node, const std::string& name) {
        subnet(node, true);
        set("lun", name, "up");
    }
    void maintain(const std::string& package) {
        REQUIRE(say(cluster::package_switching{package, "", false}).accepted);
        REQUIRE(say(cluster::package_maintenance{package, "", true, "", {}}, "alice@n1").accepted);
    }
};

}  // namespace

TEST_CASE("it starts on the first node that lacks nothing; during_package_start is not asked yet") {
    needy_lab lab;
    CHECK(lab.starts("mail").empty());
    lab.subnet(n1, true);
    CHECK(lab.starts("mail").empty());
    lab.all_up(n2, "n2");
    CHECK(lab.starts("mail") == "n2");
    lab.set("lun", "n1", "up");
    CHECK(lab.starts("mail") == "n1");
    lab.set("own", "n1", "down");
    CHECK(lab.starts("mail") == "n1");
}

TEST_CASE("the first node to say what its subnets are like is not the first of the list") {
    needy_lab lab;
    for (auto node : {n1, n2}) lab.set("lun", node == n1 ? "n1" : "n2", "up");
    lab.subnet(n2, true);
    CHECK(lab.starts("mail").empty());
    CHECK(policy::explain(lab.state, "mail").headline ==
          "mail is down: waits until n1 has said what its subnets are like");
    lab.view.silent[n1] = true;
    CHECK(lab.starts("mail") == "n2");
    lab.view.silent[n1] = false;
    lab.subnet(n1, true);
    CHECK(lab.starts("mail") == "n1");
}

TEST_CASE("what a running package lacks is its node's word to give, not the leader's") {
    needy_lab lab;
    lab.all_up(n1, "n1");
    lab.all_up(n2, "n2");
    lab.run("mail", n1);
    lab.subnet(n1, false);
    CHECK(lab.halts("mail").empty());
    lab.report("mail", report::subnet_down, "subnet 10.77.0.0/24 is down on n1");
    lab.report("mail", report::halted);
    CHECK(lab.starts("mail") == "n2");
    CHECK(policy::explain(lab.state, "mail").nodes.at(0).line() == "cannot: subnet 10.77.0.0/24 is down on n1");
    lab.subnet(n2, false);
    CHECK(lab.starts("mail").empty());
    lab.subnet(n1, true);
    CHECK(lab.starts("mail") == "n1");
}

TEST_CASE("where it would go if its node were lost") {
    needy_lab lab;
    lab.all_up(n1, "n1");
    lab.run("mail", n1);
    CHECK_FALSE(policy::next_node(lab.state, "mail"));
    lab.all_up(n2, "n2");
    CHECK(policy::next_node(lab.state, "mail") == n2);
}

TEST_CASE("in maintenance nothing but a command moves it") {
    needy_lab lab;
    lab.all_up(n1, "n1");
    lab.run("mail", n1);
    lab.maintain("mail");
    lab.subnet(n1, false);
    lab.say(cluster::power_action{n1, true, "ups"});
    lab.say(cluster::package_switching{"mail", "n1", false});
    CHECK(lab.halts("mail").empty());
    lab.say(cluster::package_stop{"mail"}, "bob@n1");
    CHECK(lab.halts("mail") == "package halt by bob@n1");
    lab.report("mail", report::halted);
    CHECK(lab.starts("mail").empty());
    auto told = policy::explain(lab.state, "mail");
    CHECK(told.headline.find("only hactl package start mail starts it, on n1") != std::string::npos);
    CHECK(told.headline.find("in maintenance by alice@n1") != std::string::npos);
    lab.say(cluster::power_action{n1, false, "ups"});
    lab.say(cluster::package_switching{"mail", "n1", true});
    REQUIRE(lab.say(cluster::package_run{"mail", ""}).accepted);
    CHECK(lab.starts("mail") == "n1");  // whatever the subnet is
}

TEST_CASE("a cluster halt and a node halt are commands too") {
    for (bool node : {true, false}) {
        needy_lab lab;
        lab.run("web", n1);
        lab.maintain("web");
        if (node) {
            lab.say(cluster::node_admin{"n1", false}, "bob@n1");
        } else {
            lab.say(cluster::cluster_admin{false}, "bob@n1");
        }
        CHECK(lab.halts("web").find("halt by bob@n1") != std::string::npos);
    }
}

TEST_CASE("an end of maintenance is kept, unless something is wrong") {
    needy_lab lab;
    lab.run("web", n1);
    REQUIRE(lab.say(cluster::package_switching{"web", "", false}).accepted);
    auto until = wall_time{lab.view.wall.us + 5'000'000};
    REQUIRE(lab.say(cluster::package_maintenance{"web", "", true, "", until}, "alice@n1").accepted);
    CHECK(lab.all<cluster::package_maintenance>().empty());
    CHECK(lab.decide().look_again == lab.view.now + 5 * second);
    lab.view.wall = until;
    REQUIRE(lab.all<cluster::package_maintenance>().size() == 1);
    CHECK_FALSE(lab.all<cluster::package_maintenance>().front().on);
    lab.say(cluster::service_down{"web", {1}, "probe", ""});
    CHECK(lab.all<cluster::package_maintenance>().empty());
    auto alarms = lab.all<cluster::cluster_event>();
    REQUIRE(alarms.size() == 1);
    CHECK(alarms.front().event == "maintenance_overdue");
    lab.say(alarms.front());
    CHECK(lab.all<cluster::cluster_event>().empty());  // said once
    lab.say(cluster::package_stop{"web"});
    lab.report("web", report::halted);
    REQUIRE(lab.all<cluster::package_maintenance>().size() == 1);
    lab.say(lab.all<cluster::package_maintenance>().front());
    CHECK(lab.state.alarms.empty());
}
