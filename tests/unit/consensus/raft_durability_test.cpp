// What has to be on the disk before it is said; what a node without a log does; save and restore.
#include <catch2/catch.hpp>

#include "network.hpp"

using namespace mainstay;
using namespace mainstay::consensus;

TEST_CASE("a vote leaves only when its term is durable") {
    network net({1, 2, 3});
    auto& voter = net.at(2);
    voter.receive(node_id{1}, vote_request{term{1, node_id{1}}, false, log_index{2}, term{}, {}, false},
                  time_point{ms});
    auto writes = voter.take_writes();
    REQUIRE(writes.size() == 1);
    CHECK(writes[0].term == (term{1, node_id{1}}));
    CHECK(voter.take_messages().empty());
    CHECK(voter.stable_term() == term{});
    voter.stored(net.of(2).synced + 1, time_point{2 * ms});
    CHECK(voter.stable_term() == (term{1, node_id{1}}));
    auto said = answers<vote_answer>(voter);
    REQUIRE(said.size() == 1);
    CHECK(said[0].granted);
}

TEST_CASE("a vote that was given is remembered after a restart") {
    network net({1, 2, 3});
    net.at(2).receive(node_id{3}, vote_request{term{7, node_id{3}}, false, log_index{2}, term{}, {}, false},
                      time_point{ms});
    net.drain(2);
    net.restart(2);
    CHECK(net.at(2).current_term() == (term{7, node_id{3}}));
    net.at(2).receive(node_id{1}, vote_request{term{7, node_id{1}}, false, log_index{2}, term{}, {}, false},
                      time_point{ms});
    for (const auto& said : answers<vote_answer>(net.at(2))) CHECK_FALSE(said.granted);
}

TEST_CASE("a candidate asks for votes only when its term is durable, and does not vote for itself before") {
    network net({1, 2, 3});
    net.of(1).hold_disk = true;
    net.run(500 * ms);
    for (const auto& item : net.sent)
        if (const auto* request = std::get_if<vote_request>(&item.body)) CHECK((request->pre || item.from != 1));
    CHECK_FALSE(net.at(1).leads());
}

TEST_CASE("an append is acknowledged only when it is stored") {
    network net({1, 2, 3});
    net.elect();
    net.run(50 * ms);
    net.isolate(3);
    net.of(2).hold_disk = true;
    auto index = net.propose(1, "x");
    REQUIRE(index);
    net.run(50 * ms);
    CHECK(net.at(2).last_index() == *index);  // it has it ...
    CHECK(net.at(1).commit() < *index);       // ... but has not said so
    net.release_disk(2);
    REQUIRE(net.run_until([&] { return net.at(1).commit() == *index; }, 50 * ms));
}

TEST_CASE("a leader's own copy counts only when it is stored; others count on their own") {
    network net({1, 2, 3});
    net.elect();
    net.run(50 * ms);
    net.of(1).hold_disk = true;
    net.isolate(3);
    auto index = net.propose(1, "x");
    net.run(30 * ms);
    CHECK(net.at(2).last_index() == *index);
    CHECK(net.at(1).commit() < *index);  // one stored copy of three
    net.heal();
    REQUIRE(net.run_until([&] { return net.at(1).commit() == *index; }, 60 * ms));  // two without its own
    CHECK(net.of(1).disk.log.size() < index->value);
}

TEST_CASE("writes are one sequence: what is stored is what was meant") {
    network net({1, 2, 3});
    net.elect();
    for (int i = 0; i < 20; ++i) net.propose(1, "entry " + std::to_string(i));
    net.run(100 * ms);
    for (std::uint32_t id : {1U, 2U, 3U}) {
        CAPTURE(id);
        CHECK(net.of(id).disk.log == net.at(id).log().entries());
        CHECK(net.of(id).disk.term == net.at(id).current_term());
        CHECK(net.of(id).disk.commit <= net.at(id).commit());
        CHECK(net.at(id).commit() == net.at(1).last_index());
    }
}

TEST_CASE("an empty store is silent until it is given a first log") {
    raft empty(voter_of(1), {}, test_timing, 1, time_point{});
    empty.tick(time_point{10'000 * ms});
    empty.receive(node_id{2}, vote_request{term{1, node_id{2}}, false, log_index{2}, term{}, {}, false},
                  time_point{ms});
    empty.beat_heard(node_id{2}, beat_view{term{1, node_id{2}}, true, log_index{2}, time_point::min(), {}},
                     time_point{ms});
    CHECK(empty.take_messages().empty());
    CHECK(empty.take_writes().empty());
    CHECK(empty.deadline() == never);

    empty.adopt(founding({1, 2, 3}), time_point{ms});
    CHECK(empty.commit() < log_index{2});  // the voter set's mark is not durable yet
    for (std::uint64_t done = 0;;) {
        auto writes = empty.take_writes();
        if (writes.empty()) break;
        done += writes.size();
        empty.stored(done, time_point{2 * ms});
    }
    CHECK(empty.commit() == log_index{2});
    CHECK(empty.is_voter(node_id{1}));
    CHECK(empty.deadline() != never);
}

TEST_CASE("saved and read back at every step, everything goes the same way") {
    auto play = [](bool with_save) {
        network net({1, 2, 3});
        if (with_save)
            net.before_each = [](raft& item) {
                auto saved = encode(item);
                raft other(voter{}, {}, test_timing, 99, time_point{});
                codec::reader reader(saved);
                reader.get(other);
                REQUIRE(reader.ok());
                REQUIRE(reader.at_end());
                item = std::move(other);
            };
        net.elect();
        net.propose(1, "one");
        net.of(2).hold_disk = true;
        net.run(40 * ms);
        net.release_disk(2);
        net.isolate(1);
        net.run(700 * ms);
        net.heal();
        net.run(700 * ms);
        std::string story;
        for (const auto& item : net.sent)
            story += std::to_string(item.from) + ">" + std::to_string(item.to) + " " + encode(item.body) + "\n";
        for (std::uint32_t id : {1U, 2U, 3U}) story += encode(net.of(id).disk);
        return story;
    };
    auto plain = play(false);
    CHECK(plain.size() > 1000);
    CHECK((plain == play(true)));
}
