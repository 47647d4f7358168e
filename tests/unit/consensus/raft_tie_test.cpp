// R3 to R5: exactly half, tie-breaks, limited leaders, certificates; each as a small story.
#include <catch2/catch.hpp>

#include "network.hpp"

using namespace mainstay;
using namespace mainstay::consensus;

namespace {

constexpr boot_id first_life{1, 1};

// A cluster whose voters have a tie-break and are settled.
network tied(const std::vector<std::uint32_t>& nodes, tie_break kind) {
    network net(nodes);
    net.elect();
    auto set = set_of(2, nodes);
    set.kind = kind;
    set.arbitrator = store_id{7};
    auto index = net.propose(net.leader(), set);
    REQUIRE(index);
    for (auto id : nodes) net.propose(net.leader(), boot_entry{node_id{id}, first_life, voter_of(id).store, 1, {}, {}});
    REQUIRE(net.run_until([&] {
        bool all = true;
        for (auto id : nodes) all = all && net.at(id).commit() == net.at(net.leader()).last_index();
        return all;
    }));
    for (auto id : nodes) net.at(id).set_settled(true);
    return net;
}

// Somebody of `half` wants a tie-break for exactly that half; who.
std::uint32_t wanting(network& net, const std::vector<std::uint32_t>& half) {
    std::uint32_t found = 0;
    REQUIRE(net.run_until([&] {
        for (auto id : half)
            if (!net.at(id).ties_wanted().empty()) found = id;
        return found != 0;
    }));
    std::vector<node_id> expected;
    for (auto id : half) expected.push_back(node_id{id});
    CHECK(net.at(found).ties_wanted().front().half == expected);
    return found;
}

tie_grant grant_for(const raft& item) {
    const auto& wanted = item.ties_wanted().front();
    return {wanted.version, wanted.set_term, wanted.half};
}

void split(network& net, const std::vector<std::uint32_t>& one, const std::vector<std::uint32_t>& other) {
    for (auto a : one)
        for (auto b : other) net.cut(a, b), net.cut(b, a);
}

}  // namespace

TEST_CASE("two nodes with an arbitrator: the granted half shrinks the set and goes on") {
    auto net = tied({1, 2}, tie_break::arbitrator);
    split(net, {1}, {2});
    auto id = wanting(net, {1});
    CHECK(net.at(id).ties_wanted().front().arbitrator == store_id{7});
    CHECK_FALSE(net.at(id).leads());
    net.at(id).granted(grant_for(net.at(id)), net.now());
    net.drain(id);
    REQUIRE(net.run_until([&] { return net.at(1).leads() && !net.at(1).limited(); }));
    CHECK(net.at(1).active().size() == 1);
    CHECK(net.at(1).active().front().set.version == 3);
    CHECK(net.at(1).active().front().set.voters == std::vector<voter>{voter_of(1)});
    net.propose(1, "alone");
    CHECK(net.run_until([&] { return net.at(1).may_decide(); }));
    net.run(1'000 * ms);
    CHECK_FALSE(net.at(2).leads());
}

TEST_CASE("a limited leader appends nothing but its one voter set, and all of its half must store it") {
    auto net = tied({1, 2, 3, 4}, tie_break::arbitrator);
    split(net, {1, 2}, {3, 4});
    auto id = wanting(net, {1, 2});
    std::uint32_t other = id == 1 ? 2 : 1;
    auto last = net.at(id).last_index();
    net.at(id).granted(grant_for(net.at(id)), net.now());
    net.drain(id);
    REQUIRE(net.run_until([&] { return net.at(id).leads(); }));
    CHECK(net.at(id).limited());
    CHECK_FALSE(net.at(id).quorate(net.now()));
    CHECK_FALSE(net.propose(id, "no"));
    CHECK_FALSE(net.propose(id, boot_entry{node_id{id}, first_life, voter_of(id).store, 1, {}, {}}));
    CHECK(net.at(id).last_index().value == last.value + 1);
    net.cut(id, other);  // its half does not store it
    net.run(60 * ms);
    CHECK(net.at(id).limited());
    CHECK(net.at(id).commit() == last);
    net.heal();
    split(net, {1, 2}, {3, 4});
    REQUIRE(net.run_until([&] {
        auto leader = net.leader();
        return leader != 0 && !net.at(leader).limited() && net.at(leader).active().front().set.voters.size() == 2;
    }));
}

TEST_CASE("a half that is not settled wants no tie-break") {
    auto net = tied({1, 2}, tie_break::arbitrator);
    split(net, {1}, {2});
    net.at(1).set_settled(false);
    net.at(2).set_settled(false);
    net.run(2'000 * ms);
    CHECK(net.at(1).ties_wanted().empty());
    CHECK(net.at(2).ties_wanted().empty());
    CHECK(net.leader() == 0);
}

TEST_CASE("a set without a tie-break stays silent at exactly half") {
    auto net = tied({1, 2}, tie_break::none);
    split(net, {1}, {2});
    net.run(2'000 * ms);
    CHECK(net.at(1).ties_wanted().empty());
    CHECK(net.leader() == 0);
}

TEST_CASE("a grant for another half or another version breaks nothing") {
    auto net = tied({1, 2}, tie_break::arbitrator);
    split(net, {1}, {2});
    auto id = wanting(net, {1});
    auto good = grant_for(net.at(id));
    auto version = good;
    ++version.version;
    auto half = good;
    half.half = {node_id{2}};
    auto named = good;
    named.set_term.round += 1;
    for (const auto& bad : {version, half, named}) net.at(1).granted(bad, net.now());
    net.drain(1);
    net.run(1'000 * ms);
    CHECK(net.leader() == 0);
}

TEST_CASE("proof: only of a silent node, of its newest life, and for a term begun after it") {
    auto net = tied({1, 2}, tie_break::proof);
    split(net, {1}, {2});
    REQUIRE(wanting(net, {1}) == 1);
    SECTION("of an older life than the log holds") {
        net.at(1).proven({node_id{2}, boot_id{1, 0}, "strip", ""}, net.now());
        net.drain(1);
        net.run(1'000 * ms);
        CHECK(net.leader() == 0);
    }
    SECTION("of nobody in the set") {
        net.at(1).proven({node_id{3}, first_life, "strip", ""}, net.now());
        net.drain(1);
        net.run(1'000 * ms);
        CHECK(net.leader() == 0);
    }
    SECTION("good: it is stored with the set") {
        net.at(1).proven({node_id{2}, first_life, "strip", "off"}, net.now());
        net.drain(1);
        REQUIRE(net.run_until([&] { return net.at(1).leads() && !net.at(1).limited(); }));
        auto set = net.at(1).active().front().set;
        CHECK(set.kind == tie_break::proof);
        REQUIRE(set.proof);
        CHECK(set.proof->node == node_id{2});
        CHECK(set.proof->device == "strip");
    }
    SECTION("an unsettled node's proof is worth nothing") {
        net.at(1).set_settled(false);
        net.at(1).proven({node_id{2}, first_life, "strip", "off"}, net.now());
        net.drain(1);
        net.run(1'000 * ms);
        CHECK(net.leader() == 0);
    }
}

TEST_CASE("a proof that came during a term does not count in it") {
    tie_means means;
    active_set set{set_of(2, {1, 2}), {}, log_index{1}};
    set.set.kind = tie_break::proof;
    ballots votes{{node_id{1}, {voter_of(1).store, true}}};
    term standing{5, node_id{1}};
    auto none = [](node_id) { return boot_id{}; };
    means.proofs = {{{node_id{2}, first_life, "strip", ""}, standing}};
    CHECK(weigh(set, votes, means, standing, none).value == weight::tie);
    CHECK(weigh(set, votes, means, term{6, node_id{1}}, none).value == weight::broken);
}

TEST_CASE("certify-down: what is not certified must vote; more than half only when abandoned") {
    active_set set{set_of(1, {1, 2, 3, 4}), {}, log_index{1}};
    auto none = [](node_id) { return boot_id{}; };
    auto weight_of = [&](std::vector<std::uint32_t> voted, std::vector<node_id> certified, bool abandon) {
        ballots votes;
        for (auto id : voted) votes[node_id{id}] = {voter_of(id).store, false};
        tie_means means;
        means.certificate = certificate{std::move(certified), "alice@node1", abandon, 9};
        return weigh(set, votes, means, term{2, node_id{1}}, none).value;
    };
    CHECK(weight_of({1, 2}, {node_id{3}, node_id{4}}, false) == weight::certified);
    CHECK(weight_of({1}, {node_id{3}, node_id{4}}, false) == weight::lost);
    CHECK(weight_of({1}, {node_id{2}, node_id{3}, node_id{4}}, false) == weight::lost);
    CHECK(weight_of({1}, {node_id{2}, node_id{3}, node_id{4}}, true) == weight::certified);
    CHECK(weight_of({1, 2}, {}, false) == weight::lost);
}

TEST_CASE("certify-down brings a lone node up, and its entry says who certified") {
    auto net = tied({1, 2}, tie_break::none);
    split(net, {1}, {2});
    net.of(2).paused = true;
    net.restart(1);
    net.run(1'000 * ms);
    REQUIRE(net.leader() == 0);
    net.at(1).certify({{node_id{2}}, "alice@node1", false, 99}, net.now());
    net.drain(1);
    REQUIRE(net.run_until([&] { return net.at(1).leads() && !net.at(1).limited(); }));
    auto set = net.at(1).active().front().set;
    REQUIRE(set.certified);
    CHECK(set.certified->by == "alice@node1");
    CHECK(set.certified->lineage == 99);
    CHECK_FALSE(net.at(1).certified());
}
