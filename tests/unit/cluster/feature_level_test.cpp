// D2: nodes of different versions side by side.
#include <catch2/catch.hpp>

#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;

TEST_CASE("the common feature level is the lowest that any node's newest life has announced") {
    cluster_lab lab;
    CHECK(lab.state.common_feature_level() == 1);
    lab.boot(n1, {1, 2}, 3);
    lab.boot(n2, {1, 2}, 2);
    CHECK(lab.state.common_feature_level() == 1);
    lab.boot(n3, {1, 2}, 4);
    CHECK(lab.state.common_feature_level() == 2);
    lab.boot(n1, {1, 3}, 1);
    CHECK(lab.state.common_feature_level() == 1);
    lab.lose(n1);  // off, it may come back as it was
    CHECK(lab.state.common_feature_level() == 1);
}

TEST_CASE("a node that has never been in the cluster has announced nothing") {
    cluster_lab lab;
    lab.state.nodes.at(n3) = cluster::node_state{};
    CHECK(lab.state.common_feature_level() == 0);
    CHECK_FALSE(lab.state.too_old(n3));
}

TEST_CASE("a node too old for the cluster's level hosts nothing, what runs there stays, and the log says so") {
    cluster_lab lab;
    lab.run("web", n1);
    for (auto node : {n1, n2, n3}) lab.boot(node, {1, 2}, 2);
    REQUIRE(lab.say(cluster::feature_level{2}).accepted);
    CHECK(lab.state.may_host(n1));
    REQUIRE(lab.boot(n1, {1, 3}, 1).accepted);
    CHECK(lab.state.too_old(n1));
    CHECK_FALSE(lab.state.may_host(n1));
    CHECK(lab.package("web").phase == cluster::package_phase::running);
    auto told = cluster::describe(lab.state, lab.last, lab.last_outcome);
    CHECK(told.severity == "alarm");
    CHECK(told.text.find("too old: it reads feature level 1, the cluster is at 2") != std::string::npos);
    REQUIRE(lab.boot(n2, {1, 3}, 1).accepted);
    CHECK(lab.say(cluster::package_move{"web", "n2"}).refusal.find("too old") != std::string::npos);
    REQUIRE(lab.boot(n1, {1, 4}, 2).accepted);
    CHECK(lab.state.may_host(n1));
}

TEST_CASE("the level never goes back") {
    cluster_lab lab;
    lab.say(cluster::feature_level{3});
    lab.say(cluster::feature_level{2});
    CHECK(lab.state.feature_level == 3);
}
