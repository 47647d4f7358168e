// What each event does to the flags and to the package: the tables of docs, row by row.
#include <functional>

#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::package_phase;
using cluster::report;

namespace {

enum class flag { on, off };

struct row {
    const char* event;
    std::function<void(cluster_lab&)> happens;  // web runs on n1
    flag package;
    flag node;  // of n1
    package_phase phase;
};

void fails_to_start(cluster_lab& lab, report how) {
    lab.report("web", report::halted);
    lab.start("web", n1);
    REQUIRE(lab.report("web", how, "said so").accepted);
}

const std::vector<row>& rows() {
    static const std::vector<row> all{
        {"start ok", [](cluster_lab&) {}, flag::on, flag::on, package_phase::running},
        {"halt by the administrator", [](cluster_lab& lab) { lab.say(cluster::package_stop{"web"}, "alice@n1"); },
         flag::off, flag::on, package_phase::running},
        {"orderly halt", [](cluster_lab& lab) { lab.report("web", report::halted); }, flag::on, flag::on,
         package_phase::down},
        {"lease ended", [](cluster_lab& lab) { lab.report("web", report::lease_ended); }, flag::on, flag::on,
         package_phase::down},
        {"service failure", [](cluster_lab& lab) { lab.report("web", report::service_failed); }, flag::on, flag::off,
         package_phase::halting},
        {"run script exit 1", [](cluster_lab& lab) { fails_to_start(lab, report::start_exit_1); }, flag::off, flag::on,
         package_phase::down},
        {"run script exit 2", [](cluster_lab& lab) { fails_to_start(lab, report::start_exit_2); }, flag::on, flag::off,
         package_phase::down},
        {"run script timeout", [](cluster_lab& lab) { fails_to_start(lab, report::start_timeout); }, flag::off,
         flag::on, package_phase::down},
        {"halt script exit 1", [](cluster_lab& lab) { lab.report("web", report::halt_exit_1); }, flag::off, flag::on,
         package_phase::halt_failed},
        {"halt script exit 2", [](cluster_lab& lab) { lab.report("web", report::halt_exit_2); }, flag::on, flag::on,
         package_phase::down},
        {"halt script exit 3", [](cluster_lab& lab) { lab.report("web", report::halt_exit_3); }, flag::off, flag::on,
         package_phase::halt_failed},
        {"monitored subnet down", [](cluster_lab& lab) { lab.report("web", report::subnet_down); }, flag::on, flag::on,
         package_phase::halting},
        {"before_package_start resource down",
         [](cluster_lab& lab) { lab.report("web", report::before_resource_down); }, flag::on, flag::on,
         package_phase::halting},
        {"during_package_start resource down",
         [](cluster_lab& lab) { lab.report("web", report::during_resource_down); }, flag::on, flag::off,
         package_phase::halting},
        {"failing fast", [](cluster_lab& lab) { lab.report("web", report::failing_fast); }, flag::on, flag::on,
         package_phase::halting},
        {"halt script timeout", [](cluster_lab& lab) { lab.report("web", report::halt_timeout); }, flag::off, flag::on,
         package_phase::halt_failed},
        {"disable by the administrator",
         [](cluster_lab& lab) {
             lab.say(cluster::package_switching{"web", "", false});
         },
         flag::off, flag::on, package_phase::running},
        {"disable on the node",
         [](cluster_lab& lab) {
             lab.say(cluster::package_switching{"web", "n1", false});
         },
         flag::on, flag::off, package_phase::running},
        {"node lost", [](cluster_lab& lab) { lab.lose(n1); }, flag::on, flag::on, package_phase::running},
        {"node halt",
         [](cluster_lab& lab) {
             lab.say(cluster::node_admin{"n1", false});
         },
         flag::on, flag::on, package_phase::running},
        {"move",
         [](cluster_lab& lab) {
             lab.say(cluster::package_move{"web", "n2"});
         },
         flag::on, flag::on, package_phase::running},
    };
    return all;
}

}  // namespace

TEST_CASE("each event's effect on the flags") {
    for (const auto& item : rows()) {
        DYNAMIC_SECTION(item.event) {
            cluster_lab lab;
            lab.run("web", n1);
            item.happens(lab);
            const auto& web = lab.package("web");
            CHECK(web.switching == (item.package == flag::on));
            CHECK(web.node_off.contains(n1) == (item.node == flag::off));
            CHECK_FALSE(web.node_off.contains(n2));
            CHECK(web.phase == item.phase);
            CHECK(lab.package("db").switching);  // nobody else's flags
            CHECK(lab.package("db").node_off.empty());
        }
    }
}

TEST_CASE("cluster start sets the flags to what the configuration says") {
    auto text = configuration_text();
    text.insert(text.find("package_name db") + 16, "  auto_run no\n");
    cluster_lab lab(text);
    CHECK(lab.package("web").switching);
    CHECK_FALSE(lab.package("db").switching);
    lab.say(cluster::package_switching{"web", "", false});
    lab.say(cluster::package_switching{"web", "n2", false});
    lab.say(cluster::package_switching{"db", "", true});
    lab.say(cluster::cluster_admin{false});
    REQUIRE(lab.say(cluster::cluster_admin{true}).accepted);
    CHECK(lab.package("web").switching);
    CHECK(lab.package("web").node_off.empty());
    CHECK_FALSE(lab.package("db").switching);
}

TEST_CASE("node flags are enabled again when a crashed node rejoins, not when only its daemon does") {
    cluster_lab lab;
    lab.say(cluster::package_switching{"web", "n1", false});
    lab.boot(n1, {1, 2});
    CHECK(lab.package("web").node_off.contains(n1));
    lab.say(cluster::package_switching{"web", "n2", false});
    lab.boot(n1, {2, 3});
    CHECK_FALSE(lab.package("web").node_off.contains(n1));
    CHECK(lab.package("web").node_off.contains(n2));
}

TEST_CASE("node run enables the node's flags again and takes it back from power policy") {
    cluster_lab lab;
    lab.say(cluster::package_switching{"web", "n1", false});
    lab.say(cluster::power_action{n1, true, "ups"});
    lab.say(cluster::node_admin{"n1", false}, "alice@n2");
    CHECK(lab.state.nodes.at(n1).halted);
    CHECK(lab.state.nodes.at(n1).halted_by.actor == "alice@n2");
    REQUIRE(lab.say(cluster::node_admin{"n1", true}).accepted);
    CHECK_FALSE(lab.package("web").node_off.contains(n1));
    CHECK_FALSE(lab.state.nodes.at(n1).power_away);
}

TEST_CASE("a failure is remembered: who set the flag, why, and an alarm until it runs again") {
    cluster_lab lab;
    lab.start("web", n1);
    lab.report("web", report::start_exit_2, "exit 2, said: no disk");
    CHECK(lab.package("web").node_off.at(n1).reason.find("no disk") != std::string::npos);
    CHECK(lab.state.alarms.contains("package web"));
    CHECK(lab.state.alarms.at("package web").text.find("no disk") != std::string::npos);
    lab.run("web", n2);
    CHECK_FALSE(lab.state.alarms.contains("package web"));
}

TEST_CASE("a failed target is given up, so that policy may choose again") {
    cluster_lab lab;
    lab.say(cluster::package_run{"web", "n2"}, "alice@n1");
    CHECK(lab.package("web").target == n2);
    lab.start("web", n2);
    lab.report("web", report::start_exit_2);
    CHECK_FALSE(lab.package("web").target);
    CHECK(lab.package("web").switching);
}

TEST_CASE("what was asked for ends with the generation that was started for it, from its feature level on") {
    for (std::uint32_t level : {3U, 4U}) {
        CAPTURE(level);
        bool ends = level >= 4;
        cluster_lab lab;
        for (node_id node : {n1, n2, n3}) lab.boot(node, {1, 2}, level);
        REQUIRE(lab.say(cluster::feature_level{level}).accepted);
        auto& web = lab.package("web");
        SECTION("a move whose halt fails") {
            lab.run("web", n1);
            REQUIRE(lab.say(cluster::package_move{"web", "n2"}, "alice@n1").accepted);
            lab.report("web", report::halt_exit_1);
            CHECK_FALSE(web.switching);
            CHECK(static_cast<bool>(web.target) != ends);
            CHECK(web.asked_by.empty() == ends);
        }
        SECTION("a start whose node dies") {
            REQUIRE(lab.say(cluster::package_run{"web", "n2"}, "alice@n1").accepted);
            lab.start("web", n2);
            lab.boot(n2, {2, 3}, level);
            CHECK(web.phase == package_phase::down);
            CHECK(static_cast<bool>(web.target) != ends);
        }
        SECTION("one whose cluster is halted") {
            REQUIRE(lab.say(cluster::package_run{"web", ""}, "alice@n1").accepted);
            lab.say(cluster::cluster_admin{false}, "alice@n1");
            CHECK(web.target_any != ends);
        }
        SECTION("a move while it starts is still to be made when it runs") {
            lab.start("web", n1);
            REQUIRE(lab.say(cluster::package_move{"web", "n2"}, "alice@n1").accepted);
            lab.report("web", report::running);
            CHECK(static_cast<bool>(web.target) == ends);
        }
    }
}

TEST_CASE("a node that halted itself in good order is back with its daemon; one an administrator halted is not") {
    for (const char* actor : {"shutdown@n1", "alice@n2"}) {
        CAPTURE(actor);
        cluster_lab lab;
        lab.say(cluster::node_admin{"n1", false}, actor);
        lab.boot(n1, {2, 2});
        CHECK(lab.state.nodes.at(n1).halted == (std::string(actor) == "alice@n2"));
    }
}

TEST_CASE("an alarm goes with what it is about") {
    cluster_lab lab;
    auto text = configuration_text();
    auto drop = [&text](const std::string& from, const std::string& to) {
        auto begin = text.find(from);
        REQUIRE(begin != std::string::npos);
        text.erase(begin, to.empty() ? from.size() : text.find(to, begin) - begin);
    };
    auto stays_dark = [&](node_id by, const std::string& node) {
        cluster::cluster_event event{by, "", "power_on_failed", "alarm", {{"target", node}, {"said", "no answer"}}};
        return lab.say(event).accepted;
    };
    SECTION("a node that could not be switched on has booted") {
        REQUIRE(stays_dark(n1, "n2"));
        REQUIRE(stays_dark(n1, "n3"));
        CHECK(lab.state.alarms.at("power_on_failed n2").text == "power_on_failed n2: no answer");
        lab.boot(n2, {1, 2});  // only its daemon
        CHECK(lab.state.alarms.contains("power_on_failed n2"));
        lab.boot(n2, {2, 3});
        CHECK_FALSE(lab.state.alarms.contains("power_on_failed n2"));
        CHECK(lab.state.alarms.contains("power_on_failed n3"));
    }
    SECTION("a package that is taken out") {
        lab.start("web", n1);
        lab.report("web", report::start_exit_2, "no disk");
        REQUIRE(lab.state.alarms.contains("package web"));
        drop("package_name web", "package_name db");
        REQUIRE(lab.say(cluster::configure{text, {}}).accepted);
        CHECK_FALSE(lab.state.alarms.contains("package web"));
    }
    SECTION("a node that is taken out") {
        REQUIRE(stays_dark(n1, "n3"));
        drop("node_name n3\n", "stonith_name");
        REQUIRE(lab.say(cluster::configure{text, {}}).accepted);
        CHECK(lab.state.alarms.empty());
    }
    SECTION("a UPS that is taken out") {
        lab.say(cluster::cluster_event{n1, "ups", "ups_on_battery", "warning", {}});
        lab.say(cluster::cluster_event{n1, "ups", "ups_unreachable", "alarm", {}});
        CHECK(lab.state.alarms.size() == 2);
        drop("  power_source ups\n", "");
        drop("event_name ups\n", "package_name web");
        REQUIRE(lab.say(cluster::configure{text, {}}).accepted);
        CHECK(lab.state.alarms.empty());
        CHECK(lab.state.power.empty());
    }
}
