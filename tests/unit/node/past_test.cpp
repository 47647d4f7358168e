// The past that a node's log still holds: from its first entry, or from its snapshot on.
#include "node/snapshots.hpp"
#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::package_phase;

namespace {

consensus::raft raft_of(const consensus::durable_state& kept) {
    return {{}, kept, {duration{1'000'000}, duration{50'000}, duration{125'000}, duration{1'000'000}}, 1, time_point{}};
}

// When the newest entry was made.
wall_time newest(const cluster_lab& lab) { return {(static_cast<std::int64_t>(lab.index.value) - 1) * 1'000'000}; }

struct story {
    cluster_lab lab;
    wall_time before, started, moved;
    story() {
        before = newest(lab);
        lab.run("web", n1);
        started = newest(lab);
    }
    void move() {
        lab.report("web", cluster::report::halted);
        lab.run("web", n2);
        moved = newest(lab);
    }
    [[nodiscard]] tl::expected<cluster::state, wall_time> at(const consensus::durable_state& kept,
                                                             wall_time when) const {
        auto log = raft_of(kept);
        return node::state_at(log, lab.state.applied, when);
    }
};

}  // namespace

TEST_CASE("a state of the past is folded from the log") {
    story told;
    told.move();
    consensus::durable_state kept;
    kept.log = told.lab.log;
    kept.commit = told.lab.index;
    CHECK(told.at(kept, told.before)->packages.at("web").phase == package_phase::down);
    CHECK(told.at(kept, told.started)->packages.at("web").owner == n1);
    CHECK(told.at(kept, told.moved)->packages.at("web").owner == n2);
    CHECK(encode(*told.at(kept, {INT64_MAX})) == encode(told.lab.state));
}

TEST_CASE("it begins with the snapshot; what is older is refused, with the time from which on it is known") {
    story told;
    consensus::durable_state kept;
    node::snapshot_body body{told.lab.state, {}};
    body.history.push_back(
        {told.lab.index, told.started, "policy", "package_running", "info", "", "web", "n1", false, {}});
    kept.snapshot.index = told.lab.index;
    kept.snapshot.data = encode(body);
    kept.before = told.lab.index;
    auto known = told.lab.log.size();
    told.move();
    kept.log.assign(told.lab.log.begin() + static_cast<std::ptrdiff_t>(known), told.lab.log.end());
    kept.commit = told.lab.index;
    CHECK(told.at(kept, told.started)->packages.at("web").owner == n1);
    CHECK(told.at(kept, told.moved)->packages.at("web").owner == n2);
    auto older = told.at(kept, told.before);
    REQUIRE_FALSE(older.has_value());
    CHECK(older.error() == told.started);
}
