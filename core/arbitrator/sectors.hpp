// The bytes of an arbitrator on a shared disk. Block 0 is the head, block 1 + N is written by node N
// alone. What a block says lies within its first 512 bytes, which a disk writes whole or not at all;
// blocks are 4096 bytes apart, so that no device has to rewrite a neighbour's. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/arbiter.hpp"
#include "model/result.hpp"

namespace mainstay::arbitrator {

inline constexpr std::size_t block_bytes = 4096;
inline constexpr std::size_t atomic_bytes = 512;
inline constexpr std::uint32_t slots_default = 128;  // node ids from 1 to 127; 528 KiB with the head
inline constexpr std::uint32_t slots_max = 4096;

[[nodiscard]] constexpr std::uint64_t device_bytes(std::uint32_t slots) {
    return std::uint64_t{block_bytes} * (1 + std::uint64_t{slots});
}
[[nodiscard]] constexpr std::uint64_t slot_offset(std::uint32_t slot) {
    return std::uint64_t{block_bytes} * (1 + std::uint64_t{slot});
}

struct disk_head {
    cluster_id cluster;  // 0 until the first cluster has told of a voter set that names this store
    store_id store;      // random, made when the device was formatted
    std::uint32_t slots = 0;
    auto operator<=>(const disk_head&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("cluster", self.cluster);
        visit("store", self.store);
        visit("slots", self.slots);
    }
};

// A ballot is (counter, node): unique, and any node can go above any other's.
struct ballot {
    std::uint64_t counter = 0;
    node_id node;
    auto operator<=>(const ballot&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("counter", self.counter);
        visit("node", self.node);
    }
};

// One node's part in the decision which half gets a version.
struct disk_entry {
    ballot promised;                    // it takes part in nothing lower any more
    ballot accepted;                    // 0 = none yet
    consensus::arbiter_grant proposal;  // its version; the half counts once `accepted` is set
    auto operator<=>(const disk_entry&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("promised", self.promised);
        visit("accepted", self.accepted);
        visit("proposal", self.proposal);
    }
};

struct disk_slot {
    store_id store;
    cluster_id cluster;  // 0 as long as its node has never written it
    node_id owner;
    std::uint64_t sequence = 0;
    std::uint64_t floor = 0;          // the highest version its node has told
    std::vector<disk_entry> entries;  // ascending by version
    auto operator<=>(const disk_slot&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("store", self.store);
        visit("cluster", self.cluster);
        visit("owner", self.owner);
        visit("sequence", self.sequence);
        visit("floor", self.floor);
        visit("entries", self.entries);
    }
};

// Whole blocks. Nothing when it does not fit into what a disk writes whole.
[[nodiscard]] bytes head_block(const disk_head& head);
[[nodiscard]] std::optional<bytes> slot_block(const disk_slot& slot);

// The error says what is wrong with the block, not where it is.
[[nodiscard]] result<disk_head> read_head(std::string_view block);
[[nodiscard]] result<disk_slot> read_slot(std::string_view block, const disk_head& head, std::uint32_t slot);

// What a whole device says, for people: the highest floor, and each half that a node has accepted last.
// The error names the block.
[[nodiscard]] result<consensus::arbiter_record> read_record(std::string_view device);

// A freshly formatted device. A slot that was never written has its mark all the same: zeros are a loss.
[[nodiscard]] bytes format_image(const disk_head& head);

}  // namespace mainstay::arbitrator
