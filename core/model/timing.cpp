#include "model/timing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/value.hpp"

namespace mainstay {

namespace {

constexpr duration rank_step_min{5'000};
constexpr int election_round_trips = 4;
constexpr int election_syncs = 5;
constexpr int frames_per_timeout = 8;
constexpr int drift_percent = 1;

std::uint32_t baud_of(const plugin_instance& link) {
    for (const auto& param : link.params) {
        if (param.name != "baud") continue;
        auto value = parse_count(param.value);
        if (value && *value > 0 && *value <= 10'000'000) return static_cast<std::uint32_t>(*value);
    }
    return serial_baud_default;
}

}  // namespace

timings timings_of(const cluster_config& cluster) {
    timings out;
    out.member_timeout = cluster.member_timeout;
    bool given = cluster.heartbeat_interval.count() != 0;
    out.heartbeat_interval = given ? cluster.heartbeat_interval : cluster.member_timeout / 8;
    out.voters = static_cast<std::uint32_t>(cluster.nodes.size());
    out.rank_step = std::max(out.heartbeat_interval / 2, rank_step_min);
    out.election = out.member_timeout + out.voters * out.rank_step + election_round_trips * out.round_trip +
                   election_syncs * out.sync;
    out.daemon_restart_time = cluster.daemon_restart_time;
    out.lease = std::max({3 * out.member_timeout, out.election, out.daemon_restart_time});
    bool halts = cluster.on_quorum_loss == cluster_config::quorum_loss::halt;
    out.halt_timeout = halts ? cluster.lease_halt_timeout : duration{0};
    return out;
}

lease_proof lease_proof_of(const timings& times, duration watchdog) {
    lease_proof out{times.member_timeout, times.lease, watchdog, times.halt_timeout, duration{0}};
    out.drift = out.total() * drift_percent / 100 + duration{1'000};
    return out;
}

std::string explain(const timings& t) {
    auto text = [](duration value) {
        bool whole = value.count() % 1'000 == 0;
        return whole ? duration_text(value) : fmt::format("{:g}ms", static_cast<double>(value.count()) / 1e3);
    };
    auto out = fmt::format("member timeout  {:>9}\nheartbeat       {:>9}\n", text(t.member_timeout),
                           text(t.heartbeat_interval));
    out += fmt::format(
        "election        {:>9}  at most: member timeout + {} candidates x {} + {} round trips of {} + {} syncs of {}\n",
        text(t.election), t.voters, text(t.rank_step), election_round_trips, text(t.round_trip), election_syncs,
        text(t.sync));
    out += fmt::format(
        "lease           {:>9}  the longest of 3 x member timeout ({}), election, daemon restart time ({})\n",
        text(t.lease), text(3 * t.member_timeout), text(t.daemon_restart_time));
    auto proof = lease_proof_of(t, duration{0});
    out += fmt::format("lease proof     {:>9}  plus the watchdog's time: member timeout + lease{} + drift {}\n",
                       text(proof.total()),
                       t.halt_timeout.count() != 0 ? " + lease halt timeout " + text(t.halt_timeout) : std::string(),
                       text(proof.drift));
    return out;
}

link_timing timing_of(const cluster_config& cluster, const plugin_instance& link) {
    link_timing out;
    auto times = timings_of(cluster);
    if (link.plugin == "heartbeat-serial") {
        constexpr std::int64_t bits = std::int64_t{serial_beat_bytes} * 10;
        std::int64_t baud = baud_of(link);
        out.frame = duration{(bits * 1'000'000 + baud - 1) / baud};
    }
    out.beat_period = std::max(times.heartbeat_interval, 2 * out.frame);
    out.member_timeout_min = frames_per_timeout * out.frame;
    out.counts = times.member_timeout >= out.member_timeout_min;
    return out;
}

}  // namespace mainstay
