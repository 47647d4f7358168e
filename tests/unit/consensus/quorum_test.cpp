// R2 against a second, slower way of counting: every subset of up to seven nodes.
#include <algorithm>
#include <catch2/catch.hpp>

#include "network.hpp"

using namespace mainstay;
using namespace mainstay::consensus;

namespace {

std::vector<std::uint32_t> members_of(unsigned mask) {
    std::vector<std::uint32_t> list;
    for (std::uint32_t i = 0; i < 7; ++i)
        if ((mask >> i & 1U) != 0) list.push_back(i + 1);
    return list;
}

voter_predicate in(unsigned mask) {
    return [mask](const voter& item) { return (mask >> (item.node.value - 1) & 1U) != 0; };
}

active_set at(std::uint64_t index, voter_set set) { return {std::move(set), {}, log_index{index}}; }

// Strictly more of the set are in than out.
bool more_in_than_out(unsigned set, unsigned has) {
    return __builtin_popcount(set & has) > __builtin_popcount(set & ~has);
}

}  // namespace

TEST_CASE("a majority is strict, for every set and subset of seven nodes") {
    for (unsigned set = 1; set < 128; ++set) {
        auto voters = set_of(1, members_of(set));
        for (unsigned has = 0; has < 128; ++has)
            if (majority(voters, in(has)) != more_in_than_out(set, has)) FAIL("set " << set << " has " << has);
    }
    CHECK_FALSE(majority(set_of(1, {}), in(127)));
}

TEST_CASE("a quorum of two active sets needs both majorities") {
    for (unsigned first = 1; first < 32; ++first)
        for (unsigned second = 1; second < 32; ++second) {
            std::vector<active_set> active{at(1, set_of(1, members_of(first))), at(2, set_of(2, members_of(second)))};
            for (unsigned has = 0; has < 32; ++has)
                if (quorum(active, in(has)) != (more_in_than_out(first, has) && more_in_than_out(second, has)))
                    FAIL(first << " then " << second << " has " << has);
        }
}

TEST_CASE("two quorums of the same active sets always share a node") {
    for (unsigned first = 1; first < 32; ++first)
        for (unsigned second : {first, (first * 7U) % 31U + 1U, 31U}) {
            std::vector<active_set> active{at(1, set_of(1, members_of(first))), at(2, set_of(2, members_of(second)))};
            for (unsigned one = 0; one < 32; ++one)
                for (unsigned other = 0; other < 32; ++other)
                    if ((one & other) == 0 && quorum(active, in(one)) && quorum(active, in(other)))
                        FAIL("disjoint quorums " << one << " and " << other);
        }
}

TEST_CASE("without any set nobody is a quorum") {
    std::vector<active_set> none;
    CHECK_FALSE(quorum(none, in(127)));
    CHECK(quorum_time(none, [](const voter&) { return time_point{ms}; }) == time_point::min());
    std::vector<active_set> empty{at(1, set_of(1, {}))};
    CHECK(quorum_time(empty, [](const voter&) { return time_point{ms}; }) == time_point::min());
}

// By definition: the latest date t for which those dated t or later are a quorum.
TEST_CASE("quorum_time is the latest date that a quorum reaches") {
    std::uint64_t random = 88172645463325252ULL;
    auto next = [&random](std::uint64_t below) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        return random % below;
    };
    for (int round = 0; round < 20'000; ++round) {
        std::vector<active_set> active{at(1, set_of(1, members_of(static_cast<unsigned>(next(127)) + 1)))};
        if (next(2) != 0) active.push_back(at(2, set_of(2, members_of(static_cast<unsigned>(next(127)) + 1))));
        std::array<time_point, 8> dates{};
        for (auto& date : dates) date = next(6) == 0 ? time_point::min() : time_point{ms * static_cast<int>(next(5))};
        auto expected = time_point::min();
        for (auto date : dates)
            if (quorum(active, [&](const voter& item) { return dates[item.node.value] >= date; }))
                expected = std::max(expected, date);
        REQUIRE(quorum_time(active, [&](const voter& item) { return dates[item.node.value]; }) == expected);
    }
}

TEST_CASE("a node with another store is not that voter") {
    auto set = set_of(1, {1, 2, 3});
    auto has = [](const voter& item) { return item == voter{{1}, {101}} || item == voter{{2}, {999}}; };
    CHECK_FALSE(majority(set, has));
}
