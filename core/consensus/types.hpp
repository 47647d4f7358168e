// The words of the replicated log: voters, voter sets, entries, what is stored and what is sent.
// Consensus knows nothing of packages: everything else is an opaque payload to it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

// R4(b): a power-off that was read back, aimed at the life that was known when it was asked for.
struct death_proof {
    node_id node;
    boot_id boot;
    std::string device;
    std::string detail;
    auto operator<=>(const death_proof&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("boot", self.boot);
        visit("device", self.device);
        visit("detail", self.detail);
    }
};

// R5: nodes that an administrator has certified to be off, to stay off, and to hold nothing newer.
struct certificate {
    std::vector<node_id> nodes;
    std::string by;           // who, as the log names people
    bool abandon = false;     // more than half: their stores are wiped before they start again
    std::uint64_t lineage{};  // random name of the history that begins here; 0 = no certificate
    auto operator<=>(const certificate&) const = default;
    [[nodiscard]] bool names(node_id node) const {
        for (auto item : nodes)
            if (item == node) return true;
        return false;
    }
    static void fields(auto& self, auto&& visit) {
        visit("nodes", self.nodes);
        visit("by", self.by);
        visit("abandon", self.abandon);
        visit("lineage", self.lineage);
    }
};

// Its name is (version, term of its entry).
struct voter_set {
    static constexpr const char* name_ = "voter_set";
    std::uint64_t version = 0;
    std::vector<voter> voters;  // ascending by node
    tie_break kind = tie_break::none;
    store_id arbitrator;               // R4(a): whose grants count for this set
    std::optional<death_proof> proof;  // what broke the tie, good for the packages of its node as well
    std::optional<certificate> certified;
    wall_time when;
    auto operator<=>(const voter_set&) const = default;
    [[nodiscard]] const voter* find(node_id node) const {
        for (const auto& item : voters)
            if (item.node == node) return &item;
        return nullptr;
    }
    [[nodiscard]] bool contains(node_id node) const { return find(node) != nullptr; }
    static void fields(auto& self, auto&& visit) {
        visit("version", self.version);
        visit("voters", self.voters);
        visit("tie_break", self.kind);
        visit("arbitrator", self.arbitrator);
        visit("proof", self.proof);
        visit("certified", self.certified);
        visit("when", self.when);
    }
};

// A voter set with its place in the log; (version, term) is its name, `index` 0 = none.
struct active_set {
    voter_set set;
    mainstay::term term;
    log_index index;
    auto operator<=>(const active_set&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("set", self.set);
        visit("term", self.term);
        visit("index", self.index);
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
    std::uint64_t kernel = 0;  // random name of the machine's life; proves that a lost store's machine went down
    auto operator<=>(const boot_entry&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("boot", self.boot);
        visit("store", self.store);
        visit("feature_level", self.feature_level);
        visit("watchdog", self.watchdog);
        visit("when", self.when);
        visit("kernel", self.kernel);
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

// What the log came to up to `index`: the base set and the newest life of each node for consensus, the
// owner's state as it wrote it. index 0 = no snapshot.
struct snapshot {
    log_index index;
    mainstay::term term;
    active_set base;
    std::map<node_id, boot_id> boots;
    bytes data;
    auto operator<=>(const snapshot&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("index", self.index);
        visit("term", self.term);
        visit("base", self.base);
        visit("boots", self.boots);
        visit("data", self.data);
    }
};

// What one node knows to be durable. The store returns it at start; writes change it in order.
struct durable_state {
    mainstay::term term;  // R1: highest term seen; stored before any message of that term
    log_index commit;     // a lower bound of what is committed; exact for voter sets (R2, U3)
    consensus::snapshot snapshot;
    log_index before;  // the entry before the first one kept; at most the snapshot's index
    mainstay::term before_term;
    std::vector<entry> log;  // log[0] is index before + 1
    auto operator<=>(const durable_state&) const = default;
    [[nodiscard]] bool empty() const { return before.value == 0 && log.empty(); }
    [[nodiscard]] log_index last() const { return log_index{before.value + log.size()}; }
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("commit", self.commit);
        visit("snapshot", self.snapshot);
        visit("before", self.before);
        visit("before_term", self.before_term);
        visit("log", self.log);
    }
};

// One atomic, synced change of durable_state. Writes are numbered and stored in order.
struct write {
    mainstay::term term;
    log_index commit;
    log_index keep;  // entries above it are dropped before `append` is added
    std::vector<entry> append;
    std::optional<consensus::snapshot> snapshot;  // replaces the former one ...
    log_index before;                             // ... and the entries up to here are dropped; 0 = none
    mainstay::term before_term;
    [[nodiscard]] bool operator==(const write&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("commit", self.commit);
        visit("keep", self.keep);
        visit("append", self.append);
        visit("snapshot", self.snapshot);
        visit("before", self.before);
        visit("before_term", self.before_term);
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
    time_point sent;        // the candidate's clock, echoed in the answer (R6)
    bool transfer = false;  // the leader itself asked the candidate to stand
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("pre", self.pre);
        visit("last_index", self.last_index);
        visit("last_term", self.last_term);
        visit("sent", self.sent);
        visit("transfer", self.transfer);
    }
};

struct vote_answer {
    static constexpr const char* name_ = "vote_answer";
    mainstay::term term;      // the term asked for
    mainstay::term own_term;  // the voter's own, so that a stale candidate learns it
    bool pre = false;
    bool granted = false;
    time_point sent;
    store_id store;        // R7: a voter is (node, store)
    bool settled = false;  // R3, as of this vote
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("own_term", self.own_term);
        visit("pre", self.pre);
        visit("granted", self.granted);
        visit("sent", self.sent);
        visit("store", self.store);
        visit("settled", self.settled);
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
    store_id store;
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("ok", self.ok);
        visit("match", self.match);
        visit("sent", self.sent);
        visit("store", self.store);
    }
};

// A follower that needs entries the leader no longer keeps gets the snapshot, piece by piece.
struct snapshot_request {
    static constexpr const char* name_ = "snapshot";
    mainstay::term term;
    consensus::snapshot about;  // without its data
    std::uint64_t total = 0;    // bytes of data
    std::uint64_t offset = 0;   // of `piece`
    bytes piece;
    time_point sent;
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("about", self.about);
        visit("total", self.total);
        visit("offset", self.offset);
        visit("piece", self.piece);
        visit("sent", self.sent);
    }
};

struct snapshot_answer {
    static constexpr const char* name_ = "snapshot_answer";
    mainstay::term term;  // the follower's own
    log_index index;      // of the snapshot
    std::uint64_t next = 0;
    bool installed = false;  // durable; the log matches up to `index`
    time_point sent;
    store_id store;
    static void fields(auto& self, auto&& visit) {
        visit("term", self.term);
        visit("index", self.index);
        visit("next", self.next);
        visit("installed", self.installed);
        visit("sent", self.sent);
        visit("store", self.store);
    }
};

// Leadership transfer: the leader asks a follower that holds its whole log to stand at once.
struct stand_now {
    static constexpr const char* name_ = "stand_now";
    mainstay::term term;
    static void fields(auto& self, auto&& visit) { visit("term", self.term); }
};

using message = std::variant<vote_request, vote_answer, append_request, append_answer, snapshot_request,
                             snapshot_answer, stand_now>;

struct outgoing {
    node_id to;
    message body;
    static void fields(auto& self, auto&& visit) {
        visit("to", self.to);
        visit("body", self.body);
    }
};

}  // namespace mainstay::consensus
