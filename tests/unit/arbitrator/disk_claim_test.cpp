// Disk Paxos on one disk: every interleaving of two nodes' reads and writes, sector by sector, with a
// crash anywhere; then the ways of a disk to be broken.
#include "arbitrator/disk_claim.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <set>
#include <utility>

using namespace mainstay;
using namespace mainstay::arbitrator;
using outcome = disk_answer::outcome;

namespace {

constexpr cluster_id lab{7};
constexpr store_id store{5};
constexpr std::uint32_t slots = 3;  // nodes 1 and 2

bytes device(cluster_id cluster = lab) { return format_image({cluster, store, slots}); }

consensus::tie_request asks(std::uint64_t version, std::vector<std::uint32_t> half) {
    consensus::tie_request out{lab, store, version, {version, node_id{1}}, {}};
    for (auto node : half) out.half.push_back(node_id{node});
    return out;
}

disk_claim grant_of(std::uint32_t node, std::uint64_t version, std::vector<std::uint32_t> half) {
    return {node_id{node}, asks(version, std::move(half)), 0};
}
disk_claim told_by(std::uint32_t node, std::uint64_t version, store_id named = store) {
    return {node_id{node}, lab, version, named, 0};
}

// One claim that reads block by block: others may write between two of them.
struct actor {
    disk_claim claim;
    bytes seen;  // blocks read so far
    [[nodiscard]] bool over() const { return claim.next().what == disk_step::kind::done; }
    void step(bytes& disk) {
        if (claim.next().what == disk_step::kind::write) {
            disk.replace(claim.next().offset, claim.next().block.size(), claim.next().block);
            return claim.was_written();
        }
        // Nobody writes to slot 0; the head changes once at most.
        seen += disk.substr(seen.size(), seen.empty() ? 3 * block_bytes : block_bytes);
        if (seen.size() < disk.size()) return;
        auto whole = std::exchange(seen, {});
        claim.was_read(whole);
    }
};

disk_answer run(bytes& disk, disk_claim claim) {
    actor one{std::move(claim), {}};
    while (!one.over()) one.step(disk);
    return one.claim.answer();
}

// What differs between two states of a disk, or of a part that was read.
bytes short_form(const bytes& disk) {
    bytes out;
    for (std::size_t i = 0; i < disk.size(); i += block_bytes) out += disk.substr(i, 160);
    return out;
}

// Walks through every state that two actors can reach.
struct explorer {
    std::function<void(const bytes& disk, const actor& one, const actor& two)> at_end;
    std::function<actor()> reborn;  // what replaces the first actor when its process dies, once
    std::set<std::size_t> seen;
    std::size_t ends = 0;

    void walk(const bytes& disk, const actor& one, const actor& two, bool may_crash) {
        bytes text = short_form(disk) + encode(one.claim) + short_form(one.seen) + encode(two.claim) +
                     short_form(two.seen) + (may_crash ? "1" : "0");
        auto key = std::hash<bytes>{}(text);
        if (!seen.insert(key).second) return;
        if (one.over() && two.over()) {
            ++ends;
            at_end(disk, one, two);
            return;
        }
        if (!one.over()) {
            auto next = one;
            auto changed = disk;
            next.step(changed);
            walk(changed, next, two, may_crash);
            if (may_crash) walk(disk, reborn(), two, false);
        }
        if (!two.over()) {
            auto next = two;
            auto changed = disk;
            next.step(changed);
            walk(changed, one, next, may_crash);
        }
    }
};

}  // namespace

TEST_CASE("two halves ask at once: in no interleaving do both get it, and whoever has it keeps it") {
    explorer all;
    std::size_t granted = 0;
    all.at_end = [&](const bytes& disk, const actor& one, const actor& two) {
        bool first = one.claim.answer().what == outcome::granted;
        bool second = two.claim.answer().what == outcome::granted;
        REQUIRE_FALSE((first && second));
        granted += first || second ? 1 : 0;
        auto later = disk;
        auto again_one = run(later, grant_of(1, 1, {1})).what;
        auto again_two = run(later, grant_of(2, 1, {2})).what;
        if (first) REQUIRE((again_one == outcome::granted && again_two == outcome::refused));
        if (second) REQUIRE((again_one == outcome::refused && again_two == outcome::granted));
        // Asked one after the other, there is always a decision, and only one.
        REQUIRE((again_one == outcome::granted) != (again_two == outcome::granted));
    };
    auto short_lived = [](disk_claim claim) {
        claim.limit_rounds(2);
        return actor{std::move(claim), {}};
    };
    all.reborn = [&] { return short_lived(grant_of(1, 1, {1})); };
    all.walk(device(), short_lived(grant_of(1, 1, {1})), short_lived(grant_of(2, 1, {2})), true);
    CHECK(all.ends > 10);
    CHECK(granted > 10);
    CHECK(all.seen.size() > 10'000);
}

TEST_CASE("a version is told while the other half asks for an older one") {
    explorer all;
    all.at_end = [&](const bytes& disk, const actor& one, const actor&) {
        REQUIRE(one.claim.answer().what == outcome::told);
        auto later = disk;
        auto late = run(later, grant_of(2, 1, {2}));
        REQUIRE(late.what == outcome::refused);
        REQUIRE(late.reason == "voter set 1 is out of date: voter set 2 is committed");
        REQUIRE(run(later, grant_of(2, 2, {2})).what == outcome::granted);
    };
    all.reborn = [] { return actor{told_by(1, 2), {}}; };
    all.walk(device(), {told_by(1, 2), {}}, {grant_of(2, 1, {2}), {}}, true);
    CHECK(all.ends > 5);
}

TEST_CASE("a claim on a disk behaves as an arbiter does") {
    auto disk = device();
    CHECK(run(disk, grant_of(1, 1, {1})).what == outcome::granted);
    auto other = run(disk, grant_of(2, 1, {2}));
    CHECK(other.what == outcome::refused);
    CHECK(other.reason == "voter set 1 was granted to the half with the nodes 1");
    CHECK(run(disk, grant_of(2, 1, {1})).what == outcome::granted);  // the half, whoever of it asks
    auto answer = run(disk, told_by(1, 1));
    CHECK(answer.what == outcome::told);
    CHECK(answer.told == consensus::tie_told{store, 1, true, true});
    CHECK(run(disk, told_by(2, 2)).told == consensus::tie_told{store, 2, false, true});
    CHECK(run(disk, told_by(1, 2)).told == consensus::tie_told{store, 2, false, false});
    CHECK(run(disk, grant_of(1, 1, {1})).what == outcome::refused);
    CHECK(run(disk, grant_of(1, 3, {1})).what == outcome::granted);
    CHECK(run(disk, grant_of(1, 2, {1})).what == outcome::granted);
    CHECK(run(disk, grant_of(2, 3, {2})).what == outcome::refused);
}

TEST_CASE("a fresh device answers with its store, grants nothing, and is taken by the first cluster that names it") {
    auto disk = device(cluster_id{});
    CHECK(run(disk, grant_of(1, 1, {1})).reason.find("no cluster has told") == 0);
    auto answer = run(disk, told_by(1, 1, store_id{99}));
    CHECK(answer.told == consensus::tie_told{store, 0, false, false});
    CHECK(disk == device(cluster_id{}));
    CHECK(run(disk, told_by(1, 2)).told.changed);
    CHECK(read_head(disk.substr(0, block_bytes))->cluster == lab);
    CHECK(run(disk, grant_of(2, 2, {2})).what == outcome::granted);
    auto foreign = asks(2, {1});
    foreign.cluster = cluster_id{8};
    auto refused = run(disk, {node_id{1}, foreign, 0});
    CHECK(refused.what == outcome::refused);
    CHECK(refused.reason.find("another cluster") != std::string::npos);
    auto old = asks(2, {2});
    old.store = store_id{99};
    CHECK(run(disk, {node_id{2}, old, 0}).reason.find("names another store") != std::string::npos);
}

TEST_CASE("a bad block anywhere decides nothing and is named") {
    auto good = device();
    run(good, grant_of(1, 1, {1}));
    for (std::uint32_t block = 0; block <= slots; ++block) {
        auto disk = good;
        disk[block * block_bytes + 12] = static_cast<char>(disk[block * block_bytes + 12] ^ 1);
        auto before = disk;
        for (auto claim : {grant_of(1, 1, {1}), grant_of(2, 2, {2}), told_by(2, 5)}) {
            auto answer = run(disk, claim);
            CHECK(answer.what == outcome::unknown);
            CHECK(answer.reason.find(block == 0 ? "the head" : "slot " + std::to_string(block - 1)) == 0);
            CHECK(answer.reason.find("wrong checksum") != std::string::npos);
        }
        CHECK(disk == before);
    }
    CHECK(run(good, {node_id{9}, asks(1, {1}), 0}).reason.find("no slot for node number 9") != std::string::npos);
    auto shorter = good.substr(0, good.size() - 1);
    actor one{grant_of(1, 1, {1}), {}};
    one.claim.was_read(shorter);
    CHECK(one.claim.answer().reason.find("the end of the arbitrator's device is missing") == 0);
}

TEST_CASE("a device that has lost what it acknowledged decides nothing more") {
    auto before = device();
    auto disk = before;
    disk_claim claim(node_id{1}, asks(1, {1}), 0);
    actor one{claim, {}};
    while (!one.over()) one.step(disk);
    CHECK(one.claim.answer().what == outcome::granted);
    auto sequence = one.claim.sequence();
    CHECK(sequence == 2);
    auto answer = run(before, {node_id{1}, asks(1, {1}), sequence});
    CHECK(answer.what == outcome::unknown);
    CHECK(answer.reason.find("has lost what it had acknowledged") != std::string::npos);
    CHECK(run(disk, {node_id{1}, asks(1, {1}), sequence}).what == outcome::granted);
}

TEST_CASE("what could not be read or written is unknown") {
    actor one{grant_of(1, 1, {1}), {}};
    one.claim.failed("device: Input/output error");
    CHECK(one.over());
    CHECK(one.claim.answer().what == outcome::unknown);
    CHECK(one.claim.answer().reason == "device: Input/output error");
}

TEST_CASE("a write that failed is no acknowledgement: the next question is answered") {
    auto disk = device();
    disk_claim first(node_id{1}, asks(1, {1}), 0);
    actor one{first, {}};
    while (one.claim.next().what != disk_step::kind::write) one.step(disk);
    one.claim.failed("device: Input/output error");
    CHECK(one.claim.answer().what == outcome::unknown);
    CHECK(one.claim.sequence() == 0);
    auto again = run(disk, {node_id{1}, asks(1, {1}), one.claim.sequence()});
    CHECK(again.what == outcome::granted);
}
