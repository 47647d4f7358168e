// Every kind of entry has an event name, a severity and a sentence that names what it is about.
#include <set>

#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;

namespace {

struct row {
    cluster::command_body body;
    const char* event;
    const char* mentions;
};

}  // namespace

TEST_CASE("each kind of command reads as a sentence") {
    cluster_lab lab;
    lab.run("web", n1);
    lab.lose(n3);
    lab.ask_fence(n3);
    using cluster::report;
    std::vector<row> rows{
        {cluster::found_cluster{cluster_id{7}, {"", {{"a", n1}}}}, "cluster_formed", "1 nodes"},
        {cluster::configure{}, "configuration_applied", "configuration"},
        {cluster::node_lost{n2, {1, 1}, "silence"}, "node_lost", "n2 lost: silence"},
        {cluster::node_back{n2, {1, 1}}, "node_back", "n2"},
        {cluster::fence_request{1, n3, {1, 1}, n2, {1, 1}, "why"}, "fence_requested", "n3 from n2: why"},
        {cluster::fence_result{1, cluster::fence_outcome::off_confirmed, "strip", ""}, "node_fenced", "n3"},
        {cluster::fence_result{1, cluster::fence_outcome::unknown, "strip", "no word"}, "fence_failed", "no word"},
        {cluster::fence_result{1, cluster::fence_outcome::cancelled, "", "heard"}, "fence_cancelled", "n3"},
        {cluster::package_start{"web", {2}, n2, {1, 1}, cluster::proof_kind::fenced, "first"}, "package_starting",
         "web on n2: first (proof: fenced)"},
        {cluster::package_halt{"web", {1}, "asked"}, "package_halting", "web on n1: asked"},
        {cluster::package_report{"web", {1}, n1, report::running, ""}, "package_running", "web on n1"},
        {cluster::package_report{"web", {1}, n1, report::halted, ""}, "package_halted", "web on n1"},
        {cluster::package_report{"web", {1}, n1, report::start_exit_2, "no disk"}, "package_failed", "no disk"},
        {cluster::package_report{"web", {1}, n1, report::halt_timeout, ""}, "package_failed", "halt_timeout"},
        {cluster::service_restarted{"web", {1}, "probe", 2, "exit 1"}, "service_restarted",
         "probe of web died (exit 1)"},
        {cluster::package_run{"web", "n2"}, "package_start_asked", "web on n2"},
        {cluster::package_stop{"web"}, "package_halt_asked", "web"},
        {cluster::package_stop_on{"web", "n1"}, "package_halt_asked", "web on n1"},
        {cluster::package_run_partly{"web", "", "address", {"volume_group", "filesystem"}}, "package_start_asked",
         "web up to address without volume_group, filesystem"},
        {cluster::package_stop_partly{"web"}, "package_halt_asked", "web, of what was started"},
        {cluster::restarts_reset{"web", "", "probe"}, "restarts_reset", "service probe of web are counted anew"},
        {cluster::package_move{"web", ""}, "package_move_asked", "web"},
        {cluster::package_switching{"web", "n2", false}, "package_switching", "disable web on n2"},
        {cluster::node_admin{"n2", false}, "node_halted", "n2"},
        {cluster::node_admin{"n2", true}, "node_run", "n2"},
        {cluster::cluster_admin{false}, "cluster_halted", "cluster halt"},
        {cluster::cluster_admin{true}, "cluster_run", "cluster run"},
        {cluster::cluster_event{n2, "ups", "ups_on_battery", "warning", {{"load", "7"}}}, "ups_on_battery", "load=7"},
        {cluster::power_action{n2, true, "ups"}, "power_drain", "n2"},
        {cluster::power_action{n2, false, "ups"}, "power_restored", "n2"},
        {cluster::feature_level{3}, "feature_level", "3"},
        {cluster::package_report{"web", {1}, n1, report::halt_exit_2, ""}, "package_halted", "halt_exit_2"},
        {cluster::package_wish_over{"web", "no room"}, "package_move_over", "no room"},
        {cluster::notified{"mail", {9}, false, "bounced"}, "notify_failed", "bounced"},
        {cluster::notified{"mail", {9}, true, ""}, "notified", "mail"},
        {cluster::proof_broken{n3, {1, 1}}, "proof_broken", "n3 is heard"},
        {cluster::fence_node{"n3"}, "fence_asked", "n3"},
        {cluster::package_report{"web", {1}, n1, report::before_resource_down, "lun"}, "package_failed",
         "resource_down (lun)"},
        {cluster::package_report{"web", {1}, n1, report::subnet_down, ""}, "package_failed", "subnet_down"},
        {cluster::resource_set{"lun", "n1", "up"}, "resource_set", "lun on n1 is up"},
        {cluster::subnet_seen{n1, {1, 1}, "10.77.0.0/24", false}, "subnet_down", "10.77.0.0/24 is down on n1"},
        {cluster::subnet_seen{n1, {1, 1}, "10.77.0.0/24", true}, "subnet_up", "is up on n1"},
        {cluster::package_maintenance{"web", "", true, "disks", {}}, "maintenance_on", "on web: disks"},
        {cluster::package_maintenance{"web", "", false, "", {}}, "maintenance_off", "off web"},
        {cluster::package_pin{"web", "n2", "licence", {}}, "package_pinned", "pin web to n2: licence"},
        {cluster::package_pin{"web", "", "", {}}, "package_unpinned", "unpin web"},
        {cluster::node_detach{"n2", "switch"}, "node_detached", "node detach n2: switch"},
        {cluster::node_detach{"", ""}, "node_detached", "cluster detach"},
        {cluster::node_attach{"n2"}, "attach_asked", "node attach n2"},
        {cluster::detachment_report{n2, {1, 1}, {3}, true}, "node_attached", "n2 is attached again"},
        {cluster::detachment_report{n2, {1, 1}, {3}, false}, "node_let_go", "n2 lets its packages be"},
        {cluster::certify_detached{"n2"}, "certified_down", "n2, which is detached"},
        {cluster::service_down{"web", {1}, "probe", "exit 1"}, "service_down", "probe of web has ended (exit 1)"},
        {cluster::planned{"7-a-b", encode(cluster::command_body{cluster::package_stop{"web"}})}, "package_halt_asked",
         "package halt web (plan 7-a-b)"},
    };
    std::set<std::size_t> kinds;
    for (const auto& item : rows) {
        kinds.insert(item.body.index());
        cluster::command command;
        command.body = item.body;
        auto found = cluster::describe(lab.state, {term{}, consensus::payload{encode(command)}}, {});
        CAPTURE(item.event, found.text);
        CHECK(found.event == item.event);
        CHECK(found.text.find(item.mentions) != std::string::npos);
        CHECK((found.severity == "info" || found.severity == "warning" || found.severity == "alarm"));
    }
    CHECK(kinds.size() == std::variant_size_v<cluster::command_body>);
}

TEST_CASE("entries that are no command read as sentences too") {
    cluster_lab lab;
    auto joined = cluster::describe(lab.state, {term{}, consensus::boot_entry{n2, {3, 4}}}, {});
    CHECK(joined.event == "node_joined");
    CHECK(joined.node == "n2");
    CHECK(joined.text.find("3.4") != std::string::npos);
    consensus::voter_set set;
    set.version = 4;
    CHECK(cluster::describe(lab.state, {term{}, set}, {}).text.find("voter set 4") != std::string::npos);
    CHECK(cluster::describe(lab.state, {term{}, consensus::payload{"\x7f"}}, {}).event == "unknown_entry");
}

TEST_CASE("a refused request says so, as information") {
    cluster_lab lab;
    auto outcome = lab.say(cluster::package_run{"web", "n9"}, "alice@n1");
    auto found = cluster::describe(lab.state, lab.last, outcome);
    CHECK(found.event == "refused");
    CHECK(found.severity == "info");
    CHECK(found.text.find(outcome.refusal) != std::string::npos);
    CHECK(found.package == "web");
}
