// The words of the replicated log: voters, voter sets, entries, what is stored and what is sent.
// Consensus knows nothing of packages: everything else is an opaque payload to it.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "model/codec.hpp"
#include "model/ids.hpp"
#include "model/time.hpp"

namespace mainstay::consensus {

// R7: a voter is (node, store); a node that lost its store is not that voter any more.
struct voter {
    node_id node;
    store_id store;
    auto operator<=>(const voter&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("store", self.store);
    }
};

// R4: one kind of tie-break per cluster, part of the entry. Sets of odd size need none.
enum class tie_break : std::uint8_t { none, arbitrator, proof, count_ };
[[nodiscard]] constexpr const char* to_string(tie_break kind) {
    return kind == tie_break::arbitrator ? "arbitrator" : kind == tie_break::proof ? "proof" : "none";
}

// Its name is (version, term of its entry).
struct voter_set {
    static constexpr const char* name_ = "voter_set";
    std::uint64_t version = 0;
    std::vector<voter> voters;  // ascending by node
    tie_break kind = tie_break::none;
    auto operator<=>(const voter_set&) const = default;
    [[nodiscard]] bool contains(node_id node) const {
        for (const auto& item : voters)
            if (item.node == node) return true;
        return false;
    }
    static void fields(auto& self, auto&& visit) {
        visit("version", self.version);
        visit("voters", self.voters);
        visit("tie_break", self.kind);
    }
};

// One life of a node, accepted by the cluster ("Two lives", R5).
struct boot_entry {
    static constexpr const char* name_ = "boot";
    node_id node;
    boot_id boot;
    store_id store;
    std::uint32_t feature_level = 1;  // highest the node's software can read (D2)
    duration watchdog{0};             // W: what the armed watchdog says, 0 = none ("Packages")
    wall_time when;
    auto operator<=>(const boot_entry&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("boot", self.boot);
        visit("store", self.store);
        visit("feature_level", self.feature_level);
        visit("watchdog", self.watchdog);
        visit("when", self.when);
    }
};

struct payload {
    static constexpr const char* name_ = "payload";
    bytes data;
    auto operator<=>(const payload&) const = default;
    static void fields(auto& self, auto&& visit) { visit("data", self.data); }
};

using entry_body = std::variant<voter_set, boot_entry, payload>;

struct entry {
    mainstay::term term;
    entry_body body;
    auto operator<=>(const entry&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("body", self.body);
    }
};

// What one node knows to be durable. The store returns it at start; writes change it in order.
struct durable_state {
    mainstay::term term;     // R1: highest term seen; stored before any message of that term
    log_index commit;        // a lower bound of what is committed; exact for voter sets (R2, U3)
    std::vector<entry> log;  // log[0] is index 1
    auto operator<=>(const durable_state&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("commit", self.commit);
        visit("log", self.log);
    }
};

// One atomic, synced change of durable_state. Writes are numbered and stored in order.
struct write {
    mainstay::term term;
    log_index commit;
    log_index keep;  // entries above it are dropped before `append` is added
    std::vector<entry> append;
    [[nodiscard]] bool operator==(const write&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("commit", self.commit);
        visit("keep", self.keep);
        visit("append", self.append);
    }
};

void apply_write(durable_state& state, const write& change);

// ---- messages between nodes ------------------------------------------------------------------

struct vote_request {
    static constexpr const char* name_ = "vote_request";
    mainstay::term term;
    bool pre = false;  // pre-vote: would you? Changes nothing at the receiver
    log_index last_index;
    mainstay::term last_term;
    time_point sent;  // the candidate's clock, echoed in the answer (R6)
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("pre", self.pre);
        visit("last_index", self.last_index);
        visit("last_term", self.last_term);
        visit("sent", self.sent);
    }
};

struct vote_answer {
    static constexpr const char* name_ = "vote_answer";
    mainstay::term term;      // the term asked for
    mainstay::term own_term;  // the voter's own, so that a stale candidate learns it
    bool pre = false;
    bool granted = false;
    time_point sent;
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("own_term", self.own_term);
        visit("pre", self.pre);
        visit("granted", self.granted);
        visit("sent", self.sent);
    }
};

struct append_request {
    static constexpr const char* name_ = "append";
    mainstay::term term;
    log_index previous_index;
    mainstay::term previous_term;
    std::vector<entry> entries;
    log_index commit;
    time_point sent;
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("previous_index", self.previous_index);
        visit("previous_term", self.previous_term);
        visit("entries", self.entries);
        visit("commit", self.commit);
        visit("sent", self.sent);
    }
};

struct append_answer {
    static constexpr const char* name_ = "append_answer";
    mainstay::term term;  // the follower's own term
    bool ok = false;
    log_index match;  // ok: stored up to here; else: try again from here
    time_point sent;
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("ok", self.ok);
        visit("match", self.match);
        visit("sent", self.sent);
    }
};

using message = std::variant<vote_request, vote_answer, append_request, append_answer>;

struct outgoing {
    node_id to;
    message body;
    static void fields(auto& self, auto&& visit) {
        visit("to", self.to);
        visit("body", self.body);
    }
};

}  // namespace mainstay::consensus
