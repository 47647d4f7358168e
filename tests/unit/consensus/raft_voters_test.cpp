// R2: changes of the voter set. Nothing ever uses the newest set alone.
#include <catch2/catch.hpp>

#include "network.hpp"

using namespace mainstay;
using namespace mainstay::consensus;

TEST_CASE("a pending voter set: commit needs a majority of each active set") {
    struct row {
        const char* what;
        std::vector<std::uint32_t> lost;
        bool commits;
    };
    for (const auto& item :
         {row{"all there", {}, true}, row{"one of the old", {2}, true}, row{"one of the new", {4}, true},
          row{"one of each", {3, 5}, true}, row{"both others of the new", {4, 5}, false},
          row{"both others of the old", {2, 3}, false}}) {
        CAPTURE(item.what);
        network net({1, 2, 3}, {1, 2, 3, 4, 5});
        net.elect();
        net.run(50 * ms);
        for (auto id : item.lost) net.isolate(id);
        auto set = net.propose(1, set_of(2, {1, 4, 5}));
        REQUIRE(set);
        auto after = net.propose(1, "behind it");
        net.run(90 * ms);
        CHECK((net.at(1).commit() >= *after) == item.commits);
        CHECK((net.at(1).commit() >= *set) == item.commits);
        CHECK(net.at(1).active().size() == (item.commits ? 1 : 2));
        CHECK(net.at(1).active().back().set.version == 2);
    }
}

TEST_CASE("a pending voter set: votes and check-quorum need a majority of each as well") {
    network net({1, 2, 3}, {1, 2, 3, 4, 5});
    net.elect();
    net.run(50 * ms);
    net.isolate(4);
    net.isolate(5);
    REQUIRE(net.propose(1, set_of(2, {1, 4, 5})));
    net.run(1'000 * ms);
    // Without the new set's majority nobody who has it in the log can lead on.
    CHECK_FALSE(net.at(1).leads());
    CHECK(net.leader() == 0);
    net.heal();
    net.isolate(5);
    REQUIRE(net.run_until([&] { return net.leader() != 0; }));
}

TEST_CASE("a voter set that is truncated takes its set with it") {
    network net({1, 2, 3});
    net.elect();
    net.run(50 * ms);
    net.isolate(1);
    REQUIRE(net.propose(1, set_of(2, {1})));
    CHECK(net.at(1).active().size() == 2);
    net.run(500 * ms);
    CHECK(net.at(1).commit().value < net.at(1).last_index().value);  // its own majority of the new set is not enough
    net.propose(net.leader(), "other");
    net.heal();
    REQUIRE(net.run_until([&] { return net.at(1).commit() == net.at(net.leader()).last_index(); }));
    CHECK(net.at(1).active().size() == 1);
    CHECK(net.at(1).active().front().set.version == 1);
}

TEST_CASE("a voter set is proposed only on a settled base") {
    network net({1, 2, 3});
    REQUIRE(net.run_until([&] { return net.leader() == 1; }));
    CHECK_FALSE(net.propose(1, set_of(2, {1, 2})));  // no entry of its own term committed
    net.propose(1, "took over");
    REQUIRE(net.run_until([&] { return net.at(1).may_decide(); }));
    net.isolate(2);
    net.isolate(3);
    REQUIRE(net.propose(1, set_of(2, {1, 2})));
    CHECK_FALSE(net.propose(1, set_of(3, {1, 2, 3})));  // another is pending
    CHECK(net.propose(1, "anything else may"));
    net.heal();
    REQUIRE(net.run_until([&] { return net.at(1).active().size() == 1; }));
    CHECK(net.propose(1, set_of(3, {1, 2, 3})));
}

TEST_CASE("a voter set's mark is durable before the set is acted on") {
    network net({1, 2, 3}, {1, 2, 3, 4});
    net.elect();
    net.run(50 * ms);
    SECTION("on the leader") {
        auto set = net.propose(1, set_of(2, {1, 2, 4}));
        REQUIRE(set);
        net.of(1).hold_disk = true;  // its entry is stored already, the mark will not be
        net.run(30 * ms);
        CHECK(net.at(1).commit() < *set);
        CHECK(net.at(1).active().size() == 2);
        for (const auto& item : net.sent)
            if (const auto* append = std::get_if<append_request>(&item.body)) CHECK(append->commit < *set);
        net.release_disk(1);
        REQUIRE(net.run_until([&] { return net.at(1).commit() >= *set; }, 30 * ms));
        CHECK(net.of(1).disk.commit >= *set);
        CHECK(net.at(1).active().size() == 1);
    }
    SECTION("on a follower") {
        net.cut(1, 2);
        auto set = net.propose(1, set_of(2, {1, 2, 4}));
        REQUIRE(net.run_until([&] { return net.at(1).commit() >= *set; }, 60 * ms));
        net.heal();
        REQUIRE(net.run_until([&] { return net.at(2).last_index() >= *set && net.of(2).unsynced.empty(); }, 60 * ms));
        bool waited = false;
        net.run_until(
            [&] {
                waited = waited || net.at(2).active().size() == 2;
                CHECK((net.at(2).active().size() == 2 || net.of(2).disk.commit >= *set));
                return net.at(2).commit() >= *set;
            },
            60 * ms);
        CHECK(net.of(2).disk.commit >= *set);
    }
}

TEST_CASE("a member that the committed set no longer names neither counts nor stands") {
    network net({1, 2, 3});
    net.elect();
    net.run(50 * ms);
    auto set = net.propose(1, set_of(2, {1, 2}));
    REQUIRE(net.run_until([&] { return net.at(1).commit() >= *set && net.at(3).commit() >= *set; }));
    CHECK_FALSE(net.at(3).is_voter(node_id{3}));
    net.isolate(2);
    auto index = net.propose(1, "x");
    net.run(60 * ms);
    CHECK(net.at(1).commit() < *index);  // 1 and 3 are not two of {1, 2}
    net.run(500 * ms);
    CHECK(net.at(3).current_role() == role::follower);
    CHECK(net.leader() == 0);
}

TEST_CASE("R3: who left all voter sets holds what is committed against a candidate, not its own tail") {
    // Node 2 led when the set without it was committed, and has an entry that nobody else ever got.
    term before{1, node_id{1}};
    term own{2, node_id{2}};
    auto entries = founding({1, 2});
    entries.push_back({before, set_of(2, {1})});
    entries.push_back({own, payload{"committed"}});
    entries.push_back({own, payload{"only here"}});
    struct row {
        const char* what;
        log_index commit;
        log_index last;
        bool granted;
    };
    for (const auto& item : {row{"what is committed", log_index{4}, log_index{4}, true},
                             row{"less than what is committed", log_index{4}, log_index{3}, false},
                             row{"still in the set it knows", log_index{2}, log_index{4}, false},
                             row{"still in the set it knows, all of it", log_index{2}, log_index{5}, true}}) {
        CAPTURE(item.what);
        for (bool pre : {true, false}) {
            raft left(voter_of(2), durable(own, item.commit, entries), test_timing, 1, time_point{});
            left.receive(node_id{1},
                         vote_request{term{3, node_id{1}}, pre, item.last, item.last.value > 3 ? own : before,
                                      time_point{}, false},
                         time_point{ms});
            left.stored(left.take_writes().size(), time_point{ms});
            auto said = answers<vote_answer>(left);
            REQUIRE(said.size() == 1);
            CHECK(said[0].granted == item.granted);
        }
    }
}
