#include "model/timing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "model/limits.hpp"
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

std::vector<std::vector<const stonith_device*>> fence_levels(const cluster_config& cluster, const std::string& node) {
    std::map<std::uint32_t, std::vector<const stonith_device*>> numbered;
    std::vector<std::vector<const stonith_device*>> levels;
    for (const auto& device : cluster.stonith) {
        bool covers = device.nodes.empty() || std::count(device.nodes.begin(), device.nodes.end(), node) > 0;
        if (covers && device.level != 0) numbered[device.level].push_back(&device);
    }
    for (auto& [level, devices] : numbered) levels.push_back(std::move(devices));
    for (const auto& device : cluster.stonith) {
        bool covers = device.nodes.empty() || std::count(device.nodes.begin(), device.nodes.end(), node) > 0;
        if (covers && device.level == 0) levels.push_back({&device});
    }
    return levels;
}

cluster_config::tie tie_break_of(const cluster_config& cluster) {
    using tie = cluster_config::tie;
    if (cluster.tie_break != tie::automatic) return cluster.tie_break;
    bool covered = std::all_of(cluster.nodes.begin(), cluster.nodes.end(),
                               [&](const auto& node) { return !fence_levels(cluster, node.name).empty(); });
    bool fences = cluster.fencing == cluster_config::fencing_mode::required && covered;
    return fences && cluster.nodes.size() % 2 == 0 ? tie::proof : tie::none;
}

tie_times tie_times_of(const cluster_config& cluster) {
    tie_times out;
    if (tie_break_of(cluster) == cluster_config::tie::none) return out;
    if (tie_break_of(cluster) == cluster_config::tie::arbitrator) {
        for (const auto& item : cluster.arbitrators) out.timeout = std::max(out.timeout, item.timeout);
        out.delay = out.timeout;
    }
    for (const auto& node : cluster.nodes) {
        duration all{0};
        for (const auto& level : fence_levels(cluster, node.name)) {
            duration longest{0};
            for (const auto* device : level) {
                longest = std::max(longest, device->timeout * device->tries);
                if (tie_break_of(cluster) == cluster_config::tie::proof)
                    out.delay = std::max(out.delay, device->timeout);
            }
            all += longest;
        }
        if (tie_break_of(cluster) == cluster_config::tie::proof) out.timeout = std::max(out.timeout, all);
    }
    out.delay = cluster.tie_break_delay.value_or(out.delay);
    out.timeout = cluster.tie_break_timeout.value_or(out.timeout + out.delay);
    return out;
}

timings timings_of(const cluster_config& cluster) {
    timings out;
    out.member_timeout = cluster.member_timeout;
    bool given = cluster.heartbeat_interval.count() != 0;
    out.heartbeat_interval = given ? cluster.heartbeat_interval : cluster.member_timeout / 8;
    out.voters = static_cast<std::uint32_t>(std::min(cluster.nodes.size(), limits::voters));
    out.tie_break = tie_break_of(cluster);
    auto tie = tie_times_of(cluster);
    out.tie_break_delay = tie.delay;
    out.tie_break_timeout = tie.timeout;
    out.rank_step = std::max(out.heartbeat_interval / 2, rank_step_min);
    out.election = out.member_timeout + out.voters * out.rank_step + election_round_trips * out.round_trip +
                   election_syncs * out.sync;
    out.daemon_restart_time = cluster.daemon_restart_time;
    out.lease = std::max({3 * out.member_timeout, out.election, out.daemon_restart_time}) + out.tie_break_timeout;
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
    if (t.tie_break != cluster_config::tie::none)
        out += fmt::format("tie-break       {:>9}  {}, after {} for the half without the preferred node\n",
                           text(t.tie_break_timeout),
                           t.tie_break == cluster_config::tie::proof ? "by proof of death" : "by the arbitrator",
                           text(t.tie_break_delay));
    out += fmt::format(
        "lease           {:>9}  the longest of 3 x member timeout ({}), election, daemon restart time ({}){}\n",
        text(t.lease), text(3 * t.member_timeout), text(t.daemon_restart_time),
        t.tie_break_timeout.count() != 0 ? ", + tie-break" : "");
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
        const std::int64_t bits = std::int64_t{serial_beat_bytes(cluster.nodes.size())} * 10;
        std::int64_t baud = baud_of(link);
        out.frame = duration{(bits * 1'000'000 + baud - 1) / baud};
    }
    out.beat_period = std::max(times.heartbeat_interval, 2 * out.frame);
    out.member_timeout_min = frames_per_timeout * out.frame;
    out.counts = times.member_timeout >= out.member_timeout_min;
    return out;
}

}  // namespace mainstay
