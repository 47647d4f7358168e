// What is in the log: appending, matching, committing (R2, R3).
#include <algorithm>

#include "consensus/raft.hpp"
#include "model/assert.hpp"
#include "model/mutation.hpp"

namespace mainstay::consensus {

namespace {

// One append carries at most this much, so that a far-behind follower is fed in pieces that fit
// the transport's fragments and one lost piece costs little.
constexpr std::size_t append_entries_max = 64;
constexpr std::size_t append_bytes_max = 32 * 1024;

std::size_t weight_of(const entry& item) {
    const auto* data = std::get_if<payload>(&item.body);
    return 32 + (data != nullptr ? data->data.size() : 0);
}

}  // namespace

void raft::append(entry_body body, time_point now) {
    std::vector<entry> added;
    added.push_back(entry{term_, std::move(body)});
    record(last_index(), std::move(added));
    for (node_id peer : peers()) replicate(peer, now);
    advance_commit(now);
}

// Each repetition waits twice as long as the one before: a serial line that needs a second for an
// append would otherwise be filled with copies of it and never carry a whole one.
time_point raft::repeat_at(const progress& known) const {
    constexpr std::uint32_t doublings_max = 4;
    if (known.sent == time_point::min()) return known.sent;
    return known.sent + times_.resend * (1U << std::min(known.tries, doublings_max));
}

// Sends everything the follower is not known to have been sent; sends an empty append too, which
// tells the commit index.
void raft::replicate(node_id to, time_point now) {
    auto& known = progress_[to];
    if (known.next <= log_.before()) return send_snapshot(to, known, now);
    append_request request;
    request.term = term_;
    request.previous_index = log_index{known.next.value - 1};
    request.previous_term = log_.term_at(request.previous_index).value_or(mainstay::term{});
    std::size_t size = 0;
    for (auto i = known.next; i <= last_index(); i.value += 1) {
        const auto& item = at(i);
        if (!request.entries.empty() && size + weight_of(item) > append_bytes_max) break;
        if (request.entries.size() == append_entries_max) break;
        size += weight_of(item);
        request.entries.push_back(item);
    }
    request.commit = commit_;
    request.sent = now;
    known.next = log_index{known.next.value + request.entries.size()};
    known.sent = now;
    // Our own copy may still be on its way to the disk: the follower's answer counts on its own.
    send_now(to, std::move(request));
}

bool raft::stored_by_all_limited(log_index index) const {
    if (mutated(mutation::part_of_half_commits)) return stable_index_ >= index;
    return std::all_of(limited_voters_.begin(), limited_voters_.end(), [&](const auto& member) {
        if (member == self_) return stable_index_ >= index;
        auto found = progress_.find(member.node);
        return found != progress_.end() && found->second.store == member.store && found->second.match >= index;
    });
}

void raft::advance_commit(time_point now) {
    if (role_ != role::leader) return;
    auto has = [&](log_index index) {
        return [this, index](const voter& member) {
            if (member == self_) return stable_index_ >= index;
            auto found = progress_.find(member.node);
            bool same = found != progress_.end() &&
                        (found->second.store == member.store || mutated(mutation::lost_store_votes));
            return same && found->second.match >= index;
        };
    };
    auto target = commit_;
    if (limited_) {
        // R3: committed when all who elected us have stored it, not before.
        if (stored_by_all_limited(limited_index_)) target = limited_index_;
    } else {
        for (auto i = last_index(); i > commit_ && (at(i).term == term_ || mutated(mutation::commit_former_term));
             i.value -= 1) {
            if (quorum(active_, has(i))) {
                target = i;
                break;
            }
        }
    }
    auto before = commit_;
    if (target > commit_) set_commit(target);
    if (limited_ && commit_ >= limited_index_) {
        limited_ = false;  // then R2 applies
        elected_at_ = now;
    }
    if (commit_ > before)
        for (node_id peer : peers()) replicate(peer, now);  // tells the commit at once
    bool removed = active_.size() == 1 && !active_.front().set.contains(self_.node);
    if (removed && may_decide()) step_down(now);
}

void raft::follow(node_id leader, const mainstay::term& term, time_point now) {
    if (term > term_ || role_ != role::follower) become_follower(term, leader, now);
    leader_ = leader;
    leader_heard_ = now;
    failed_tries_ = 0;
    yielding_to_ = node_id{};
    rearm(now);
}

void raft::handle(node_id from, const append_request& request, time_point now) {
    if (request.term.node != from) return;  // R1: only a term's own node leads in it
    if (request.term < term_) {
        send(from, append_answer{term_, false, last_index(), request.sent, self_.store});
        return;
    }
    MAINSTAY_ASSERT(!(request.term == term_ && role_ == role::leader));
    follow(from, request.term, now);
    if (incoming_ && incoming_->write > 0) return;  // asked again when the snapshot is on the disk
    auto previous = request.previous_index;
    if (previous > last_index()) {
        send(from, append_answer{term_, false, last_index(), request.sent, self_.store});
        return;
    }
    auto here = log_.term_at(previous);
    bool differs = here && *here != request.previous_term;
    if (differs && previous <= commit_) return;  // contradicts what is final: no leader of ours asks that
    if (differs) {
        log_index retry{std::max(commit_.value, previous.value - 1)};
        send(from, append_answer{term_, false, retry, request.sent, self_.store});
        return;
    }
    std::size_t known = 0;  // entries we already hold, or held before a snapshot
    for (; known < request.entries.size(); ++known) {
        log_index index{previous.value + known + 1};
        if (index <= log_.before()) continue;
        if (!log_.holds(index) || at(index).term != request.entries[known].term) break;
    }
    if (known < request.entries.size()) {
        log_index keep{previous.value + known};
        if (keep < commit_) return;
        record(keep, {request.entries.begin() + static_cast<std::ptrdiff_t>(known), request.entries.end()});
    }
    log_index match{previous.value + request.entries.size()};
    verified_ = std::max(verified_, match);
    set_commit(std::min(request.commit, verified_));
    send(from, append_answer{term_, true, match, request.sent, self_.store});
}

void raft::handle(node_id from, const append_answer& answer, time_point now) {
    if (answer.term > term_) {
        become_follower(answer.term, node_id{}, now);
        return;
    }
    if (role_ != role::leader || answer.term != term_) return;
    touched(from, answer.store, answer.sent, now);
    auto& known = progress_[from];
    if (known.store != answer.store) {  // R7: another store is another voter; nothing is known of it
        auto next = known.store ? log_index{1} : known.next;
        known = progress{};
        known.store = answer.store;
        known.next = next;
    }
    if (!answer.ok) {
        known.next = log_index{std::max(known.match.value + 1, std::min(answer.match, last_index()).value + 1)};
        replicate(from, now);
        return;
    }
    if (answer.match > last_index() || answer.match <= known.match) return;
    known.match = answer.match;
    known.tries = 0;
    known.next = std::max(known.next, log_index{known.match.value + 1});
    advance_commit(now);
    if (role_ == role::leader && known.next <= last_index()) replicate(from, now);
}

}  // namespace mainstay::consensus
