// Detached nodes (SG 7.4): what refuses it, what it refuses, what ends it, and what proves that a package is over.
#include "cluster/newer_keywords.hpp"
#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::package_phase;
using cluster::proof_kind;
using cluster::report;

namespace {

struct detach_lab : cluster_lab {
    detach_lab() {
        for (auto node : {n1, n2, n3}) boot(node, {1, 2}, cluster::own_feature_level);
        REQUIRE(say(cluster::feature_level{cluster::own_feature_level}).accepted);
        run("web", n1);
    }
    cluster::applied detach(const std::string& node, const std::string& reason = "switch") {
        return say(cluster::node_detach{node, reason}, "alice@n2");
    }
    cluster::applied attach(const std::string& node) { return say(cluster::node_attach{node}, "bob@n3"); }
    cluster::applied tells(node_id node, bool attached) {
        auto found = state.detached.find(node);
        auto which = found == state.detached.end() ? log_index{1} : found->second.since;
        return say(cluster::detachment_report{node, state.nodes.at(node).boot, which, attached});
    }
    cluster::applied attached(node_id node) { return tells(node, true); }
};

std::string refusal(const cluster::applied& outcome) {
    CHECK_FALSE(outcome.accepted);
    return outcome.refusal;
}

bool has(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a node is detached, asked to attach, and says that it has") {
    detach_lab lab;
    REQUIRE(lab.detach("n1").accepted);
    CHECK(lab.state.is_detached(n1));
    CHECK(lab.state.detached.at(n1).by.actor == "alice@n2");
    CHECK(lab.state.detached.at(n1).by.reason == "switch");
    CHECK_FALSE(lab.state.may_host(n1));
    CHECK(has(refusal(lab.detach("n1")), "detached already"));
    CHECK(has(refusal(lab.attached(n1)), "not asked to attach"));
    REQUIRE(lab.attach("n1").accepted);
    CHECK(lab.state.is_detached(n1));
    // The life that was asked is over: the next one has not promised anything.
    auto which = lab.state.detached.at(n1).since;
    CHECK(has(refusal(lab.say(cluster::detachment_report{n1, {1, 1}, which, true})), "is over already"));
    REQUIRE(lab.attached(n1).accepted);
    CHECK_FALSE(lab.state.is_detached(n1));
    CHECK(has(refusal(lab.attach("n1")), "not detached"));
    CHECK(has(refusal(lab.attach("")), "no node is detached"));
    CHECK(lab.package("web").phase == package_phase::running);
}

TEST_CASE("what is said of a detachment that is over counts for no later one") {
    detach_lab lab;
    lab.detach("n1");
    auto first = lab.state.detached.at(n1).since;
    REQUIRE(lab.tells(n1, false).accepted);
    CHECK(lab.state.detached.at(n1).let_go);
    lab.attach("n1");
    lab.attached(n1);
    lab.detach("n1");
    lab.attach("n1");
    CHECK_FALSE(lab.state.detached.at(n1).let_go);
    auto boot = lab.state.nodes.at(n1).boot;
    CHECK(has(refusal(lab.say(cluster::detachment_report{n1, boot, first, true})), "over already"));
    CHECK(lab.state.is_detached(n1));
}

TEST_CASE("an administrator certifies that a detached node is off") {
    detach_lab lab;
    auto certify = [&lab] { return lab.say(cluster::certify_detached{"n1"}, "alice@n2"); };
    CHECK(has(refusal(certify()), "not detached"));
    lab.detach("n1");
    CHECK(has(refusal(certify()), "is heard"));
    lab.lose(n1);
    REQUIRE(certify().accepted);
    CHECK(lab.package("web").proof == proof_kind::certified);
    CHECK(lab.state.nodes.at(n1).status == cluster::node_status::fenced);
    CHECK_FALSE(lab.state.is_detached(n1));
}

TEST_CASE("what a node can't be detached in the middle of") {
    detach_lab lab;
    CHECK(has(refusal(lab.detach("n9")), "no node n9"));
    CHECK(has(refusal(lab.detach("n1", "two\nlines")), "one line"));
    lab.start("db", n2);
    CHECK(has(refusal(lab.detach("n2")), "package db is starting on n2"));
    lab.report("db", report::running);
    lab.report("db", report::halt_timeout);
    CHECK(has(refusal(lab.detach("n2")), "failed to halt"));
    REQUIRE(lab.say(cluster::package_move{"web", "n2"}).accepted);
    CHECK(has(refusal(lab.detach("n1")), "about to leave"));
    lab.lose(n3);
    CHECK(has(refusal(lab.detach("n3")), "is lost"));
    lab.say(cluster::node_admin{"n2", false}, "shutdown@n2");
    CHECK(has(refusal(lab.detach("n2")), "is halted"));

    detach_lab other;
    other.say(cluster::package_switching{"web", "", false});
    REQUIRE(other.say(cluster::package_maintenance{"web", "", true, "", {}}).accepted);
    CHECK(has(refusal(other.detach("n1")), "maintenance off web"));
    CHECK(has(refusal(other.detach("")), "maintenance off web"));
    CHECK(other.state.detached.empty());
}

TEST_CASE("of a whole cluster those are detached that are there, and none is left out that runs something") {
    detach_lab alone;
    alone.lose(n1);
    CHECK(has(refusal(alone.detach("")), "n1 is lost"));
    detach_lab lab;
    lab.lose(n3);
    lab.say(cluster::node_admin{"n2", false});
    REQUIRE(lab.detach("").accepted);
    CHECK(lab.state.is_detached(n1));
    CHECK_FALSE(lab.state.is_detached(n2));
    CHECK_FALSE(lab.state.is_detached(n3));
    CHECK(has(refusal(lab.detach("")), "no node that could be detached"));
    REQUIRE(lab.attach("").accepted);
    CHECK(lab.state.detached.at(n1).attach_asked_by == "bob@n3");
}

TEST_CASE("what is refused while a node is detached") {
    detach_lab lab;
    REQUIRE(lab.detach("n1").accepted);
    CHECK(has(refusal(lab.say(cluster::node_admin{"n1", false})), "hactl node attach n1 first"));
    CHECK(has(refusal(lab.say(cluster::package_move{"web", "n2"})), "hactl node attach n1"));
    CHECK(has(refusal(lab.say(cluster::package_run{"db", "n1"})), "it is detached"));
    CHECK(has(refusal(lab.say(cluster::configure{configuration_text("member_timeout 2s"), {}})), "n1 is detached"));
    CHECK(has(refusal(lab.say(cluster::cluster_admin{false})), "hactl cluster attach"));
    lab.say(cluster::package_switching{"web", "", false});
    CHECK(has(refusal(lab.say(cluster::package_maintenance{"web", "", true, "", {}})), "detached on n1"));

    SECTION("its package can be halted as long as its service runs") {
        CHECK(lab.say(cluster::package_stop{"web"}).accepted);
    }
    SECTION("and not while it does not") {
        lab.lose(n1);
        CHECK(has(refusal(lab.say(cluster::package_stop{"web"})), "hactl node attach n1"));
        CHECK(has(refusal(lab.say(cluster::package_stop_on{"web", "n1"})), "hactl node attach n1"));
    }
}

TEST_CASE("what ends a detached package: the machine's next boot, a fence, not the daemon's next start") {
    detach_lab lab;
    REQUIRE(lab.detach("n1").accepted);
    lab.boot(n1, {1, 3}, cluster::own_feature_level);
    CHECK(lab.state.is_detached(n1));
    CHECK(lab.package("web").phase == package_phase::running);
    lab.lose(n1);

    SECTION("a new boot") {
        lab.boot(n1, {2, 4}, cluster::own_feature_level);
        CHECK(lab.package("web").proof == proof_kind::rebooted);
    }
    SECTION("a fence") {
        REQUIRE(lab.ask_fence(n1).accepted);
        REQUIRE(lab.say(cluster::fence_result{lab.state.fence_ids, cluster::fence_outcome::off_confirmed, "strip", ""})
                    .accepted);
        CHECK(lab.package("web").proof == proof_kind::fenced);
    }
    CHECK_FALSE(lab.state.is_detached(n1));
    CHECK(lab.package("web").phase == package_phase::down);
}

TEST_CASE("a detached node gives its vote up as long as others have one") {
    detach_lab lab;
    CHECK_FALSE(lab.state.gives_vote_up(n1));
    lab.detach("n1");
    CHECK(lab.state.gives_vote_up(n1));
    CHECK_FALSE(lab.state.gives_vote_up(n2));
    lab.detach("");
    for (auto node : {n1, n2, n3}) CHECK_FALSE(lab.state.gives_vote_up(node));
}

TEST_CASE("detached nodes survive the byte form, and only of nodes that there are") {
    detach_lab lab;
    REQUIRE(lab.detach("n1").accepted);
    auto again = cluster::decode_state(encode(lab.state));
    REQUIRE(again);
    CHECK(again->is_detached(n1));
    lab.state.detached[node_id{9}] = {};
    CHECK_FALSE(cluster::decode_state(encode(lab.state)));
}

TEST_CASE("an older node does not know what it would be asked") {
    cluster_lab lab;
    auto asked = cluster::command_body{cluster::node_detach{"n1", ""}};
    CHECK(has(cluster::against_newer_command(lab.state, asked), "n1 runs a version that does not know this"));
    CHECK(has(cluster::against_newer_command(lab.state, cluster::planned{"1-2-3", encode(asked)}), "upgrade it first"));
    CHECK(cluster::against_newer_command(lab.state, cluster::package_stop{"web"}).empty());
    CHECK(cluster::against_newer_command(detach_lab().state, asked).empty());
}
