// Every kind of command: when it is accepted, when it is refused, and that the refusal is a sentence.
#include <functional>
#include <set>

#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::report;

namespace {

struct row {
    const char* name;
    std::function<void(cluster_lab&)> before;
    cluster::command_body command;
    const char* refusal;  // a part of it; nullptr = accepted
};

const auto nothing = [](cluster_lab&) {};
const auto web_on_n1 = [](cluster_lab& lab) { lab.run("web", n1); };
const auto halted = [](cluster_lab& lab) { lab.say(cluster::cluster_admin{false}); };
const auto n2_lost = [](cluster_lab& lab) { lab.lose(n2); };
const auto fence_of_n1 = [](cluster_lab& lab) {
    lab.lose(n1);
    lab.ask_fence(n1);
};

const auto in_maintenance = [](cluster_lab& lab) {
    REQUIRE(
        lab.say(cluster::configure{configuration_text() + "service_name db_s\n  service_cmd /bin/s\n", {}}).accepted);
    REQUIRE(lab.say(cluster::package_switching{"db", "", false}).accepted);
    REQUIRE(lab.say(cluster::package_maintenance{"db", "n1", true, "", {}}).accepted);
};

cluster::configure new_text(const std::string& text) { return {text, {}}; }

std::string without(std::string text, const std::string& from, const std::string& to = "") {
    auto begin = text.find(from);
    auto end = to.empty() ? std::string::npos : text.find(to, begin);
    return text.erase(begin, end == std::string::npos ? end : end - begin);
}

std::string without_n1(std::string text) {
    text = without(std::move(text), "node_name n1\n", "node_name n2");
    for (auto at = text.find("node_name n1\n"); at != std::string::npos; at = text.find("node_name n1\n"))
        text.erase(at, 13);
    return text;
}

std::vector<row> rows() {
    auto text = configuration_text();
    return {
        {"found twice", nothing, cluster::found_cluster{cluster_id{5}, {text, {}}}, "exists already"},
        {"configure the same", nothing, new_text(text), nullptr},
        {"configure nonsense", nothing, new_text("no such keyword"), "unknown keyword"},
        {"configure without a cluster", nothing, new_text("package_name x\n"), ""},
        {"configure other nodes", nothing, new_text(without(text, "node_name n3\n", "stonith_name")), nullptr},
        {"remove a node with a package", [](cluster_lab& lab) { lab.run("web", n1); }, new_text(without_n1(text)),
         "hactl node halt n1"},
        {"remove a running package", web_on_n1, new_text(without(text, "package_name web", "package_name db")),
         "halt it before"},
        {"remove a package that is down", nothing, new_text(without(text, "package_name web", "package_name db")),
         nullptr},
        {"change a running package", web_on_n1, new_text(without(text, "  halt_script /bin/true\n", "package_name db")),
         "halt it before halt_script is changed"},
        {"change a package that is down", nothing,
         new_text(without(text, "  halt_script /bin/true\n", "package_name db")), nullptr},
        {"lose a node", nothing, cluster::node_lost{n1, {1, 1}, "x"}, nullptr},
        {"lose an older life", nothing, cluster::node_lost{n1, {1, 0}, "x"}, "over already"},
        {"lose an unknown node", nothing, cluster::node_lost{node_id{9}, {1, 1}, "x"}, "over already"},
        {"lose it twice", n2_lost, cluster::node_lost{n2, {1, 1}, "x"}, "not up"},
        {"back", n2_lost, cluster::node_back{n2, {1, 1}}, nullptr},
        {"back without having been lost", nothing, cluster::node_back{n2, {1, 1}}, "not lost"},
        {"back in another life", n2_lost, cluster::node_back{n2, {1, 2}}, "over already"},
        {"fence", n2_lost, cluster::fence_request{1, n2, {1, 1}, n1, {1, 1}, "x"}, nullptr},
        {"fence another life", n2_lost, cluster::fence_request{1, n2, {0, 9}, n1, {1, 1}, "x"}, "over already"},
        {"result", fence_of_n1, cluster::fence_result{1, cluster::fence_outcome::failed, "strip", "x"}, nullptr},
        {"result of nothing", nothing, cluster::fence_result{1, cluster::fence_outcome::failed, "strip", "x"},
         "no such fence"},
        {"second result",
         [](cluster_lab& lab) {
             fence_of_n1(lab);
             lab.say(cluster::fence_result{1, cluster::fence_outcome::unknown, "strip", ""});
         },
         cluster::fence_result{1, cluster::fence_outcome::off_confirmed, "strip", ""}, "already"},
        {"start", nothing, cluster::package_start{"web", {1}, n1, {1, 1}}, nullptr},
        {"start what runs", web_on_n1, cluster::package_start{"web", {2}, n2, {1, 1}}, "not down"},
        {"start with a gap", nothing, cluster::package_start{"web", {2}, n1, {1, 1}}, "generation"},
        {"start an old generation again", [](cluster_lab& lab) { web_on_n1(lab), lab.report("web", report::halted); },
         cluster::package_start{"web", {1}, n1, {1, 1}}, "generation"},
        {"start in another life", nothing, cluster::package_start{"web", {1}, n1, {2, 1}}, "over already"},
        {"start nothing known", nothing, cluster::package_start{"mail", {1}, n1, {1, 1}}, "no package mail"},
        {"halt decision", web_on_n1, cluster::package_halt{"web", {1}, "x"}, nullptr},
        {"halt decision for an old generation", web_on_n1, cluster::package_halt{"web", {0}, "x"}, "over already"},
        {"halt decision for what is down", nothing, cluster::package_halt{"web", {0}, "x"}, "over already"},
        {"report", web_on_n1, cluster::package_report{"web", {1}, n1, report::halted, ""}, nullptr},
        {"report of another node", web_on_n1, cluster::package_report{"web", {1}, n2, report::halted, ""},
         "does not own"},
        {"report of another generation", web_on_n1, cluster::package_report{"web", {2}, n1, report::halted, ""},
         "over already"},
        {"service restarted", web_on_n1, cluster::service_restarted{"web", {1}, "s", 1, ""}, nullptr},
        {"service of an old generation", web_on_n1, cluster::service_restarted{"web", {7}, "s", 1, ""}, "over already"},
        {"package start", nothing, cluster::package_run{"web", ""}, nullptr},
        {"package start on a node", nothing, cluster::package_run{"web", "n2"}, nullptr},
        {"package start of nothing known", nothing, cluster::package_run{"mail", ""}, "no package mail"},
        {"package start where it may not", nothing, cluster::package_run{"web", "n3"}, "not in the node list"},
        {"package start on no node", nothing, cluster::package_run{"web", "n9"}, "no node n9"},
        {"package start on a lost node", n2_lost, cluster::package_run{"web", "n2"}, "lost"},
        {"package start while it runs", web_on_n1, cluster::package_run{"web", ""}, "running on n1"},
        {"package start, cluster halted", halted, cluster::package_run{"web", ""}, "hactl cluster run"},
        {"package start on a node, cluster halted", halted, cluster::package_run{"web", "n1"}, "hactl cluster run"},
        {"package start on a disabled node",
         [](cluster_lab& lab) {
             lab.say(cluster::package_switching{"web", "n2", false}, "bob@n1");
         },
         cluster::package_run{"web", "n2"}, "hactl package enable web --node n2"},
        {"package start with nowhere to go", [](cluster_lab& lab) { lab.lose(n1), lab.lose(n2); },
         cluster::package_run{"web", ""}, "hactl explain web"},
        {"package halt", web_on_n1, cluster::package_stop{"web"}, nullptr},
        {"package halt of what wants to run", nothing, cluster::package_stop{"web"}, nullptr},
        {"package halt twice", [](cluster_lab& lab) { lab.say(cluster::package_stop{"web"}); },
         cluster::package_stop{"web"}, "halted already"},
        {"package halt on its node", web_on_n1, cluster::package_stop_on{"web", "n1"}, nullptr},
        {"package halt on another node", web_on_n1, cluster::package_stop_on{"web", "n2"}, "does not run on n2"},
        {"package halt on no node", web_on_n1, cluster::package_stop_on{"web", "n9"}, "no node n9"},
        {"package halt on a node of what is down", nothing, cluster::package_stop_on{"web", "n1"}, "does not run on"},
        {"package halt on a node of nothing known", nothing, cluster::package_stop_on{"mail", "n1"}, "no package mail"},
        {"partial start", in_maintenance, cluster::package_run_partly{"db", "", "", {"service"}}, nullptr},
        {"partial start without maintenance", nothing, cluster::package_run_partly{"db", "", "service", {}},
         "hactl package disable db, then hactl package maintenance on db"},
        {"partial start of nothing known", nothing, cluster::package_run_partly{"mail", "", "service", {}},
         "no package mail"},
        {"partial start of all", in_maintenance, cluster::package_run_partly{"db", "", "", {}}, "nothing is left out"},
        {"partial start elsewhere", in_maintenance, cluster::package_run_partly{"db", "n2", "run_script", {}},
         "in maintenance on n1"},
        {"partial halt",
         [](cluster_lab& lab) {
             in_maintenance(lab);
             REQUIRE(lab.say(cluster::package_run_partly{"db", "", "run_script", {}}).accepted);
             lab.start("db", n1);
         },
         cluster::package_stop_partly{"db"}, nullptr},
        {"partial halt of what is whole", web_on_n1, cluster::package_stop_partly{"web"}, "was not started partly"},
        {"partial halt of nothing known", nothing, cluster::package_stop_partly{"mail"}, "no package mail"},
        {"restarts counted anew", in_maintenance, cluster::restarts_reset{"db", "", "db_s"}, nullptr},
        {"restarts of nothing known", nothing, cluster::restarts_reset{"mail", "", ""}, "no package mail"},
        {"restarts of no service", nothing, cluster::restarts_reset{"web", "", "x"}, "has no service x"},
        {"move", web_on_n1, cluster::package_move{"web", "n2"}, nullptr},
        {"move anywhere", web_on_n1, cluster::package_move{"web", ""}, nullptr},
        {"move to where it is", web_on_n1, cluster::package_move{"web", "n1"}, "already"},
        {"move what is down", nothing, cluster::package_move{"web", "n2"}, "hactl package start web"},
        {"move outside the list", web_on_n1, cluster::package_move{"web", "n3"}, "not in the node list"},
        {"move with nowhere to go", [](cluster_lab& lab) { web_on_n1(lab), lab.lose(n2); },
         cluster::package_move{"web", ""}, "no other node"},
        {"move what failed to halt", [](cluster_lab& lab) { web_on_n1(lab), lab.report("web", report::halt_exit_1); },
         cluster::package_move{"web", "n2"}, "halt_failed"},
        {"disable on no node", nothing, cluster::package_switching{"web", "n9", false}, "no node n9"},
        {"node halt", nothing, cluster::node_admin{"n1", false}, nullptr},
        {"node halt of no node", nothing, cluster::node_admin{"n9", false}, "no node n9"},
        {"node run of what runs", nothing, cluster::node_admin{"n1", true}, "not halted"},
        {"cluster halt", nothing, cluster::cluster_admin{false}, nullptr},
        {"cluster halt twice", halted, cluster::cluster_admin{false}, "halted already"},
        {"cluster run of what runs", nothing, cluster::cluster_admin{true}, "running already"},
        {"event", nothing, cluster::cluster_event{n1, "ups", "ups_on_battery", "warning", {}}, nullptr},
        {"power action", nothing, cluster::power_action{n1, true, "x"}, nullptr},
        {"power action on no node", nothing, cluster::power_action{node_id{9}, true, "x"}, "no such node"},
        {"proof broken of a node that is not fenced", nothing, cluster::proof_broken{n3, {1, 1}}, "is not fenced"},
        {"proof broken of another life", nothing, cluster::proof_broken{n3, {9, 1}}, "over already"},
        {"fence a node", nothing, cluster::fence_node{"n3"}, nullptr},
        {"fence no node", nothing, cluster::fence_node{"n9"}, "no node n9"},
        {"feature level", nothing, cluster::feature_level{2}, nullptr},
        {"set a resource of no package", nothing, cluster::resource_set{"disk", "n1", "up"}, "generic resource disk"},
        {"a subnet of another life", nothing, cluster::subnet_seen{n1, {9, 1}, "10.77.0.0/24", true}, "over already"},
        {"a subnet", nothing, cluster::subnet_seen{n1, {1, 1}, "10.77.0.0/24", true}, nullptr},
        {"maintenance with switching on", nothing, cluster::package_maintenance{"web", "n1", true, "", {}},
         "hactl package disable web"},
        {"maintenance of nothing known", nothing, cluster::package_maintenance{"mail", "", true, "", {}},
         "no package mail"},
        {"maintenance off without maintenance", nothing, cluster::package_maintenance{"web", "", false, "", {}},
         "not in maintenance"},
        {"a pin below its level", nothing, cluster::package_pin{"web", "n1", "", {}}, "upgrade it first"},
        {"a detach below its level", nothing, cluster::node_detach{"n1", ""}, "upgrade it first"},
        {"an attach of what is attached", nothing, cluster::node_attach{"n1"}, "not detached"},
        {"a report of no detachment", nothing, cluster::detachment_report{n1, {1, 1}, {1}, true}, "over already"},
        {"a certificate for what is attached", nothing, cluster::certify_detached{"n1"}, "not detached"},
        {"service down", web_on_n1, cluster::service_down{"web", {1}, "s", ""}, nullptr},
        {"service down of an old generation", web_on_n1, cluster::service_down{"web", {7}, "s", ""}, "over already"},
        {"wish over", web_on_n1, cluster::package_wish_over{"web", "no room"}, nullptr},
        {"wish over of nothing known", nothing, cluster::package_wish_over{"mail", ""}, "no package mail"},
        {"notified", nothing, cluster::notified{"operator", {3}, true, ""}, nullptr},
        {"planned without a plan", web_on_n1,
         cluster::planned{"", encode(cluster::command_body{cluster::package_stop{"web"}})}, "no id of a plan"},
    };
}

}  // namespace

TEST_CASE("commands are accepted or refused with a reason") {
    std::set<std::size_t> kinds;
    for (const auto& item : rows()) {
        kinds.insert(item.command.index());
        DYNAMIC_SECTION(item.name) {
            cluster_lab lab;
            item.before(lab);
            auto packages = encode(lab.state.packages);
            auto outcome = lab.say(item.command, "alice@n1");
            CAPTURE(outcome.refusal);
            CHECK(outcome.accepted == (item.refusal == nullptr));
            CHECK(lab.state.applied == lab.index);
            if (item.refusal == nullptr) {
                CHECK(outcome.refusal.empty());
            } else {
                CHECK_FALSE(outcome.refusal.empty());
                CHECK(outcome.refusal.find(item.refusal) != std::string::npos);
                CHECK(encode(lab.state.packages) == packages);  // refused changes nothing
            }
        }
    }
    CHECK(kinds.size() == std::variant_size_v<cluster::command_body>);
}

TEST_CASE("a package added to a running cluster does not start by itself") {
    cluster_lab lab;
    auto text = configuration_text() + "package_name mail\n  run_script /bin/true\n  auto_run yes\n";
    REQUIRE(lab.say(new_text(text)).configuration_changed);
    CHECK_FALSE(lab.package("mail").switching);
    CHECK(lab.package("web").switching);
}

TEST_CASE("configuration keeps what runs and forgets what was removed") {
    cluster_lab lab;
    lab.run("web", n1);
    REQUIRE(lab.say(new_text(without(configuration_text(), "package_name db"))).accepted);
    CHECK_FALSE(lab.state.packages.contains("db"));
    CHECK(lab.package("web").phase == cluster::package_phase::running);
    CHECK(lab.package("web").owner == n1);
}

TEST_CASE("a move to a node that is taken out is off") {
    cluster_lab lab;
    lab.run("db", n1);
    REQUIRE(lab.say(cluster::package_move{"db", "n2"}, "alice@n1").accepted);
    REQUIRE(lab.package("db").target == n2);
    auto text = without(configuration_text(), "package_name web") +
                "package_name db\n  run_script /bin/true\n  halt_script /bin/true\n";
    std::string second = "node_name n2\n  network_interface eth0\n    heartbeat_ip 10.77.0.2/24\n";
    text.erase(text.find(second), second.size());
    auto outcome = lab.say(new_text(text));
    INFO(outcome.refusal);
    REQUIRE(outcome.accepted);
    CHECK_FALSE(lab.package("db").target);
    CHECK(cluster::coherent(lab.state));
}

TEST_CASE("the longest lease ever committed is remembered") {
    cluster_lab lab;
    auto first = lab.state.lease_max;
    REQUIRE(lab.say(new_text(configuration_text("member_timeout 10s"))).accepted);
    auto longer = lab.state.lease_max;
    CHECK(longer > first);
    REQUIRE(lab.say(new_text(configuration_text("member_timeout 1s"))).accepted);
    CHECK(lab.state.lease_max == longer);
}

TEST_CASE("so is what else a node out of reach may go by: T and lease_halt_timeout") {
    cluster_lab lab;
    REQUIRE(lab.say(new_text(configuration_text("member_timeout 9s"))).accepted);
    // Older versions did not keep it: it begins with what holds when all of them read it.
    REQUIRE(lab.say(new_text(configuration_text("on_quorum_loss halt\n  lease_halt_timeout 60s"))).accepted);
    REQUIRE(lab.say(cluster::feature_level{cluster::waits_level}).accepted);
    auto now = timings_of(lab.state.config.cluster);
    CHECK(lab.state.longest(now).member_timeout == now.member_timeout);
    CHECK(lab.state.longest(now).halt_timeout == duration{60'000'000});
    REQUIRE(lab.say(new_text(configuration_text("member_timeout 2s"))).accepted);
    REQUIRE(lab.say(new_text(configuration_text(""))).accepted);
    now = timings_of(lab.state.config.cluster);
    CHECK(now.halt_timeout == duration{0});
    CHECK(lab.state.longest(now).halt_timeout == duration{60'000'000});
    CHECK(lab.state.longest(now).member_timeout == std::max(now.member_timeout, duration{2'000'000}));
    auto copy = decode<cluster::state>(encode(lab.state));
    REQUIRE(copy);
    CHECK(copy->halt_timeout_max == duration{60'000'000});
}

TEST_CASE("halting tries again what failed to halt") {
    cluster_lab lab;
    lab.run("web", n1);
    lab.report("web", report::halt_exit_1);
    REQUIRE(lab.package("web").phase == cluster::package_phase::halt_failed);
    REQUIRE(lab.say(cluster::package_stop{"web"}, "alice@n1").accepted);
    CHECK(lab.package("web").phase == cluster::package_phase::halting);
    REQUIRE(lab.report("web", report::halted).accepted);
    CHECK(lab.package("web").phase == cluster::package_phase::down);
    CHECK(lab.package("web").stop_asked_by.empty());
}

TEST_CASE("power events: battery, low, mains") {
    cluster_lab lab;
    auto event = [&](const char* name, const char* severity) {
        lab.say(cluster::cluster_event{n1, "ups", name, severity, {}});
        return lab.state.power["ups"];
    };
    auto first = event("ups_on_battery", "warning");
    CHECK(first.on_battery);
    CHECK_FALSE(first.low);
    CHECK(lab.state.alarms.contains("power ups"));
    auto again = event("ups_on_battery", "warning");
    CHECK(again.since == first.since);  // since when, not since the last word of it
    CHECK(event("ups_low_battery", "alarm").low);
    CHECK(event("ups_on_battery", "warning").low);  // low until mains is back
    auto mains = event("ups_on_mains", "info");
    CHECK_FALSE(mains.on_battery);
    CHECK_FALSE(mains.low);
    CHECK_FALSE(lab.state.alarms.contains("power ups"));
}
