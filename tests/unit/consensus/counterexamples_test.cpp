// The stories that broke earlier wordings of the rules (docs/design/quorum.md names them C1 to C8), told to
// the real log. C5 to C7 are about packages: the simulator's runs and the scenarios have them; C4 is the
// arbitrator's own (arbiter_test.cpp).
#include <catch2/catch.hpp>

#include "consensus/arbiter.hpp"
#include "network.hpp"

using namespace mainstay;
using namespace mainstay::consensus;

namespace {

network settled_network(const std::vector<std::uint32_t>& nodes, tie_break kind) {
    network net(nodes);
    net.elect();
    auto set = set_of(2, nodes);
    set.kind = kind;
    REQUIRE(net.propose(net.leader(), set));
    for (auto id : nodes)
        net.propose(net.leader(), boot_entry{node_id{id}, boot_id{1, 1}, voter_of(id).store, 1, {}, {}});
    REQUIRE(net.run_until([&] {
        bool all = true;
        for (auto id : nodes) all = all && net.at(id).commit() == net.at(net.leader()).last_index();
        return all;
    }));
    for (auto id : nodes) net.at(id).set_settled(true);
    return net;
}

void apart(network& net, const std::vector<std::uint32_t>& one, const std::vector<std::uint32_t>& other) {
    for (auto a : one)
        for (auto b : other) net.cut(a, b), net.cut(b, a);
}

voter_set with_kind(std::uint64_t version, const std::vector<std::uint32_t>& nodes, tie_break kind) {
    auto set = set_of(version, nodes);
    set.kind = kind;
    return set;
}

}  // namespace

TEST_CASE("C1, three nodes: a voter set that is only in the log is not the base") {
    auto net = settled_network({1, 2, 3}, tie_break::proof);
    REQUIRE(net.leader() == 1);
    net.isolate(1);
    REQUIRE(net.propose(1, with_kind(3, {1, 2}, tie_break::proof)));  // to its own log only
    REQUIRE(net.run_until([&] { return net.leader() == 2 || net.leader() == 3; }));
    auto other = net.leader();
    net.propose(other, "committed elsewhere");
    REQUIRE(net.run_until([&] { return net.at(other).may_decide(); }));
    net.at(1).proven({node_id{2}, boot_id{1, 1}, "strip", ""}, net.now());
    net.drain(1);
    net.run(2'000 * ms);
    CHECK_FALSE(net.at(1).leads());  // half of {1, 2} is nothing without a majority of {1, 2, 3}
    CHECK(net.at(1).ties_wanted().empty());
}

TEST_CASE("C1, four nodes: a half can't shrink to its own uncommitted set and go on from there") {
    auto net = settled_network({1, 2, 3, 4}, tie_break::proof);
    apart(net, {1, 2}, {3, 4});
    auto wants = [&](std::uint32_t id) { return !net.at(id).ties_wanted().empty(); };
    REQUIRE(net.run_until([&] { return wants(1); }));
    net.at(1).proven({node_id{3}, boot_id{1, 1}, "strip", ""}, net.now());
    net.cut(1, 2);  // whatever 1 appends reaches nobody
    net.drain(1);
    net.run(200 * ms);
    // {2, 4} is a half of the base too, and breaks its tie with a proof of 3.
    net.heal();
    apart(net, {2, 4}, {1, 3});
    net.of(3).paused = true;
    REQUIRE(net.run_until([&] { return wants(2) || wants(4); }));
    for (std::uint32_t id : {2U, 4U}) {
        net.at(id).proven({node_id{3}, boot_id{1, 1}, "strip", ""}, net.now());
        net.drain(id);
    }
    REQUIRE(net.run_until([&] {
        auto id = net.leader();
        return (id == 2 || id == 4) && !net.at(id).limited();
    }));
    net.propose(net.leader(), "committed by 2 and 4");
    net.run(200 * ms);
    net.isolate(2);  // dies for the others
    net.at(1).proven({node_id{2}, boot_id{1, 1}, "strip", ""}, net.now());
    net.drain(1);
    net.run(2'000 * ms);
    CHECK((!net.at(1).leads() || net.at(1).limited()));
}

TEST_CASE("C3: with an arbitrated set a proof of death breaks no tie") {
    auto net = settled_network({1, 2}, tie_break::arbitrator);
    apart(net, {1}, {2});
    REQUIRE(net.run_until([&] { return !net.at(1).ties_wanted().empty(); }));
    net.at(1).proven({node_id{2}, boot_id{1, 1}, "strip", ""}, net.now());
    net.drain(1);
    net.run(2'000 * ms);
    CHECK(net.leader() == 0);
}

TEST_CASE("own-set: of an arbitrated pair only the half that was granted goes on, whichever asks first") {
    for (std::uint32_t first : {1U, 2U}) {
        CAPTURE(first);
        auto net = settled_network({1, 2}, tie_break::arbitrator);
        arbiter_record box;
        box.cluster = cluster_id{5};
        apart(net, {1}, {2});
        std::uint32_t second = 3 - first;
        auto ask = [&](std::uint32_t id) {
            REQUIRE(net.run_until([&] { return !net.at(id).ties_wanted().empty(); }));
            auto wanted = net.at(id).ties_wanted().front();
            auto said = grant(box, {box.cluster, box.store, wanted.version, wanted.set_term, wanted.half});
            if (said.granted) net.at(id).granted({wanted.version, wanted.set_term, wanted.half}, net.now());
            net.drain(id);
            return said.granted;
        };
        CHECK(ask(first));
        CHECK_FALSE(ask(second));
        REQUIRE(net.run_until([&] { return net.at(first).leads() && !net.at(first).limited(); }));
        CHECK_FALSE(net.at(second).leads());
        CHECK(net.at(first).active().front().set.voters == std::vector<voter>{voter_of(first)});
        // The floor: a late request for the old version is refused for ever, even by the half that had it.
        static_cast<void>(told(box, net.at(first).active().front().set.version, box.store));
        CHECK_FALSE(ask(second));
    }
}

TEST_CASE("passed-by: the last voter of a set that was passed by does not lead on its own when it is back") {
    auto net = settled_network({1, 2}, tie_break::proof);
    apart(net, {1}, {2});
    REQUIRE(net.run_until([&] { return !net.at(1).ties_wanted().empty(); }));
    net.at(1).proven({node_id{2}, boot_id{1, 1}, "strip", "off"}, net.now());
    net.drain(1);
    REQUIRE(net.run_until([&] { return net.at(1).leads() && !net.at(1).limited(); }));
    net.propose(1, "alone");
    REQUIRE(net.run_until([&] { return net.at(1).may_decide(); }));
    net.restart(2);  // off and on again: not settled, knows the old set only
    net.run(2'000 * ms);
    CHECK_FALSE(net.at(2).leads());
    CHECK(net.at(2).ties_wanted().empty());
    net.heal();
    REQUIRE(net.run_until([&] { return net.at(1).leads() || net.leader() == 1; }));
}
