// Who leads: pre-vote, order of rank, the vote itself, R1 and R6.
#include <catch2/catch.hpp>

#include "network.hpp"

using namespace mainstay;
using namespace mainstay::consensus;

TEST_CASE("the first in line is elected after member_timeout, in one round") {
    network net({1, 2, 3});
    REQUIRE(net.run_until([&] { return net.leader() != 0; }));
    CHECK(net.leader() == 1);
    CHECK(net.now() >= time_point{test_timing.member_timeout});
    CHECK(net.now() <= time_point{test_timing.member_timeout + 10 * ms});
    CHECK(net.at(1).current_term() == (term{1, node_id{1}}));
    net.run(50 * ms);
    CHECK(net.at(2).leader() == node_id{1});
    CHECK(net.at(3).leader() == node_id{1});
}

TEST_CASE("a node alone is its own majority, at once after its patience") {
    network net({1});
    REQUIRE(net.run_until([&] { return net.leader() == 1; }));
    CHECK(net.propose(1, "alone") == log_index{3});
    CHECK(net.at(1).commit() == log_index{3});
    net.run(1'000 * ms);
    CHECK(net.at(1).leads());
}

TEST_CASE("after a leader's death the next in line follows, before the others try") {
    for (std::uint32_t count : {3U, 5U, 7U}) {
        CAPTURE(count);
        std::vector<std::uint32_t> voters;
        for (std::uint32_t i = 1; i <= count; ++i) voters.push_back(i);
        network net(voters);
        CHECK(net.elect() == 1);
        net.run(100 * ms);
        net.isolate(1);
        auto died = net.now();
        REQUIRE(net.run_until([&] { return net.leader() > 1; }));
        CHECK(net.leader() == 2);
        CHECK(net.now() - died <= test_timing.member_timeout + 12 * ms);  // no rank_step is waited
        for (std::uint32_t i = 3; i <= count; ++i) CHECK(net.at(i).current_role() == role::follower);
    }
}

TEST_CASE("pre-vote: a node that was cut off raises no term and disturbs nobody when it returns") {
    network net({1, 2, 3});
    net.elect();
    net.isolate(3);
    net.run(2'000 * ms);
    CHECK(net.at(3).current_term() == (term{1, node_id{1}}));
    CHECK(net.at(3).current_role() == role::pre_candidate);
    net.heal();
    net.run(500 * ms);
    CHECK(net.at(1).leads());
    CHECK(net.at(1).current_term() == (term{1, node_id{1}}));
    CHECK(net.at(3).leader() == node_id{1});
}

TEST_CASE("a voter that hears its leader helps nobody to depose it") {
    network net({1, 2, 3});
    net.elect();
    net.cut(1, 3);
    net.cut(3, 1);  // 3 still talks to 2
    net.run(2'000 * ms);
    CHECK(net.at(1).leads());
    CHECK(net.at(1).current_term().round == 1);

    auto before = net.at(2).current_term();
    for (bool pre : {true, false}) {
        CAPTURE(pre);
        net.at(2).receive(node_id{3},
                          vote_request{term{9, node_id{3}}, pre, log_index{50}, term{8, node_id{3}}, net.now()},
                          net.now());
        auto said = answers<vote_answer>(net.at(2));
        REQUIRE(said.size() == 1);
        CHECK_FALSE(said[0].granted);
        CHECK(net.at(2).current_term() == before);
    }
}

TEST_CASE("votes go only to a log that is at least as new") {
    struct row {
        const char* what;
        log_index index;
        term last;
        bool granted;
    };
    // The voter's log ends with entry 3 of term 2.1.
    auto entries = founding({1, 2, 3});
    entries.push_back({term{2, node_id{1}}, payload{"x"}});
    for (const auto& item :
         {row{"shorter", log_index{2}, term{2, node_id{1}}, false},
          row{"equal", log_index{3}, term{2, node_id{1}}, true}, row{"longer", log_index{4}, term{2, node_id{1}}, true},
          row{"longer but older term", log_index{9}, term{1, node_id{3}}, false},
          row{"shorter but newer term", log_index{1}, term{3, node_id{3}}, true}}) {
        CAPTURE(item.what);
        for (bool pre : {true, false}) {
            CAPTURE(pre);
            raft voter(voter_of(2), durable(term{2, node_id{1}}, log_index{2}, entries), test_timing, 1, time_point{});
            voter.receive(node_id{3},
                          vote_request{term{4, node_id{3}}, pre, item.index, item.last, time_point{}, false},
                          time_point{ms});
            voter.stored(voter.take_writes().size(), time_point{ms});
            auto said = answers<vote_answer>(voter);
            REQUIRE(said.size() == 1);
            CHECK(said[0].granted == item.granted);
            CHECK(said[0].pre == pre);
            CHECK(voter.current_term() == (pre ? term{2, node_id{1}} : term{4, node_id{3}}));
        }
    }
}

TEST_CASE("R1: a request for a term with somebody else's id is refused") {
    network net({1, 2, 3});
    for (bool pre : {true, false}) {
        CAPTURE(pre);
        net.at(2).receive(node_id{3},
                          vote_request{term{5, node_id{1}}, pre, log_index{9}, term{4, node_id{1}}, {}, false}, {});
        auto said = answers<vote_answer>(net.at(2));
        REQUIRE(said.size() == 1);
        CHECK_FALSE(said[0].granted);
        CHECK(net.at(2).current_term() == term{});
    }
}

TEST_CASE("R1: only a term's own node leads in it, whatever others claim") {
    network net({1, 2, 3});
    net.elect();
    auto own = net.at(1).current_term();
    auto last = net.at(1).last_index();
    // To the leader itself, in its own term.
    net.at(1).receive(node_id{3}, append_request{own, last, own, {entry{own, payload{"forged"}}}, last, net.now()},
                      net.now());
    CHECK(net.at(1).leads());
    CHECK(net.at(1).last_index() == last);
    // To a follower.
    net.at(2).receive(node_id{3}, append_request{own, last, own, {entry{own, payload{"forged"}}}, last, net.now()},
                      net.now());
    CHECK(net.at(2).last_index() == last);
    CHECK(net.at(2).leader() == node_id{1});
    net.at(2).beat_heard(node_id{3}, beat_view{own, true, last, time_point::min()}, net.now());
    CHECK(net.at(2).leader() == node_id{1});
}

TEST_CASE("R6: a paused leader steps down before it does anything else") {
    for (const char* first : {"tick", "receive", "beat", "propose"}) {
        CAPTURE(first);
        network net({1, 2, 3});
        net.elect();
        net.run(50 * ms);
        auto later = net.now() + 10 * test_timing.member_timeout;
        auto last = net.at(1).last_index();
        auto& leader = net.at(1);
        std::string what = first;
        if (what == "tick") leader.tick(later);
        if (what == "receive")
            leader.receive(node_id{2}, append_answer{leader.current_term(), true, last, net.now()}, later);
        if (what == "beat")
            leader.beat_heard(node_id{2}, beat_view{leader.current_term(), false, {}, net.now()}, later);
        if (what == "propose") CHECK_FALSE(leader.propose(payload{"late"}, later));
        CHECK_FALSE(leader.leads());
        CHECK(leader.last_index() == last);
        CHECK_FALSE(leader.may_decide());
    }
}

TEST_CASE("R6: a beat's contact is dated by what it echoes, not by its arrival") {
    network net({1, 2, 3});
    net.elect();
    net.run(50 * ms);
    auto& leader = net.at(1);
    auto sent = leader.contact(node_id{2}) + 1 * ms;
    auto arrived = sent + 10 * ms;
    leader.beat_heard(node_id{2}, beat_view{leader.current_term(), false, {}, sent, voter_of(2).store}, arrived);
    CHECK(leader.contact(node_id{2}) == sent);
}

TEST_CASE("R6: contact is dated by the send time of what was answered") {
    network net({1, 2, 3});
    net.elect();
    net.run(50 * ms);
    net.isolate(1);
    auto& leader = net.at(1);
    auto start = net.now();
    net.run(90 * ms);
    REQUIRE(leader.leads());
    // Answers of long ago arrive now: they prove nothing of the present.
    auto last = leader.last_index();
    leader.receive(node_id{2}, append_answer{leader.current_term(), true, last, start}, net.now());
    leader.beat_heard(node_id{2}, beat_view{leader.current_term(), false, {}, start}, net.now());
    CHECK(leader.contact(node_id{2}) <= start);
    CHECK(leader.quorum_contact(net.now()) <= start);
    net.run(30 * ms);
    CHECK_FALSE(leader.leads());
    CHECK(net.now() - start <= test_timing.member_timeout + 25 * ms);
}

TEST_CASE("R6: an answer dated in the future or of another term is no contact") {
    network net({1, 2, 3});
    net.elect();
    auto& leader = net.at(1);
    auto known = leader.contact(node_id{2});
    leader.beat_heard(node_id{2}, beat_view{leader.current_term(), false, {}, net.now() + 1'000 * ms}, net.now());
    leader.receive(node_id{2}, append_answer{leader.current_term(), true, log_index{1}, net.now() + 1'000 * ms},
                   net.now());
    leader.beat_heard(node_id{2}, beat_view{term{}, false, {}, net.now()}, net.now());
    CHECK(leader.contact(node_id{2}) == known);
}

TEST_CASE("a leader cut off from the majority ends within member_timeout, also with one follower left") {
    network net({1, 2, 3, 4, 5});
    net.elect();
    net.run(100 * ms);
    for (std::uint32_t lost : {3U, 4U, 5U}) net.isolate(lost);
    auto cut = net.now();
    REQUIRE(net.run_until([&] { return !net.at(1).leads(); }));
    CHECK(net.now() - cut <= test_timing.member_timeout + 5 * ms);
    CHECK(net.leader() == 0);
    net.run(1'000 * ms);
    CHECK(net.leader() == 0);  // two of five lead nothing
}

TEST_CASE("a leader that gives up lets somebody else try first") {
    network net({1, 2, 3});
    net.elect();
    net.run(50 * ms);
    net.at(1).step_down(net.now());
    net.drain(1);
    REQUIRE(net.run_until([&] { return net.leader() != 0; }));
    CHECK(net.at(net.leader()).current_term().round == 2);
}

TEST_CASE("a node that was late itself does not judge others by their silence") {
    network net({1, 2, 3});
    net.at(1).hold_judgement(time_point{400 * ms});
    net.isolate(2);
    net.isolate(3);
    net.run(399 * ms);
    CHECK(net.at(1).current_role() == role::follower);
    CHECK(net.at(1).deadline() >= time_point{400 * ms});
    net.run(5 * ms);
    CHECK(net.at(1).current_role() == role::pre_candidate);
}

TEST_CASE("a node that is no voter never stands") {
    network net({1, 2, 3}, {1, 2, 3, 4});
    for (std::uint32_t lost : {1U, 2U, 3U}) net.isolate(lost);
    net.run(2'000 * ms);
    CHECK(net.at(4).current_role() == role::follower);
    CHECK(net.at(4).current_term() == term{});
    CHECK(net.at(4).deadline() == never);
}

// D2: it can't read the log, so it could decide nothing as a leader.
TEST_CASE("a barred node votes, stands for nothing, and gives up its lead") {
    network net({1, 2, 3});
    CHECK(net.elect() == 1);
    net.at(1).set_barred(true, net.now());
    CHECK_FALSE(net.at(1).leads());
    REQUIRE(net.run_until([&] { return net.leader() > 1; }));
    auto second = net.leader();
    CHECK(second == 2);
    // With its vote the last one leads.
    net.isolate(2);
    REQUIRE(net.run_until([&] { return net.leader() == 3; }));
    net.isolate(3);
    net.run(3'000 * ms);
    CHECK(net.at(1).current_role() == role::follower);
    net.at(1).set_barred(false, net.now());
    net.heal();
    net.isolate(3);
    REQUIRE(net.run_until([&] { return net.leader() == 1 || net.leader() == 2; }));
}
