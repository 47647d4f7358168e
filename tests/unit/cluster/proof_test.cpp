// Proof of death: what releases a package of a lost node, and what must not.
#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::fence_outcome;
using cluster::node_status;
using cluster::package_phase;
using cluster::proof_kind;

namespace {

cluster_lab web_on_lost_n1() {
    cluster_lab lab;
    lab.run("web", n1);
    lab.run("db", n2);
    lab.lose(n1);
    return lab;
}

}  // namespace

TEST_CASE("losing a node proves nothing: its packages stay where they were") {
    auto lab = web_on_lost_n1();
    CHECK(lab.package("web").phase == package_phase::running);
    CHECK(lab.package("web").owner == n1);
    CHECK(lab.last_outcome.packages == std::vector<std::string>{"web"});
    CHECK_FALSE(lab.start("web", n2).accepted);
}

TEST_CASE("only a confirmed power-off releases the packages") {
    struct row {
        fence_outcome outcome;
        bool releases;
        bool alarms;
    };
    for (const auto& item : {row{fence_outcome::off_confirmed, true, false}, row{fence_outcome::failed, false, true},
                             row{fence_outcome::unknown, false, true}, row{fence_outcome::cancelled, false, false}}) {
        CAPTURE(to_string(item.outcome));
        auto lab = web_on_lost_n1();
        lab.ask_fence(n1);
        lab.say(cluster::fence_result{lab.state.fence_ids, item.outcome, "strip", "detail"});
        CHECK((lab.package("web").phase == package_phase::down) == item.releases);
        CHECK((lab.state.nodes.at(n1).status == node_status::fenced) == item.releases);
        CHECK(lab.state.alarms.contains("fence n1") == item.alarms);
        if (item.releases) CHECK(lab.package("web").proof == proof_kind::fenced);
        CHECK(lab.package("db").phase == package_phase::running);  // on another node
    }
}

TEST_CASE("a fence of an older machine life does not release what a newer one runs") {
    cluster_lab lab;
    lab.lose(n1);
    lab.ask_fence(n1);  // names boot 1.1
    auto id = lab.state.fence_ids;
    lab.boot(n1, {2, 2});  // it came back meanwhile
    lab.run("web", n1);    // and runs web in boot 2.2
    lab.say(cluster::fence_result{id, fence_outcome::off_confirmed, "strip", ""});
    CHECK(lab.package("web").phase == package_phase::running);
    CHECK(lab.state.nodes.at(n1).status == node_status::up);
}

TEST_CASE("a fence counts for a package that only the daemon's half is newer of") {
    cluster_lab lab;
    lab.run("web", n1);
    lab.boot(n1, {1, 2});
    lab.lose(n1);
    lab.ask_fence(n1);
    lab.say(cluster::fence_result{lab.state.fence_ids, fence_outcome::off_confirmed, "strip", ""});
    CHECK(lab.package("web").phase == package_phase::down);
}

TEST_CASE("a restarted daemon proves nothing, a rebooted machine does") {
    struct row {
        boot_id boot;
        bool releases;
        bool accepted;
    };
    for (const auto& item : {row{{1, 2}, false, true}, row{{1, 9}, false, true}, row{{2, 2}, true, true},
                             row{{1, 1}, false, true}, row{{1, 0}, false, false}, row{{0, 9}, false, false}}) {
        CAPTURE(item.boot.machine, item.boot.incarnation);
        auto lab = web_on_lost_n1();
        auto outcome = lab.boot(n1, item.boot);
        CHECK(outcome.accepted == item.accepted);
        CHECK((lab.package("web").phase == package_phase::down) == item.releases);
        if (item.releases) CHECK(lab.package("web").proof == proof_kind::rebooted);
        CHECK((lab.state.nodes.at(n1).status == node_status::up) == item.accepted);
        CHECK(lab.package("db").phase == package_phase::running);
    }
}

TEST_CASE("an older boot entry never takes a node back in time") {
    cluster_lab lab;
    lab.boot(n1, {3, 7});
    CHECK_FALSE(lab.boot(n1, {2, 9}).accepted);
    CHECK(lab.state.nodes.at(n1).boot == (boot_id{3, 7}));
}

TEST_CASE("what a generation's end proved is stored with the next start") {
    struct row {
        cluster::report what;
        proof_kind proof;
    };
    for (const auto& item : {row{cluster::report::halted, proof_kind::halted},
                             row{cluster::report::start_exit_1, proof_kind::start_failed},
                             row{cluster::report::start_exit_2, proof_kind::start_failed},
                             row{cluster::report::start_timeout, proof_kind::start_failed}}) {
        CAPTURE(to_string(item.what));
        cluster_lab lab;
        CHECK(lab.package("web").proof == proof_kind::never_started);
        lab.start("web", n1);
        lab.report("web", item.what);
        CHECK(lab.package("web").proof == item.proof);
        lab.start("web", n2);
        CHECK(lab.package("web").proof == item.proof);
        CHECK(lab.package("web").generation == generation{2});
    }
}

TEST_CASE("what failed to halt is released by a proof of its node's death, by nothing else") {
    cluster_lab lab;
    lab.run("web", n1);
    lab.report("web", cluster::report::halt_timeout);
    CHECK_FALSE(lab.start("web", n2).accepted);
    lab.boot(n1, {1, 2});
    CHECK_FALSE(lab.start("web", n2).accepted);
    lab.boot(n1, {2, 3});
    CHECK(lab.start("web", n2).accepted);
}

TEST_CASE("a node that was heard again keeps its packages") {
    auto lab = web_on_lost_n1();
    REQUIRE(lab.say(cluster::node_back{n1, {1, 1}}).accepted);
    CHECK(lab.state.nodes.at(n1).status == node_status::up);
    CHECK(lab.package("web").phase == package_phase::running);
}
