// What is in the log: appending, matching, committing (R2).
#include <algorithm>

#include "consensus/raft.hpp"
#include "model/assert.hpp"

namespace mainstay::consensus {

namespace {

// One append carries at most this much, so that a far-behind follower is fed in pieces that fit
// the transport's fragments and one lost piece costs little.
constexpr std::size_t append_entries_max = 64;
constexpr std::size_t append_bytes_max = 32 * 1024;

std::size_t weight(const entry& item) {
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

// Sends everything the follower is not known to have been sent; sends an empty append too, which
// tells the commit index.
void raft::replicate(node_id to, time_point now) {
    auto& known = progress_[to];
    append_request request;
    request.term = term_;
    request.previous_index = log_index{known.next.value - 1};
    request.previous_term = request.previous_index.value == 0 ? mainstay::term{} : at(request.previous_index).term;
    std::size_t size = 0;
    for (auto i = known.next.value; i <= log_.size(); ++i) {
        const auto& item = log_[i - 1];
        if (!request.entries.empty() && size + weight(item) > append_bytes_max) break;
        if (request.entries.size() == append_entries_max) break;
        size += weight(item);
        request.entries.push_back(item);
    }
    request.commit = commit_;
    request.sent = now;
    known.next = log_index{known.next.value + request.entries.size()};
    known.sent = now;
    // Our own copy may still be on its way to the disk: the follower's answer counts on its own.
    send_now(to, std::move(request));
}

void raft::advance_commit(time_point now) {
    if (role_ != role::leader) return;
    auto has = [&](log_index index) {
        return [this, index](node_id node) {
            if (node == self_) return stable_index_ >= index;
            auto found = progress_.find(node);
            return found != progress_.end() && found->second.match >= index;
        };
    };
    auto target = commit_;
    for (auto i = last_index(); i > commit_ && at(i).term == term_; i.value -= 1) {
        if (quorum(active_, has(i))) {
            target = i;
            break;
        }
    }
    auto before = commit_;
    if (target > commit_) set_commit(target);
    if (commit_ > before)
        for (node_id peer : peers()) replicate(peer, now);  // tells the commit at once
}

void raft::handle(node_id from, const append_request& request, time_point now) {
    if (request.term.node != from) return;  // R1: only a term's own node leads in it
    if (request.term < term_) {
        send(from, append_answer{term_, false, last_index(), request.sent});
        return;
    }
    MAINSTAY_ASSERT(!(request.term == term_ && role_ == role::leader));
    if (request.term > term_ || role_ != role::follower) become_follower(request.term, from, now);
    leader_ = from;
    leader_heard_ = now;
    failed_tries_ = 0;
    rearm(now);
    auto previous = request.previous_index;
    if (previous > last_index()) {
        send(from, append_answer{term_, false, last_index(), request.sent});
        return;
    }
    if (previous > commit_ && at(previous).term != request.previous_term) {
        log_index retry{std::max(commit_.value, previous.value - 1)};
        send(from, append_answer{term_, false, retry, request.sent});
        return;
    }
    auto at_index = previous.value;
    std::size_t known = 0;  // entries we already hold
    while (known < request.entries.size() && at_index + known < log_.size() &&
           log_[at_index + known].term == request.entries[known].term)
        ++known;
    if (known < request.entries.size()) {
        if (at_index + known < commit_.value) return;  // contradicts what is final: no leader asks that
        record(log_index{at_index + known},
               {request.entries.begin() + static_cast<std::ptrdiff_t>(known), request.entries.end()});
    }
    log_index match{at_index + request.entries.size()};
    verified_ = std::max(verified_, match);
    set_commit(std::min(request.commit, verified_));
    send(from, append_answer{term_, true, match, request.sent});
}

void raft::handle(node_id from, const append_answer& answer, time_point now) {
    if (answer.term > term_) {
        become_follower(answer.term, node_id{}, now);
        return;
    }
    if (role_ != role::leader || answer.term != term_) return;
    if (answer.sent <= now) contact_[from] = std::max(contact(from), answer.sent);
    auto& known = progress_[from];
    if (!answer.ok) {
        known.next = log_index{std::max(known.match.value + 1, std::min(answer.match.value + 1, log_.size() + 1))};
        replicate(from, now);
        return;
    }
    if (answer.match > last_index() || answer.match <= known.match) return;
    known.match = answer.match;
    known.tries = 0;
    known.next = std::max(known.next, log_index{known.match.value + 1});
    advance_commit(now);
    if (known.next <= last_index()) replicate(from, now);
}

}  // namespace mainstay::consensus
