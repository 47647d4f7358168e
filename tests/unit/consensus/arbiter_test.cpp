// R4(a): first come, first served, for each version; nothing below the floor; a lost store grants nothing.
#include "consensus/arbiter.hpp"

#include <catch2/catch.hpp>

using namespace mainstay;
using namespace mainstay::consensus;

namespace {

constexpr cluster_id lab{7};
constexpr store_id own{99};

arbiter_record fresh(store_id store = own) { return {lab, store, 0, {}}; }

tie_request asks(std::uint64_t version, std::vector<std::uint32_t> half, store_id store = own) {
    tie_request out{lab, store, version, {version, node_id{1}}, {}};
    for (auto node : half) out.half.push_back(node_id{node});
    return out;
}

// As an arbitrator that restarts between any two requests.
arbiter_record reread(const arbiter_record& record) {
    auto read = decode<arbiter_record>(encode(record));
    REQUIRE(read);
    CHECK(is_sound(*read));
    return *read;
}

}  // namespace

TEST_CASE("the first half that asks gets the version, the other never") {
    auto record = fresh();
    auto first = grant(record, asks(1, {1, 2}));
    CHECK(first.granted);
    CHECK(first.changed);
    record = reread(record);
    auto other = grant(record, asks(1, {3, 4}));
    CHECK_FALSE(other.granted);
    CHECK_FALSE(other.changed);
    CHECK(other.reason == "voter set 1 was granted to the half with the nodes 1 2");
    CHECK_FALSE(grant(record, asks(1, {1})).granted);
    CHECK_FALSE(grant(record, asks(1, {1, 3})).granted);
    // The same half may use it again in a later term, in whatever order it names itself.
    auto again = grant(record, asks(1, {2, 1, 2}));
    CHECK(again.granted);
    CHECK_FALSE(again.changed);
}

TEST_CASE("two voter sets of one version are one version") {
    auto record = fresh();
    CHECK(grant(record, asks(4, {1})).granted);
    auto later = asks(4, {2});
    later.set_term = {9, node_id{2}};
    CHECK_FALSE(grant(record, later).granted);
    later.half = {node_id{1}};  // the same half of another set is another half
    CHECK_FALSE(grant(record, later).granted);
}

TEST_CASE("versions are granted each for itself until one is told, then never below it (C4)") {
    auto record = fresh();
    CHECK(grant(record, asks(1, {1})).granted);  // A wins with version 1 and commits version 2 = {A}
    auto answer = told(record, 2, own);
    CHECK(answer == tie_told{own, 2, false, true});
    CHECK(record.grants.empty());  // the record of version 1 is dropped, the number is not
    record = reread(record);
    auto late = grant(record, asks(1, {2}));  // B, cut off, is still at version 1
    CHECK_FALSE(late.granted);
    CHECK(late.reason == "voter set 1 is out of date: voter set 2 is committed");
    CHECK_FALSE(grant(record, asks(1, {1})).granted);  // nor A itself
    CHECK_FALSE(told(record, 1, own).changed);
    CHECK(record.floor == 2);
}

TEST_CASE("an open grant of a lower version does not hinder a higher one, nor the other way round") {
    auto record = fresh();
    CHECK(grant(record, asks(5, {1})).granted);
    CHECK(grant(record, asks(4, {1, 2})).granted);
    CHECK(grant(record, asks(5, {1})).granted);
    CHECK_FALSE(grant(record, asks(4, {3, 4})).granted);
    CHECK(record.grants.front().version == 4);
    CHECK(told(record, 5, own).changed);
    CHECK(record.grants.size() == 1);
    CHECK_FALSE(grant(record, asks(4, {1, 2})).granted);
}

TEST_CASE("a used-up grant shows, so that the set is renewed") {
    auto record = fresh();
    CHECK(told(record, 3, own) == tie_told{own, 3, false, true});
    CHECK(grant(record, asks(3, {1})).granted);
    CHECK(told(record, 3, own) == tie_told{own, 3, true, false});
    CHECK_FALSE(grant(record, asks(3, {2})).granted);  // used up
    CHECK(told(record, 4, own) == tie_told{own, 4, false, true});
    CHECK(grant(record, asks(4, {2})).granted);
}

TEST_CASE("a lost store grants nothing until a committed voter set names the new one") {
    auto record = fresh(store_id{100});
    auto answer = grant(record, asks(1, {1}));
    CHECK_FALSE(answer.granted);
    CHECK(answer.reason.find("another store") != std::string::npos);
    CHECK(told(record, 1, own) == tie_told{store_id{100}, 0, false, false});
    CHECK(record == fresh(store_id{100}));
    CHECK(told(record, 2, store_id{100}).changed);
    CHECK(grant(record, asks(2, {1}, store_id{100})).granted);
    CHECK_FALSE(grant(record, asks(1, {2}, own)).granted);
}

TEST_CASE("what is no request is refused, and too many open ones") {
    auto record = fresh();
    CHECK_FALSE(grant(record, asks(0, {1})).granted);
    CHECK_FALSE(grant(record, asks(1, {})).granted);
    CHECK_FALSE(grant(record, asks(1, {0, 1})).granted);
    CHECK_FALSE(
        grant(record, asks(1, std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}))
            .granted);
    auto foreign = asks(1, {1});
    foreign.cluster = cluster_id{8};
    CHECK_FALSE(grant(record, foreign).granted);
    for (std::uint64_t version = 1; version <= arbiter_record::grants_max; ++version)
        CHECK(grant(record, asks(version, {1})).granted);
    CHECK_FALSE(grant(record, asks(50, {1})).granted);
    CHECK(is_sound(record));
    CHECK(told(record, 49, own).changed);
    CHECK(grant(record, asks(50, {1})).granted);
}

TEST_CASE("a record that no arbiter wrote is not sound") {
    CHECK(is_sound(fresh()));
    CHECK_FALSE(is_sound(fresh(store_id{0})));
    arbiter_record bad = fresh();
    bad.grants = {{2, {}, {node_id{1}}}, {1, {}, {node_id{1}}}};
    CHECK_FALSE(is_sound(bad));
    bad.grants = {{2, {}, {node_id{2}, node_id{1}}}};
    CHECK_FALSE(is_sound(bad));
    bad.grants = {{2, {}, {}}};
    CHECK_FALSE(is_sound(bad));
    bad = fresh();
    bad.floor = 3;
    bad.grants = {{2, {}, {node_id{1}}}};
    CHECK_FALSE(is_sound(bad));
}
