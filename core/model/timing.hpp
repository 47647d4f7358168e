// The times that follow from a configuration: how long an election may take, how long a lease
// lasts, when a lost node's packages have surely ended, which links are fast enough to count.
// Pure arithmetic; quorum.md ("Packages") and architecture.md D6, D7 have the reasons.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/config.hpp"

namespace mainstay {

struct timings {
    duration member_timeout{};                                  // T
    duration heartbeat_interval{};                              // h
    std::uint32_t voters = 0;                                   // at most: the rest are learners (R8)
    cluster_config::tie tie_break = cluster_config::tie::none;  // never automatic
    duration tie_break_delay{};                                 // the half without the preferred node waits so long
    duration tie_break_timeout{};                               // zero without a tie-break
    duration rank_step{};                                       // one place further down in the order of candidates
    // Assumed upper bounds, on purpose generous: a lease that is too short ends packages.
    duration round_trip{20'000};
    duration sync{20'000};
    duration election{};  // from a leader's death to the next one's first committed entry, at worst
    duration daemon_restart_time{};
    duration lease{};         // L
    duration halt_timeout{};  // zero with on_quorum_loss reset
};

[[nodiscard]] timings timings_of(const cluster_config& cluster);

// What `tie_break automatic` comes to: proof where an even number of nodes can all be switched off.
[[nodiscard]] cluster_config::tie tie_break_of(const cluster_config& cluster);
// R4: what the delay and the timeout must be at least, and are by default.
struct tie_times {
    duration delay{};
    duration timeout{};
};
[[nodiscard]] tie_times tie_times_of(const cluster_config& cluster);
// The devices that can switch off a node, by level: those of one level act together (config.hpp).
[[nodiscard]] std::vector<std::vector<const stonith_device*>> fence_levels(const cluster_config& cluster,
                                                                           const std::string& node);

// Proof (3) of quorum.md: so long after the last acknowledgement nothing runs any more on a lost
// node whose watchdog fires `watchdog` after it was last fed.
struct lease_proof {
    duration acknowledged{};  // T: the former leader may have acknowledged until here
    duration lease{};         // L
    duration watchdog{};      // W
    duration halt_timeout{};
    duration drift{};  // clocks of two nodes differ by at most 1 %
    [[nodiscard]] duration total() const { return acknowledged + lease + watchdog + halt_timeout + drift; }
};
[[nodiscard]] lease_proof lease_proof_of(const timings& times, duration watchdog);

// Several lines for `hactl cluster check` and `hactl timing`: each time and what it is made of.
[[nodiscard]] std::string explain(const timings& times);

// D7: how a link carries beats. A beat on a serial line takes its bytes times ten bits.
struct link_timing {
    duration frame{};               // zero where it does not matter (UDP)
    duration beat_period{};         // max(h, 2 frames)
    bool counts = true;             // for quorum and leases; otherwise it only vetoes fencing
    duration member_timeout_min{};  // the smallest T with which it would count
};
[[nodiscard]] link_timing timing_of(const cluster_config& cluster, const plugin_instance& link);

// Of heartbeat-serial: what a beat takes on the line, frame and seal included, in a cluster that has
// been up for long (measured by a test of the runtime), and the speed without `baud`. It says of each
// other node when it was heard.
[[nodiscard]] constexpr std::uint32_t serial_beat_bytes(std::size_t nodes) {
    constexpr std::uint32_t alone = 74;
    constexpr std::uint32_t each_other = 15;
    return alone + each_other * static_cast<std::uint32_t>(nodes > 0 ? nodes - 1 : 0);
}
inline constexpr std::uint32_t serial_baud_default = 115'200;

}  // namespace mainstay
