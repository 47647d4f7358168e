// Tagged ids: a node number can't be passed where a package generation is meant.
#pragma once

#include <compare>
#include <cstdint>

namespace mainstay {

template <class Tag, class Rep>
struct tagged {
    Rep value{};
    auto operator<=>(const tagged&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 misreads it
    explicit operator bool() const { return value != Rep{}; }
};

// R1: 32 bits, given when a node is added, never reused, never renumbered. 0 = nobody.
using node_id = tagged<struct node_id_tag, std::uint32_t>;
// Position in the replicated log; the first entry is 1, 0 = before everything.
using log_index = tagged<struct log_index_tag, std::uint64_t>;
// Counts the starts of one package; only ever grows (invariant 4).
using generation = tagged<struct generation_tag, std::uint64_t>;
// Random name of a node's store, made with it; a voter is (node, store) (R7).
using store_id = tagged<struct store_id_tag, std::uint64_t>;
// Random name of a cluster, made when it is formed.
using cluster_id = tagged<struct cluster_id_tag, std::uint64_t>;
// Names one request from core to edge; the answer carries it back.
using request_id = tagged<struct request_id_tag, std::uint64_t>;

// "Two lives" (quorum.md): the machine's life ends with power or reboot, the daemon's with its
// process. Both counters are stored before the first packet and only ever grow.
struct boot_id {
    std::uint32_t machine = 0;
    std::uint32_t incarnation = 0;
    auto operator<=>(const boot_id&) const = default;
    explicit operator bool() const { return machine != 0; }
    static void fields(auto& self, auto&& visit) {
        visit("machine", self.machine);
        visit("incarnation", self.incarnation);
    }
};

// R1: a term is (round, candidate); two candidates can never share one.
struct term {
    std::uint64_t round = 0;
    node_id node;
    auto operator<=>(const term&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("round", self.round);
        visit("node", self.node);
    }
};

}  // namespace mainstay
