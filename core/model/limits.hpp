// How large a configuration may be. Every limit has its reason; a file over one is refused whole.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/time.hpp"

namespace mainstay::limits {

// A hand-written cluster of 300 packages stays below 200 KiB; more is a wrong file.
inline constexpr std::size_t file_bytes = 1U << 20U;
inline constexpr std::size_t files = 1024;
// Longest useful line: a service command with a few paths.
inline constexpr std::size_t line_bytes = 4096;
// After this many problems a report stops helping; the rest is counted.
inline constexpr std::size_t problems = 200;

inline constexpr std::size_t name_chars = 39;  // as in Serviceguard
// quorum.md R8: more voters cost more than they bring; the rest are learners.
inline constexpr std::size_t voters = 7;
inline constexpr std::size_t nodes = 64;
inline constexpr std::size_t packages = 300;           // as in Serviceguard
inline constexpr std::uint32_t priority_max = 3000;    // as in Serviceguard
inline constexpr std::size_t capacities = 4;           // per node, as in Serviceguard
inline constexpr std::size_t generic_resources = 100;  // different ones in a cluster, as in Serviceguard
inline constexpr std::size_t services_per_package = 100;
inline constexpr std::size_t resources_per_package = 100;
inline constexpr std::size_t addresses_per_package = 200;
inline constexpr std::size_t interfaces_per_node = 30;  // as in Serviceguard
inline constexpr std::size_t links = 8;                 // every beat goes out on each of them
inline constexpr std::size_t plugin_instances = 64;     // per kind
inline constexpr std::size_t params_per_instance = 64;

// Below this, gaps that a hypervisor makes (35-42 ms measured) look like deaths.
inline constexpr duration member_timeout_min{40'000};
inline constexpr duration member_timeout_max{300'000'000};  // as in Serviceguard
inline constexpr duration heartbeat_interval_min{1'000};
// Fewer than this many beats per member_timeout, and one lost datagram is half a death.
inline constexpr int beats_per_timeout_min = 4;
// The guard feeds it every quarter of this; pauses of a loaded machine must not look like a dead guard.
inline constexpr duration watchdog_timeout_min{2'000'000};
// Longer, and a package that waits for it is better started by hand.
inline constexpr duration watchdog_timeout_max{300'000'000};
inline constexpr duration script_timeout_max{4'294'000'000};  // as in Serviceguard

}  // namespace mainstay::limits
