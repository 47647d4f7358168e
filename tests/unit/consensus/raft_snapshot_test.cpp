// Snapshots, learners (R7, R8), leadership transfer.
#include <catch2/catch.hpp>

#include "network.hpp"

using namespace mainstay;
using namespace mainstay::consensus;

namespace {

void fill(network& net, int count) {
    for (int i = 0; i < count; ++i) {
        REQUIRE(net.propose(net.leader(), "entry " + std::to_string(i)));
        net.run(ms);
    }
    net.run(50 * ms);
}

// Larger than one piece.
bytes state_bytes() {
    bytes data;
    for (int i = 0; i < 50'000; ++i) data += static_cast<char>('a' + i % 26);
    return data;
}

}  // namespace

TEST_CASE("a compacted log still answers for what it holds") {
    network net({1, 2, 3});
    net.elect();
    fill(net, 40);
    auto commit = net.at(1).commit();
    net.at(1).compact(commit, "state", 10);
    net.drain(1);
    CHECK(net.at(1).snapshot().index == commit);
    CHECK(net.at(1).log().before().value == commit.value - 10);
    CHECK(net.at(1).active().size() == 1);
    CHECK(net.of(1).disk.snapshot.data == "state");
    CHECK(net.of(1).disk.log == net.at(1).log().entries());
    fill(net, 5);  // followers a little behind need no snapshot
    for (const auto& item : net.sent) CHECK_FALSE(std::holds_alternative<snapshot_request>(item.body));
    net.restart(1);
    REQUIRE(net.run_until([&] { return net.leader() != 0; }));
    CHECK(net.at(1).snapshot().index == commit);
    CHECK(net.at(1).active().front().set.voters.size() == 3);
}

TEST_CASE("a follower that is too far behind gets the snapshot in pieces, then the rest") {
    network net({1, 2, 3});
    net.elect();
    net.isolate(3);
    fill(net, 40);
    auto commit = net.at(1).commit();
    auto data = state_bytes();
    for (std::uint32_t id : {1U, 2U}) {
        net.at(id).compact(net.at(id).commit(), data, 2);
        net.drain(id);
    }
    SECTION("undisturbed") { net.heal(); }
    SECTION("with its disk held for a while") {
        net.of(3).hold_disk = true;
        net.heal();
        net.run(300 * ms);
        CHECK(net.at(3).commit() < commit);
        net.release_disk(3);
    }
    SECTION("restarted in between") {
        net.heal();
        net.run(3 * ms);
        net.restart(3);
    }
    REQUIRE(net.run_until([&] { return net.at(3).commit() >= commit; }));
    CHECK(net.at(3).snapshot().data == data);
    CHECK(net.of(3).disk.snapshot.data == data);
    REQUIRE(net.run_until([&] { return net.leader() != 0; }));
    if (!net.at(net.leader()).may_decide()) net.propose(net.leader(), "took over");
    fill(net, 3);
    REQUIRE(net.run_until([&] { return net.at(3).commit() == net.at(net.leader()).last_index(); }));
}

TEST_CASE("an empty store that joined learns from the snapshot, counts for nothing, then becomes a voter") {
    network net({1, 2, 3});
    net.elect();
    fill(net, 20);
    net.at(1).compact(net.at(1).commit(), "state", 0);
    net.drain(1);
    net.add_empty(4);
    net.at(4).join();
    net.at(1).set_learners({node_id{4}}, net.now());
    net.drain(1);
    REQUIRE(net.run_until([&] { return net.at(1).caught_up(voter_of(4), net.now()); }));
    CHECK(net.at(4).snapshot().data == "state");
    CHECK_FALSE(net.at(4).is_voter(node_id{4}));
    net.isolate(2);
    net.isolate(3);
    auto index = net.propose(1, "with a learner only");
    net.run(60 * ms);
    CHECK(net.at(1).commit() < *index);
    net.heal();
    REQUIRE(net.run_until([&] { return net.leader() != 0 && net.at(net.leader()).last_index() >= *index; }));
    auto leader = net.leader();
    net.propose(leader, "took over");
    REQUIRE(net.run_until([&] { return net.at(leader).may_change_voters(); }));
    net.at(leader).set_learners({node_id{4}}, net.now());
    REQUIRE(net.propose(leader, set_of(2, {1, 2, 3, 4})));
    REQUIRE(net.run_until([&] { return net.at(4).active().back().set.version == 2; }));
    CHECK(net.at(4).is_voter(node_id{4}));
}

TEST_CASE("a leader that asks for it is followed by the one that holds its log, without a timeout") {
    network net({1, 2, 3});
    auto former = net.elect();
    net.run(50 * ms);
    auto begin = net.now();
    net.at(former).transfer(net.now());
    net.drain(former);
    REQUIRE(net.run_until([&] { return net.leader() != former && net.leader() != 0; }, 60 * ms));
    CHECK(net.now() - begin < test_timing.member_timeout);
    CHECK_FALSE(net.at(former).leads());
}

TEST_CASE("a voter that lost its store is not that voter") {
    network net({1, 2, 3});
    net.elect();
    net.isolate(3);
    fill(net, 5);
    net.lose_store(3, store_id{999});
    net.at(3).join();
    net.heal();
    net.isolate(2);
    auto index = net.propose(1, "needs two of the three stores");
    net.run(90 * ms);
    CHECK(net.at(1).commit() < *index);
    net.run(500 * ms);
    CHECK(net.leader() == 0);
}
