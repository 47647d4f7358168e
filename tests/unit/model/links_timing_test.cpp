#include <catch2/catch.hpp>

#include "model/parse.hpp"
#include "model/timing.hpp"

using namespace mainstay;

namespace {

cluster_config cluster_of(const std::string& text) {
    named_text file{"cluster.conf", text};
    auto outcome = parse_configuration(std::span(&file, 1));
    for (const auto& item : outcome.found) INFO(to_text(item));
    REQUIRE(outcome.ok());
    return outcome.config.cluster;
}

const std::string three_nodes =
    "cluster_name c\n"
    "node_name a\nnetwork_interface eth0\nheartbeat_ip 10.0.0.1/24\nnetwork_interface eth1\nheartbeat_ip 10.1.0.1/24\n"
    "node_name b\nnetwork_interface ens1\nheartbeat_ip 10.0.0.2/24\nnetwork_interface ens2\nheartbeat_ip 10.1.0.2/24\n"
    "node_name d\nnetwork_interface eth0\nheartbeat_ip 10.0.0.3/24\nstationary_ip 10.9.0.3/24\n";

}  // namespace

TEST_CASE("each heartbeat subnet becomes a UDP link, after the explicit ones") {
    auto cluster = cluster_of(three_nodes + "heartbeat_name eth1\nheartbeat_plugin heartbeat-serial\n");
    auto links = effective_links(cluster);
    REQUIRE(links.size() == 3);
    CHECK(links[0].name == "eth1");
    CHECK(links[1].name == "eth0");
    CHECK(links[1].plugin == "heartbeat-udp");
    CHECK(links[1].params.at(0).name == "port");
    CHECK(links[1].params.at(0).value == "5405");
    CHECK(links[1].nodes == std::vector<std::string>{"a", "b", "d"});
    CHECK(links[1].node_params.at("b").at(0).name == "address");
    CHECK(links[1].node_params.at("b").at(0).value == "10.0.0.2");
    CHECK(links[2].name == "eth1_2");
    CHECK(links[2].nodes == std::vector<std::string>{"a", "b"});
    // Two may be joined by a cable, where a lost carrier may be the peer's death.
    CHECK(links[1].params.size() == 1);
    CHECK(links[2].params.at(1).name == "direct_cable");
    CHECK(links[2].params.at(1).value == "yes");
    CHECK(cluster.subnets == std::vector<std::string>{"10.0.0.0/24", "10.1.0.0/24", "10.9.0.0/24"});
}

TEST_CASE("the lease is longer than an election, 3 T and a daemon restart") {
    auto cluster = cluster_of(three_nodes + "member_timeout 2s\ndaemon_restart_time 1s\n");
    auto t = timings_of(cluster);
    CHECK(t.heartbeat_interval == duration{250'000});
    CHECK(t.rank_step == duration{125'000});
    CHECK(t.election == duration{2'000'000 + 3 * 125'000 + 4 * 20'000 + 5 * 20'000});
    CHECK(t.lease == duration{6'000'000});
    CHECK(t.halt_timeout == duration{0});
    cluster.daemon_restart_time = duration{9'000'000};
    CHECK(timings_of(cluster).lease == duration{9'000'000});
    cluster.daemon_restart_time = duration{0};
    cluster.member_timeout = duration{60'000};
    t = timings_of(cluster);
    CHECK(t.rank_step == duration{5'000});
    CHECK(t.lease == t.election);
}

TEST_CASE("a lost node's packages have surely ended after T + L + W + halt + drift") {
    auto cluster = cluster_of(three_nodes + "on_quorum_loss halt\nlease_halt_timeout 10s\n");
    auto t = timings_of(cluster);
    auto proof = lease_proof_of(t, duration{15'000'000});
    CHECK(proof.total() == (t.member_timeout + t.lease + duration{25'000'000}) * 101 / 100 + duration{1'000});
    auto text = explain(t);
    CHECK(text.find("lease halt timeout 10s") != std::string::npos);
    CHECK(text.find("3 candidates") != std::string::npos);
}

TEST_CASE("a slow serial line only vetoes fencing, and says from which T it counts") {
    auto cluster = cluster_of(three_nodes +
                              "heartbeat_name cable\nheartbeat_plugin heartbeat-serial\nheartbeat_param baud 1200\n");
    auto link = timing_of(cluster, cluster.heartbeats.front());
    CHECK(link.frame == duration{866'667});
    CHECK(link.beat_period == duration{1'733'334});
    CHECK_FALSE(link.counts);
    CHECK(link.member_timeout_min == duration{6'933'336});
    cluster.member_timeout = link.member_timeout_min;
    CHECK(timing_of(cluster, cluster.heartbeats.front()).counts);
    cluster.heartbeats.front().params.front().value = "nonsense";
    CHECK(timing_of(cluster, cluster.heartbeats.front()).frame == duration{9'028});
    cluster.heartbeats.front().plugin = "heartbeat-udp";
    CHECK(timing_of(cluster, cluster.heartbeats.front()).frame == duration{0});
}
