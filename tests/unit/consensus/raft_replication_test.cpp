// The log itself: matching, truncation of what was not committed, and never of what was.
#include <catch2/catch.hpp>

#include "network.hpp"

using namespace mainstay;
using namespace mainstay::consensus;

namespace {

std::vector<std::string> texts(const raft& item) {
    std::vector<std::string> list;
    for (const auto& entry : item.log().entries())
        if (const auto* data = std::get_if<payload>(&entry.body)) list.push_back(data->data);
    return list;
}

}  // namespace

TEST_CASE("an entry reaches everybody, and everybody learns that it is committed") {
    network net({1, 2, 3});
    net.elect();
    auto index = net.propose(1, "x");
    REQUIRE(index);
    REQUIRE(net.run_until([&] { return net.at(2).commit() == *index && net.at(3).commit() == *index; }, 30 * ms));
    CHECK(texts(net.at(3)) == std::vector<std::string>{"founding", "took over", "x"});
}

TEST_CASE("a follower proposes nothing") {
    network net({1, 2, 3});
    net.elect();
    CHECK_FALSE(net.propose(2, "x"));
    CHECK_FALSE(net.propose(3, set_of(2, {1, 2})));
}

TEST_CASE("what a lost leader did not get committed is truncated, in memory and on disk") {
    network net({1, 2, 3});
    net.elect();
    net.run(50 * ms);
    net.isolate(1);
    REQUIRE(net.propose(1, "never committed"));
    REQUIRE(net.propose(1, "nor this"));
    REQUIRE(net.run_until([&] { return net.leader() == 2; }));
    net.propose(2, "instead");
    net.run(50 * ms);
    net.heal();
    REQUIRE(net.run_until([&] { return net.at(1).commit() == net.at(2).last_index(); }));
    CHECK(texts(net.at(1)) == std::vector<std::string>{"founding", "took over", "instead"});
    CHECK(net.of(1).disk.log == net.at(2).log().entries());
}

TEST_CASE("a follower far behind is fed in pieces until it has everything") {
    network net({1, 2, 3});
    net.elect();
    net.isolate(3);
    for (int i = 0; i < 300; ++i) net.propose(1, std::string(400, 'x') + std::to_string(i));
    net.run(100 * ms);
    CHECK(net.at(1).commit() == net.at(1).last_index());
    net.heal();
    net.sent.clear();
    REQUIRE(net.run_until([&] { return net.at(3).commit() == net.at(1).last_index(); }));
    for (const auto& item : net.sent) {
        const auto* append = std::get_if<append_request>(&item.body);
        if (append == nullptr) continue;
        CHECK(append->entries.size() <= 64);
        CHECK(encode(item.body).size() < 48 * 1024);
    }
    CHECK(net.at(3).log().entries() == net.at(1).log().entries());
}

TEST_CASE("an entry of a former term is committed only by one of the own term behind it") {
    // 1 leads and stores an entry nowhere else; dies; comes back as leader of a later term.
    network net({1, 2, 3});
    net.elect();
    net.run(50 * ms);
    net.isolate(1);
    net.propose(1, "left over");
    auto left = net.at(1).last_index();
    net.run(300 * ms);
    net.isolate(2);
    net.isolate(3);
    net.restart(1);
    net.heal();
    net.isolate(3);
    // 1 has the longer log, so of 1 and 2 only 1 may win - unless 2 was elected meanwhile.
    REQUIRE(net.run_until([&] { return net.leader() != 0; }));
    auto leader = net.leader();
    net.run(60 * ms);
    CHECK(net.at(leader).commit() < left);  // many copies, none counts by itself
    CHECK_FALSE(net.at(leader).may_decide());
    net.propose(leader, "own");
    REQUIRE(net.run_until([&] { return net.at(leader).may_decide(); }));
    CHECK(net.at(leader).commit() == net.at(leader).last_index());
}

TEST_CASE("no message truncates what is committed") {
    network net({1, 2, 3});
    net.elect();
    net.propose(1, "precious");
    REQUIRE(net.run_until([&] { return net.at(2).commit() == net.at(1).last_index(); }));
    auto before = net.at(2).log().entries();
    auto commit = net.at(2).commit();
    // A later term's request that contradicts it, whole or from the middle.
    term later{9, node_id{3}};
    for (std::uint64_t previous : {0ULL, 1ULL, 3ULL}) {
        CAPTURE(previous);
        auto known = previous == 0 ? term{} : before[previous - 1].term;
        std::vector<entry> other{{term{8, node_id{3}}, payload{"a lie"}}, {term{8, node_id{3}}, payload{"another"}}};
        net.at(2).receive(node_id{3}, append_request{later, log_index{previous}, known, other, log_index{9}, net.now()},
                          net.now());
        REQUIRE(net.at(2).log().entries().size() >= commit.value);
        for (std::size_t i = 0; i < commit.value; ++i) CHECK(net.at(2).log().entries()[i] == before[i]);
        CHECK(net.at(2).commit() >= commit);
    }
}

TEST_CASE("indices out of any range are answered, not believed") {
    network net({1, 2, 3});
    net.elect();
    net.run(50 * ms);
    auto last = net.at(2).last_index();
    auto now = net.now();
    auto term_now = net.at(1).current_term();
    log_index huge{~0ULL};
    net.at(2).receive(node_id{1}, append_request{term_now, huge, term_now, {}, huge, now}, now);
    auto said = answers<append_answer>(net.at(2));
    REQUIRE(said.size() == 1);
    CHECK_FALSE(said[0].ok);
    net.at(2).receive(node_id{1}, append_request{term_now, last, term_now, {}, huge, now}, now);
    CHECK(net.at(2).commit() <= last);
    net.at(1).receive(node_id{2}, append_answer{term_now, true, huge, now}, now);
    net.at(1).receive(node_id{2}, append_answer{term_now, false, huge, now}, now);
    net.drain(1);
    net.run(50 * ms);
    CHECK(net.at(1).leads());
    auto index = net.propose(1, "still works");
    REQUIRE(net.run_until([&] { return net.at(2).commit() == *index && net.at(3).commit() == *index; }));
}

TEST_CASE("lost messages are sent again") {
    network net({1, 2, 3});
    net.elect();
    net.cut(1, 2);
    net.cut(1, 3);
    net.propose(1, "lost at first");
    net.run(60 * ms);
    net.heal();
    REQUIRE(net.run_until([&] { return net.at(3).commit() == net.at(1).last_index(); }, 100 * ms));
    CHECK(net.at(1).leads());
}

TEST_CASE("copies of a former term's entry commit nothing, however many there are") {
    auto log = founding({1, 2, 3});
    term former{2, node_id{1}};
    log.push_back({former, payload{"left over"}});
    raft leader(voter_of(1), durable(former, log_index{2}, log), test_timing, 1, time_point{});
    auto now = time_point{test_timing.member_timeout + ms};
    std::uint64_t stored = 0;
    auto settle = [&] {
        stored += leader.take_writes().size();
        leader.stored(stored, now);
    };
    leader.tick(now);
    term own{3, node_id{1}};
    leader.receive(node_id{2}, vote_answer{own, former, true, true, now, voter_of(2).store, true}, now);
    settle();
    leader.receive(node_id{2}, vote_answer{own, own, false, true, now, voter_of(2).store, true}, now);
    REQUIRE(leader.leads());
    for (std::uint32_t other : {2U, 3U})
        leader.receive(node_id{other}, append_answer{own, true, log_index{3}, now, voter_of(other).store}, now);
    CHECK(leader.commit() == log_index{2});
    REQUIRE(leader.propose(payload{"own"}, now));
    settle();
    leader.receive(node_id{2}, append_answer{own, true, log_index{4}, now, voter_of(2).store}, now);
    CHECK(leader.commit() == log_index{4});
}

TEST_CASE("a commit index covers only what is known to be the leader's") {
    // The follower's third entry is of a leader that was lost; another one has committed its own third.
    auto log = founding({1, 2, 3});
    log.push_back({term{1, node_id{1}}, payload{"stale"}});
    raft follower(voter_of(3), durable(term{1, node_id{1}}, log_index{2}, log), test_timing, 1, time_point{});
    term now_leads{2, node_id{2}};
    SECTION("told by a beat") {
        follower.beat_heard(node_id{2}, beat_view{now_leads, true, log_index{3}, time_point::min(), {}},
                            time_point{ms});
    }
    SECTION("told by an append that ends before it") {
        follower.receive(node_id{2}, append_request{now_leads, log_index{2}, term{}, {}, log_index{3}, time_point{ms}},
                         time_point{ms});
    }
    follower.stored(follower.take_writes().size(), time_point{ms});
    CHECK(follower.current_term() == now_leads);
    CHECK(follower.commit() == log_index{2});
}
