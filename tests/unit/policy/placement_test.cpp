// Where packages start and when they have to leave. The node list of web is n1, n2.
#include <algorithm>
#include <functional>

#include "policy_lab.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::report;

namespace {

struct row {
    const char* name;
    std::function<void(policy_lab&)> before;
    std::string where;  // "" = nowhere
};

const std::vector<row>& rows() {
    static const std::vector<row> all{
        {"first of its list", [](policy_lab&) {}, "n1"},
        {"first is lost", [](policy_lab& lab) { lab.lose(n1); }, "n2"},
        {"first is silent, not yet lost", [](policy_lab& lab) { lab.view.silent[n1] = true; }, ""},
        {"first is halted",
         [](policy_lab& lab) {
             lab.say(cluster::node_admin{"n1", false});
         },
         "n2"},
        {"first is drained",
         [](policy_lab& lab) {
             lab.say(cluster::power_action{n1, true, "ups"});
         },
         "n2"},
        {"first is disabled for it",
         [](policy_lab& lab) {
             lab.say(cluster::package_switching{"web", "n1", false});
         },
         "n2"},
        {"first is disabled for another",
         [](policy_lab& lab) {
             lab.say(cluster::package_switching{"db", "n1", false});
         },
         "n1"},
        {"first failed with exit 2",
         [](policy_lab& lab) { lab.start("web", n1), lab.report("web", report::start_exit_2); }, "n2"},
        {"failed with exit 1", [](policy_lab& lab) { lab.start("web", n1), lab.report("web", report::start_exit_1); },
         ""},
        {"switching off",
         [](policy_lab& lab) {
             lab.say(cluster::package_switching{"web", "", false});
         },
         ""},
        {"switching off, asked to start",
         [](policy_lab& lab) {
             lab.say(cluster::package_switching{"web", "", false});
             lab.say(cluster::package_run{"web", ""});
         },
         "n1"},
        {"asked to start on the second",
         [](policy_lab& lab) {
             lab.say(cluster::package_run{"web", "n2"});
         },
         "n2"},
        {"the node asked for was lost since",
         [](policy_lab& lab) {
             lab.say(cluster::package_run{"web", "n2"}), lab.lose(n2);
         },
         "n1"},
        {"everything halted", [](policy_lab& lab) { lab.say(cluster::cluster_admin{false}); }, ""},
        {"no node of the list left", [](policy_lab& lab) { lab.lose(n1), lab.lose(n2); }, ""},
        {"battery rather last",
         [](policy_lab& lab) {
             lab.say(cluster::cluster_event{n2, "ups", "ups_on_battery", "warning", {}});
         },
         "n2"},
        {"battery rather than nowhere",
         [](policy_lab& lab) {
             lab.say(cluster::cluster_event{n2, "ups", "ups_on_battery", "warning", {}}), lab.lose(n2);
         },
         "n1"},
        {"moved away from the first",
         [](policy_lab& lab) {
             lab.run("web", n1);
             lab.say(cluster::package_move{"web", ""});
             lab.report("web", report::halted);
         },
         "n2"},
        {"moved away, but the other was lost",
         [](policy_lab& lab) {
             lab.run("web", n1);
             lab.say(cluster::package_move{"web", ""});
             lab.report("web", report::halted);
             lab.lose(n2);
         },
         "n1"},
    };
    return all;
}

}  // namespace

TEST_CASE("where a package starts") {
    for (const auto& item : rows()) {
        DYNAMIC_SECTION(item.name) {
            policy_lab lab;
            item.before(lab);
            CHECK(lab.starts("web") == item.where);
            // Whatever it decides the log accepts.
            for (auto& decision : lab.decide().decisions) {
                auto outcome = lab.say(decision.body);
                CAPTURE(outcome.refusal);
                CHECK(outcome.accepted);
            }
        }
    }
}

TEST_CASE("a start names the next generation, the life of its node and the proof") {
    policy_lab lab;
    lab.boot(n1, {4, 9});
    lab.run("web", n1);
    lab.report("web", report::halted);
    auto found = lab.all<cluster::package_start>();
    auto web = std::find_if(found.begin(), found.end(), [](const auto& item) { return item.package == "web"; });
    REQUIRE(web != found.end());
    CHECK(web->generation == generation{2});
    CHECK(web->boot == (boot_id{4, 9}));
    CHECK(web->proof == cluster::proof_kind::halted);
    CHECK(web->reason.find("configured_node") != std::string::npos);
}

TEST_CASE("packages start in the order of the configuration, and a decided start is not decided again") {
    policy_lab lab;
    auto found = lab.all<cluster::package_start>();
    REQUIRE(found.size() == 2);
    CHECK(found[0].package == "web");
    CHECK(found[1].package == "db");
    for (const auto& item : found) lab.say(item);
    CHECK(lab.decide().decisions.empty());
}

TEST_CASE("what makes a running package leave") {
    struct leaving {
        const char* name;
        std::function<void(policy_lab&)> before;
        const char* why;  // part of the reason; "" = it stays
    };
    for (const auto& item : {
             leaving{"nothing", [](policy_lab&) {}, ""},
             leaving{"its flag switched off",
                     [](policy_lab& lab) {
                         lab.say(cluster::package_switching{"web", "", false});
                     },
                     ""},
             leaving{"its node disabled",
                     [](policy_lab& lab) {
                         lab.say(cluster::package_switching{"web", "n1", false});
                     },
                     ""},
             leaving{"halt", [](policy_lab& lab) { lab.say(cluster::package_stop{"web"}, "alice@n2"); }, "alice@n2"},
             leaving{"node halt",
                     [](policy_lab& lab) {
                         lab.say(cluster::node_admin{"n1", false}, "bob@n2");
                     },
                     "bob@n2"},
             leaving{"node halt of another",
                     [](policy_lab& lab) {
                         lab.say(cluster::node_admin{"n2", false});
                     },
                     ""},
             leaving{"cluster halt", [](policy_lab& lab) { lab.say(cluster::cluster_admin{false}, "eve@n2"); },
                     "eve@n2"},
             leaving{"drain",
                     [](policy_lab& lab) {
                         lab.say(cluster::power_action{n1, true, "ups"});
                     },
                     "on battery"},
             leaving{"move to a node",
                     [](policy_lab& lab) {
                         lab.say(cluster::package_move{"web", "n2"}, "al@n1");
                     },
                     "move to n2"},
             leaving{"move away",
                     [](policy_lab& lab) {
                         lab.say(cluster::package_move{"web", ""}, "al@n1");
                     },
                     "al@n1"},
             leaving{"move to a node that was lost since",
                     [](policy_lab& lab) {
                         lab.say(cluster::package_move{"web", "n2"}), lab.lose(n2);
                     },
                     ""},
             leaving{"move away with nowhere left",
                     [](policy_lab& lab) {
                         lab.say(cluster::package_move{"web", ""}), lab.lose(n2);
                     },
                     ""},
             leaving{"its node lost", [](policy_lab& lab) { lab.lose(n1); }, ""},
         }) {
        DYNAMIC_SECTION(item.name) {
            policy_lab lab;
            lab.run("web", n1);
            item.before(lab);
            auto why = lab.halts("web");
            CAPTURE(why);
            CHECK(why.empty() == std::string(item.why).empty());
            CHECK(why.find(item.why) != std::string::npos);
        }
    }
}

TEST_CASE("a package of a lost node is started nowhere before there is a proof") {
    policy_lab lab;
    lab.run("web", n1);
    lab.view.self = n2;
    lab.lose(n1);
    CHECK(lab.starts("web").empty());
    lab.ask_fence(n1);
    CHECK(lab.starts("web").empty());
    lab.say(cluster::fence_result{lab.state.fence_ids, cluster::fence_outcome::unknown, "strip", ""});
    CHECK(lab.starts("web").empty());
    lab.ask_fence(n1);
    lab.say(cluster::fence_result{lab.state.fence_ids, cluster::fence_outcome::off_confirmed, "strip", ""});
    CHECK(lab.starts("web") == "n2");
}

TEST_CASE("where a package would go next") {
    policy_lab lab;
    CHECK(policy::next_node(lab.state, "web") == n1);
    lab.run("web", n1);
    CHECK(policy::next_node(lab.state, "web") == n2);
    lab.say(cluster::package_switching{"web", "n2", false});
    CHECK(policy::next_node(lab.state, "web") == node_id{});
    lab.say(cluster::package_switching{"web", "n2", true});
    lab.say(cluster::package_switching{"web", "", false});
    CHECK(policy::next_node(lab.state, "web") == node_id{});
    CHECK(policy::next_node(lab.state, "mail") == node_id{});
}
