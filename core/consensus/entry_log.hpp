// The log in memory: a snapshot, the entries after some index, and the voter sets among them.
// `before` may lie below the snapshot's index: the entries in between are kept for followers that
// are only a little behind.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "consensus/types.hpp"

namespace mainstay::consensus {

class entry_log {
public:
    entry_log() = default;
    explicit entry_log(const durable_state& durable);

    [[nodiscard]] bool empty() const { return before_.value == 0 && entries_.empty(); }
    [[nodiscard]] log_index before() const { return before_; }
    [[nodiscard]] log_index last() const { return log_index{before_.value + entries_.size()}; }
    [[nodiscard]] mainstay::term last_term() const { return entries_.empty() ? before_term_ : entries_.back().term; }
    // An entry that is kept: before() < index <= last().
    [[nodiscard]] const entry& at(log_index index) const;
    [[nodiscard]] bool holds(log_index index) const { return index > before_ && index <= last(); }
    // Nothing for what is no longer, or not yet, known. The term of index 0 is the empty one.
    [[nodiscard]] std::optional<mainstay::term> term_at(log_index index) const;
    [[nodiscard]] const consensus::snapshot& snapshot() const { return snapshot_; }
    // Those that are kept, from before() + 1.
    [[nodiscard]] const std::vector<entry>& entries() const { return entries_; }

    // base (the newest set at or below `commit`) and every later one, oldest first.
    [[nodiscard]] std::vector<active_set> active(log_index commit) const;
    // The newest life of a node in the whole log, committed or not (R4b).
    [[nodiscard]] boot_id newest_boot(node_id node) const;
    // The same for every node, up to an index.
    [[nodiscard]] std::map<node_id, boot_id> boots_until(log_index index) const;

    void truncate(log_index keep);
    void append(std::span<const entry> added);
    // Takes a snapshot of what is here; entries up to `before` are dropped.
    void compact(consensus::snapshot taken, log_index before);
    // Takes another node's: entries above it stay only when the entry at its index is the same.
    void install(consensus::snapshot taken);

    static void fields(auto& self, auto&& visit) {
        visit("snapshot", self.snapshot_);
        visit("before", self.before_);
        visit("before_term", self.before_term_);
        visit("entries", self.entries_);
        visit("sets", self.sets_);
    }

private:
    void drop(log_index before, const mainstay::term& term);

    consensus::snapshot snapshot_;
    log_index before_;
    mainstay::term before_term_;
    std::vector<entry> entries_;
    std::vector<active_set> sets_;  // the snapshot's base first, then those of the entries above it
};

}  // namespace mainstay::consensus
