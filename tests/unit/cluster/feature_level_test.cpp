// D2: nodes of different versions side by side.
#include <catch2/catch.hpp>

#include "cluster/newer_keywords.hpp"
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

TEST_CASE("what an older node does not read waits until it is upgraded") {
    configuration wanted;
    wanted.packages.emplace_back().name = "web";
    wanted.packages.back().services.emplace_back().name = "s";
    cluster::state state;
    CHECK(against_newer_keywords(state, wanted).empty());  // a new cluster
    state.cluster = cluster_id{5};
    state.feature_level = 1;
    CHECK(against_newer_keywords(state, wanted).empty());  // of nodes that have not been here yet
    state.nodes[node_id{1}] = {.name = "n1", .boot = {1, 1}, .feature_level = 1};
    CHECK_FALSE(against_newer_keywords(state, wanted).empty());
    state.feature_level = cluster::script_services_level;
    CHECK(against_newer_keywords(state, wanted).empty());
    state.feature_level = 1;
    wanted.packages.back().services.back().command = "/bin/s";
    CHECK(against_newer_keywords(state, wanted).empty());
    SECTION("a volume group") { wanted.packages.back().volume_groups.emplace_back().name = "vg01"; }
    SECTION("a switch") { wanted.cluster.nodes.emplace_back().interfaces.emplace_back().network_switch = "left"; }
    SECTION("what feeds a device") { wanted.cluster.stonith.emplace_back().power_source = "ups"; }
    CHECK(against_newer_keywords(state, wanted).find("node n1 runs a version") != std::string::npos);
}

TEST_CASE("sites wait for the level that knows them") {
    configuration wanted;
    wanted.packages.emplace_back().name = "web";
    cluster::state state;
    state.cluster = cluster_id{5};
    state.feature_level = cluster::sites_level - 1;
    state.nodes[node_id{1}] = {.name = "n1", .boot = {1, 1}, .feature_level = cluster::sites_level - 1};
    CHECK(against_newer_keywords(state, wanted).empty());
    SECTION("a site") { wanted.cluster.sites = {"east"}; }
    SECTION("of a node") { wanted.cluster.nodes.emplace_back().site = "east"; }
    SECTION("a policy") { wanted.packages.back().failover_policy = package_config::failover::site_preferred; }
    CHECK(against_newer_keywords(state, wanted).find("node n1 runs a version") != std::string::npos);
    state.feature_level = cluster::sites_level;
    CHECK(against_newer_keywords(state, wanted).empty());
}
