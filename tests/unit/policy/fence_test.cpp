// Who is lost, who is heard again, who is shot, from where, and when again.
#include "policy_lab.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::fence_request;

namespace {

policy_lab n2_lost_with_web() {
    policy_lab lab;
    lab.run("db", n1);
    lab.run("web", n2);
    lab.lose(n2);
    return lab;
}

}  // namespace

TEST_CASE("silence is written down as lost, a voice as back") {
    policy_lab lab;
    lab.run("web", n1);
    lab.run("db", n1);
    lab.view.silent[n3] = true;
    auto lost = lab.all<cluster::node_lost>();
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].node == n3);
    CHECK(lost[0].boot == (boot_id{1, 1}));
    lab.lose(n3);
    CHECK(lab.all<cluster::node_lost>().empty());
    lab.view.silent.clear();
    lab.view.heard_again[n3] = true;
    REQUIRE(lab.all<cluster::node_back>().size() == 1);
}

TEST_CASE("a lost node is fenced only when a package waits for the proof") {
    policy_lab lab;
    lab.run("db", n1);
    lab.run("web", n1);
    lab.lose(n2);
    CHECK(lab.all<fence_request>().empty());

    auto waiting = n2_lost_with_web();
    auto found = waiting.all<fence_request>();
    REQUIRE(found.size() == 1);
    CHECK(found[0].node == n2);
    CHECK(found[0].boot == (boot_id{1, 1}));
    CHECK(found[0].executor == n1);
    CHECK(found[0].executor_boot == (boot_id{1, 1}));
    CHECK(found[0].id > 0);
}

TEST_CASE("the fence is asked for in the same breath as the loss is written down, after it") {
    policy_lab lab;
    lab.run("db", n1);
    lab.run("web", n2);
    lab.view.silent[n2] = true;
    lab.view.silent[n3] = true;
    auto found = lab.decide().decisions;
    REQUIRE(found.size() == 3);
    CHECK(std::holds_alternative<cluster::node_lost>(found[0].body));
    CHECK(std::holds_alternative<cluster::node_lost>(found[1].body));
    const auto* fence = std::get_if<fence_request>(&found[2].body);
    REQUIRE(fence != nullptr);
    CHECK(fence->node == n2);  // n3 runs nothing
}

TEST_CASE("every phase of a package that is not over waits for the proof") {
    for (auto what : {cluster::report::running, cluster::report::service_failed, cluster::report::halt_exit_1,
                      cluster::report::halted, cluster::report::start_exit_2}) {
        CAPTURE(to_string(what));
        policy_lab lab;
        lab.run("db", n1);
        lab.start("web", n2);
        lab.report("web", what);
        bool waits = lab.package("web").active();
        lab.lose(n2);
        CHECK(lab.all<fence_request>().size() == (waits ? 1 : 0));
    }
}

TEST_CASE("a node that a majority hears, or that is heard again, is not shot") {
    auto lab = n2_lost_with_web();
    lab.view.heard_by_majority[n2] = true;
    CHECK(lab.all<fence_request>().empty());
    lab.view.heard_by_majority[n2] = false;
    CHECK(lab.all<fence_request>().size() == 1);
    lab.view.heard_again[n2] = true;
    CHECK(lab.all<fence_request>().empty());
}

TEST_CASE("whose own links are all down shoots nobody, unless an administrator asks") {
    auto lab = n2_lost_with_web();
    lab.view.cut_off = true;
    CHECK(lab.all<fence_request>().empty());
    SECTION("and they are up again") {
        lab.view.cut_off = false;
        CHECK(lab.all<fence_request>().size() == 1);
    }
    SECTION("asked for") {
        lab.state.nodes.at(n2).fence_asked_by = "alice";
        CHECK(lab.all<fence_request>().size() == 1);
    }
}

TEST_CASE("one request at a time, until its executor is gone or it has failed") {
    auto lab = n2_lost_with_web();
    lab.say(lab.all<fence_request>().at(0));
    CHECK(lab.all<fence_request>().empty());

    SECTION("the executor's daemon restarted") {
        lab.boot(n1, {1, 2});
        CHECK(lab.all<fence_request>().size() == 1);
    }
    SECTION("the executor is silent") {
        lab.view.self = n3;
        lab.view.silent[n1] = true;
        auto found = lab.all<fence_request>();
        std::erase_if(found, [](const auto& item) { return item.node != n2; });
        REQUIRE(found.size() == 1);
        CHECK(found[0].executor == n3);
    }
    SECTION("it failed") {
        auto first = lab.state.fence_ids;
        lab.say(cluster::fence_result{first, cluster::fence_outcome::failed, "strip", "no answer"});
        auto found = lab.all<fence_request>();
        REQUIRE(found.size() == 1);
        CHECK(found[0].id > first);
    }
}

TEST_CASE("after a failure it waits for its back-off and says when to look again") {
    auto lab = n2_lost_with_web();
    lab.view.fence_again[n2] = lab.view.now + 3 * second;
    CHECK(lab.all<fence_request>().empty());
    CHECK(lab.decide().look_again == lab.view.now + 3 * second);
    lab.view.now += 3 * second;
    CHECK(lab.all<fence_request>().size() == 1);
}

TEST_CASE("each further try comes from the next living node, never from the target") {
    auto lab = n2_lost_with_web();
    std::vector<node_id> order;
    for (std::uint32_t tries = 0; tries < 4; ++tries) {
        lab.view.fence_tries[n2] = tries;
        order.push_back(lab.all<fence_request>().at(0).executor);
    }
    CHECK(order == std::vector<node_id>{n1, n3, n1, n3});
    lab.view.silent[n3] = true;
    lab.view.fence_tries[n2] = 1;
    CHECK(lab.all<fence_request>().at(0).executor == n1);
}

TEST_CASE("two lost nodes are two requests with two ids") {
    policy_lab lab;
    lab.run("web", n2);
    lab.run("db", n3);
    lab.lose(n2);
    lab.lose(n3);
    auto found = lab.all<fence_request>();
    REQUIRE(found.size() == 2);
    CHECK(found[0].node != found[1].node);
    CHECK(found[0].id != found[1].id);
}

TEST_CASE("fencing none: nothing is shot; when the lease has surely passed the end is assumed, and said so") {
    policy_lab lab(configuration_text("fencing none"));
    lab.run("db", n1);
    lab.run("web", n2);
    lab.lose(n2);
    CHECK(lab.all<fence_request>().empty());
    CHECK(lab.starts("web").empty());
    CHECK(lab.all<cluster::package_report>().empty());  // no date: never

    lab.view.lost_for_sure[n2] = lab.view.now + 5 * second;
    CHECK(lab.all<cluster::package_report>().empty());
    CHECK(lab.decide().look_again == lab.view.now + 5 * second);
    lab.view.now += 5 * second;
    auto found = lab.all<cluster::package_report>();
    REQUIRE(found.size() == 1);
    CHECK(found[0].detail.find("ASSUMED") != std::string::npos);
    REQUIRE(lab.say(found[0]).accepted);
    CHECK(lab.starts("web") == "n1");
}

TEST_CASE("with fencing required the lease's end alone is no proof") {
    auto lab = n2_lost_with_web();
    lab.view.lost_for_sure[n2] = lab.view.now - 100 * second;
    CHECK(lab.all<cluster::package_report>().empty());
    CHECK(lab.starts("web").empty());
}

// What is stored with the next start is what `hactl status` shows in red.
TEST_CASE("fencing none: the start that follows carries the weak proof") {
    policy_lab lab(configuration_text("fencing none"));
    lab.run("db", n1);
    lab.run("web", n2);
    lab.lose(n2);
    lab.view.lost_for_sure[n2] = lab.view.now;
    REQUIRE(lab.say(lab.all<cluster::package_report>().at(0)).accepted);
    CHECK(lab.package("web").proof == cluster::proof_kind::assumed);
    for (const auto& item : lab.all<cluster::package_start>())
        if (item.package == "web") CHECK(item.proof == cluster::proof_kind::assumed);
}
