// A node may run packages only while a quorate leader acknowledged it, and start less often still.
#include <catch2/catch.hpp>

#include "node/lease.hpp"

using namespace mainstay;
using namespace mainstay::node;

namespace {

constexpr duration ms{1'000};
constexpr duration T = 1'000 * ms;
constexpr duration L = 3'000 * ms;
time_point at(int when) { return time_point{when * ms}; }
term round_of(std::uint64_t number, std::uint32_t node = 1) { return {number, node_id{node}}; }

}  // namespace

TEST_CASE("without an acknowledgement nothing may run") {
    node_lease lease;
    CHECK_FALSE(lease.valid(at(0)));
    CHECK_FALSE(lease.may_start(at(0), T, log_index{100}));
}

TEST_CASE("the lease ends L after we sent what was acknowledged, whenever the acknowledgement came") {
    node_lease lease;
    lease.acknowledged(round_of(1), at(1'000), L, log_index{0});
    CHECK(lease.end() == at(4'000));
    CHECK(lease.valid(at(3'999)));
    CHECK_FALSE(lease.valid(at(4'000)));
    lease.acknowledged(round_of(1), at(500), L, log_index{0});  // an older one, late
    CHECK(lease.end() == at(4'000));
    lease.acknowledged(round_of(1), at(2'000), L, log_index{0});
    CHECK(lease.end() == at(5'000));
}

TEST_CASE("starting needs an acknowledgement younger than T, and everything it named applied") {
    node_lease lease;
    lease.acknowledged(round_of(1), at(1'000), L, log_index{7});
    struct row {
        int now;
        std::uint64_t applied;
        bool may;
    };
    for (const auto& item : {row{1'000, 7, true}, row{2'000, 7, true}, row{2'001, 7, false}, row{1'500, 6, false},
                             row{1'500, 8, true}, row{4'500, 9, false}}) {
        CAPTURE(item.now, item.applied);
        CHECK(lease.may_start(at(item.now), T, log_index{item.applied}) == item.may);
    }
}

TEST_CASE("a new leader's acknowledgement starts afresh, a former leader's counts for nothing") {
    node_lease lease;
    lease.acknowledged(round_of(2), at(1'000), L, log_index{50});
    lease.acknowledged(round_of(1), at(9'000), L, log_index{1});
    CHECK(lease.end() == at(4'000));
    CHECK_FALSE(lease.may_start(at(1'500), T, log_index{49}));
    // The new one's log may be shorter: what the former named may never have been committed.
    lease.acknowledged(round_of(3), at(1'200), L, log_index{40});
    CHECK(lease.may_start(at(1'500), T, log_index{40}));
    CHECK(lease.end() == at(4'200));
}

TEST_CASE("within one term what has to be applied only grows") {
    node_lease lease;
    lease.acknowledged(round_of(1), at(1'000), L, log_index{9});
    lease.acknowledged(round_of(1), at(1'100), L, log_index{3});
    CHECK_FALSE(lease.may_start(at(1'200), T, log_index{8}));
}

TEST_CASE("an inherited lease is good for running on, not for starting") {
    node_lease lease;
    lease.inherited(at(5'000));
    CHECK(lease.valid(at(4'000)));
    CHECK_FALSE(lease.may_start(at(1'000), T, log_index{100}));
    lease.inherited(at(3'000));
    CHECK(lease.end() == at(5'000));
}
