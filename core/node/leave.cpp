// The daemon is told to end for good: its packages move first, as with `hactl node halt`. When nobody
// leads, they are halted here as at the lease's end: their generations are over on this node.
#include <algorithm>

#include "node/node.hpp"

namespace mainstay::node {

using cluster::package_phase;

namespace {

std::string list_of(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

}  // namespace

void node::handle(const leave& item) {
    if (leaving_) return;
    leaving_ = leaving{};
    leaving_->since = at_.now;
    leaving_->patience = item.patience;
    auto found = state_.nodes.find(self_);
    if (unbound() || found == state_.nodes.end() || found->second.halted || active_packages().empty()) return;
    submit_command(cluster::node_admin{name_, false}, "shutdown@" + name_);
}

std::vector<std::string> node::active_packages() const {
    std::vector<std::string> list;
    for (const auto& [name, item] : runners_) {
        bool begun = !start_after_store_.contains(name);
        // What has ended well is off the record; a halt that failed stays on it.
        if (begun && (item.phase() != runner_phase::over || local_.packages.contains(name))) list.push_back(name);
    }
    for (const auto& [name, item] : recovered_) list.push_back(name);
    return list;
}

void node::keep_leaving() {
    if (!leaving_ || leaving_->told) return;
    auto& now = *leaving_;
    if (unbound()) return leave_detached();
    if (raft_.leader() || !state_.formed()) {
        now.leaderless_since = never;
    } else if (now.leaderless_since == never) {
        now.leaderless_since = at_.now;
    }
    auto own = state_.nodes.find(self_);
    bool halted = own != state_.nodes.end() && own->second.halted;
    // An election takes about T. After it, waiting would only use up the lease.
    bool nobody_leads = now.leaderless_since != never && at_.now >= now.leaderless_since + times_.member_timeout;
    bool unheard = !halted && at_.now >= now.since + now.patience;
    if (!now.alone && !active_packages().empty() && (nobody_leads || unheard || stopped_applying_)) {
        now.alone = true;
        out_.say("warning", std::string("leaving without ") + (nobody_leads ? "a leader" : "an answer of the leader") +
                                ": the packages are halted here");
        end_generations();
    }
    std::vector<std::string> failed = active_packages();
    bool halting = std::any_of(runners_.begin(), runners_.end(), [this](const auto& item) {
        return item.second.phase() != runner_phase::over && !start_after_store_.contains(item.first);
    });
    if (halting || !recovered_.empty() || !reports_after_store_.empty()) {
        now.quiet_since = never;
        return;
    }
    if (now.quiet_since == never) now.quiet_since = at_.now;
    bool moved = halted && node_is_empty(state_, name_);
    bool nothing_to_move = failed.empty() && !halted;
    bool over = !state_.formed() || nobody_leads || moved || (nothing_to_move && submissions_.empty()) ||
                at_.now >= now.quiet_since + now.patience;
    if (!over) return;
    // The end of its lease would be taken for the end of what runs here, and it is not: this node ends with the lease,
    // or, where that does not end, when nobody listens.
    if (nobody_knows_of(failed) && !lease_endless()) {
        if (at_.now < now.quiet_since + now.patience || reset_asked_) return;
        reset_asked_ = true;
        return out_.add(reset_node{"leaves with what failed to halt, and nobody knows of it: " + list_of(failed)});
    }
    now.told = true;
    if (failed.empty()) {
        out_.add(left{true, "no package is active here"});
    } else {
        out_.add(left{false, "failed to halt and may be active still: " + list_of(failed)});
    }
}

bool node::nobody_knows_of(const std::vector<std::string>& failed) const {
    return std::any_of(failed.begin(), failed.end(), [this](const auto& name) {
        auto found = state_.packages.find(name);
        return found == state_.packages.end() || found->second.phase != package_phase::halt_failed ||
               found->second.owner != self_;
    });
}

// SG 7.4: what runs goes on. The next daemon has to find it on record, and that it is detached.
void node::leave_detached() {
    bool busy = std::any_of(runners_.begin(), runners_.end(),
                            [](const auto& item) { return item.second.phase() != runner_phase::over; });
    // Others go on with its vote and its leadership, which they have to have first.
    bool needed = state_.gives_vote_up(self_) && (raft_.leads() || raft_.is_voter(self_));
    bool waits = settled() && needed && at_.now < leaving_->since + leaving_->patience;
    if (busy || waits || stores_done_ != stores_made_) return;
    leaving_->told = true;
    auto names = active_packages();
    out_.add(left{true, "detached, its packages run on: " + (names.empty() ? "none" : list_of(names)), true});
}

time_point node::leave_deadline() const {
    if (!leaving_ || leaving_->told) return never;
    const auto& now = *leaving_;
    auto due = never;
    auto after = [&](time_point from, duration wait) {
        if (from != never && from + wait > at_.now) due = std::min(due, from + wait);
    };
    after(now.leaderless_since, times_.member_timeout);
    after(now.since, now.patience);
    after(now.quiet_since, now.patience);
    return due;
}

}  // namespace mainstay::node
