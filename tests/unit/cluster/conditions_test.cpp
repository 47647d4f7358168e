// Generic resources and monitored subnets: what is known of them, and what a package lacks (SG 3.5, 3.7).
#include "model/parse.hpp"
#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::report;

namespace {

constexpr const char* needy =
    "package_name mail\n  run_script /bin/true\n"
    "  monitored_subnet 10.77.0.0/24\n"
    "  generic_resource_name lun\n    generic_resource_evaluation_type before_package_start\n"
    "  generic_resource_name load\n    generic_resource_up_criteria < 50\n";

struct conditions_lab : cluster_lab {
    conditions_lab() : cluster_lab(configuration_text() + needy) {}
    cluster::applied set(const std::string& name, const std::string& value, const std::string& node = "n1") {
        return say(cluster::resource_set{name, node, value}, "root@" + node);
    }
    cluster::applied subnet(bool up, node_id node = n1) {
        return say(cluster::subnet_seen{node, state.nodes.at(node).boot, "10.77.0.0/24", up});
    }
    // "subnet_down resource_down" ...
    [[nodiscard]] std::string lacks(node_id node = n1) const {
        std::string out;
        for (const auto& item : state.lacks(*state.find_package("mail"), node))
            out += (out.empty() ? "" : "; ") + item.text;
        return out;
    }
    [[nodiscard]] std::string lacks_to_start() const { return state.lacks_to_start(*state.find_package("mail"), n1); }
};

}  // namespace

TEST_CASE("what was never said is unknown, and unknown is not up") {
    conditions_lab lab;
    CHECK(lab.lacks() ==
          "subnet 10.77.0.0/24 is unknown on n1; generic resource lun is unknown on n1; "
          "generic resource load is unknown on n1");
    CHECK(lab.state.resource_text("lun", n1) == "unknown");
    CHECK(lab.state.resource_text("nothing", n1) == "unknown");
}

TEST_CASE("subnets first, then before_package_start; during_package_start does not stand against a start") {
    conditions_lab lab;
    CHECK(lab.lacks_to_start() == "subnet 10.77.0.0/24 is unknown on n1");
    lab.subnet(true);
    CHECK(lab.lacks_to_start() == "generic resource lun is unknown on n1");
    lab.set("lun", "up");
    CHECK(lab.lacks_to_start().empty());
    CHECK(lab.lacks() == "generic resource load is unknown on n1");
    lab.set("load", "49");
    CHECK(lab.lacks().empty());
    CHECK_FALSE(lab.lacks(n2).empty());  // each node by itself
    lab.set("load", "50");
    CHECK(lab.lacks() == "generic resource load is 50 on n1, not < 50");
    lab.set("lun", "down");
    lab.subnet(false);
    CHECK(lab.lacks_to_start() == "subnet 10.77.0.0/24 is down on n1");
}

TEST_CASE("values that make no sense are refused by name and change nothing") {
    conditions_lab lab;
    auto before = encode(lab.state.resources);
    auto refused = [&](const std::string& name, const std::string& value, const std::string& node = "n1") {
        auto outcome = lab.set(name, value, node);
        CHECK_FALSE(outcome.accepted);
        CHECK(encode(lab.state.resources) == before);
        return outcome.refusal;
    };
    CHECK(refused("lun", "7").find("expected up or down") != std::string::npos);
    CHECK(refused("lun", "").find("expected up or down") != std::string::npos);
    for (const char* wrong : {"up", "-1", "2147483648", "5x", "", " 5", "0x10"})
        CHECK(refused("load", wrong).find("expected a number from 0 to 2147483647") != std::string::npos);
    CHECK(refused("disk", "up").find("no package has a generic resource disk") != std::string::npos);
    CHECK(refused("lun", "up", "n9").find("no node n9") != std::string::npos);
}

TEST_CASE("each comparison") {
    struct row {
        const char* criterion;
        int below, same, above;  // of 5: up or not
    };
    for (const auto& item : {row{"== 5", 0, 1, 0}, row{"!= 5", 1, 0, 1}, row{"> 5", 0, 0, 1}, row{"< 5", 1, 0, 0},
                             row{">= 5", 0, 1, 1}, row{"<= 5", 1, 1, 0}}) {
        CAPTURE(item.criterion);
        cluster_lab lab(configuration_text() +
                        "package_name mail\n  run_script /bin/true\n  generic_resource_name load\n"
                        "    generic_resource_up_criteria " +
                        item.criterion + "\n");
        auto up = [&](const char* value) {
            REQUIRE(lab.say(cluster::resource_set{"load", "n1", value}).accepted);
            return lab.state.lacks(*lab.state.find_package("mail"), n1).empty() ? 1 : 0;
        };
        CHECK(up("4") == item.below);
        CHECK(up("5") == item.same);
        CHECK(up("6") == item.above);
    }
}

TEST_CASE("a daemon restart keeps what was set and seen, a new life of the machine forgets it") {
    conditions_lab lab;
    lab.set("lun", "up");
    lab.set("lun", "up", "n2");
    lab.subnet(true);
    lab.boot(n1, {1, 2});
    CHECK(lab.state.resource_text("lun", n1) == "up");
    CHECK(lab.state.subnets.at(n1).at("10.77.0.0/24").up);
    lab.boot(n1, {2, 3});
    CHECK(lab.state.resource_text("lun", n1) == "unknown");
    CHECK(lab.state.resource_text("lun", n2) == "up");
    CHECK(lab.lacks_to_start() == "subnet 10.77.0.0/24 is unknown on n1");
    // What the former life said late counts for nothing.
    CHECK_FALSE(lab.say(cluster::subnet_seen{n1, {1, 2}, "10.77.0.0/24", true}).accepted);
}

TEST_CASE("a node that is off has no resources to set") {
    conditions_lab lab;
    lab.lose(n3);
    CHECK(lab.set("lun", "up", "n3").accepted);  // it may be heard again
    lab.ask_fence(n3);
    lab.say(cluster::fence_result{lab.state.fence_ids, cluster::fence_outcome::off_confirmed, "strip", ""});
    CHECK(lab.set("lun", "up", "n3").refusal.find("is fenced") != std::string::npos);
}

TEST_CASE("a new configuration forgets what nobody asks for, or asks for in another way") {
    conditions_lab lab;
    lab.set("lun", "up");
    lab.set("load", "7");
    lab.subnet(true);
    auto text = configuration_text() +
                "package_name mail\n  run_script /bin/true\n  generic_resource_name lun\n"
                "    generic_resource_up_criteria > 1\n  generic_resource_name load\n"
                "    generic_resource_up_criteria > 5\n";
    REQUIRE(lab.say(cluster::configure{text, {}}).accepted);
    CHECK_FALSE(lab.state.resources.contains("lun"));
    CHECK(lab.state.resource_text("load", n1) == "7");
    CHECK(lab.state.subnets.at(n1).empty());
}

TEST_CASE("since when a subnet is as it is") {
    conditions_lab lab;
    lab.subnet(true);
    auto since = lab.state.subnets.at(n1).at("10.77.0.0/24").since;
    lab.subnet(true);
    CHECK(lab.state.subnets.at(n1).at("10.77.0.0/24").since == since);
    lab.subnet(false);
    CHECK(lab.state.subnets.at(n1).at("10.77.0.0/24").since != since);
}

TEST_CASE("monitored_subnet_access partial: a node that is not on the subnet does without") {
    auto text = configuration_text("subnet 10.88.0.0/24");
    auto at = text.find("heartbeat_ip 10.77.0.1/24\n");
    text.insert(at, "stationary_ip 10.88.0.1/24\n    ");
    for (bool partial : {true, false}) {
        CAPTURE(partial);
        cluster_lab lab(text + "package_name mail\n  run_script /bin/true\n  monitored_subnet 10.88.0.0/24\n" +
                        (partial ? "  monitored_subnet_access partial\n" : ""));
        const auto& mail = *lab.state.find_package("mail");
        CHECK_FALSE(lab.state.lacks_to_start(mail, n1).empty());
        CHECK(lab.state.lacks_to_start(mail, n2).empty() == partial);
    }
}

TEST_CASE("a start by command wants what policy wants") {
    conditions_lab lab;
    CHECK(lab.say(cluster::package_run{"mail", "n1"}).refusal.find("subnet 10.77.0.0/24 is unknown on n1") !=
          std::string::npos);
    CHECK(lab.say(cluster::package_run{"mail", ""}).refusal.find("hactl explain mail") != std::string::npos);
    lab.subnet(true);
    lab.set("lun", "up");
    CHECK(lab.say(cluster::package_run{"mail", "n1"}).accepted);
}

TEST_CASE("a snapshot carries it all") {
    conditions_lab lab;
    lab.set("load", "7");
    lab.subnet(true);
    auto read = cluster::decode_state(encode(lab.state));
    REQUIRE(read);
    CHECK(read->resource_text("load", n1) == "7");
    CHECK(encode(*read) == encode(lab.state));
}

namespace {

std::string with(std::string text, const std::string& after, const std::string& more) {
    auto at = text.find(after);
    REQUIRE(at != std::string::npos);
    return text.insert(at + after.size(), more);
}

}  // namespace

TEST_CASE("a change while it runs is refused when the package could not stay by it") {
    SECTION("a subnet that is known to be down; one nobody has spoken of yet is no reason") {
        conditions_lab lab;
        lab.run("web", n1);
        lab.run("db", n2);
        lab.subnet(false, n1);
        auto text = configuration_text() + needy;
        auto watched = "  monitored_subnet 10.77.0.0/24\n";
        auto refused = lab.say(cluster::configure{with(text, "package_name web\n  node_name n1\n", watched), {}});
        CHECK(refused.refusal.find("the change would fail it: subnet 10.77.0.0/24 is down on n1") != std::string::npos);
        CHECK(lab.say(cluster::configure{with(text, "package_name db\n", watched), {}}).accepted);
        CHECK(lab.package("db").phase == cluster::package_phase::running);
    }
    SECTION("weights that no longer fit beside each other") {
        auto text = with(configuration_text(), "  power_source ups\n", "  capacity_name cpu\n    capacity_value 10\n");
        auto weigh = [&](const std::string& web, const std::string& db) {
            auto weight = [](const std::string& value) {
                return "  weight_name cpu\n    weight_value " + value + "\n";
            };
            return with(with(text, "package_name web\n  node_name n1\n  node_name n2\n", weight(web)),
                        "package_name db\n", weight(db));
        };
        cluster_lab lab(weigh("5", "4"));
        lab.run("web", n1);
        lab.run("db", n1);
        auto refused = lab.say(cluster::configure{weigh("5", "6"), {}});
        CHECK(
            refused.refusal.find("the change would fail it: there is no room: it needs 6 of cpu, 5 of 10 are taken") !=
            std::string::npos);
        CHECK(lab.say(cluster::configure{weigh("5", "5"), {}}).accepted);
    }
}
