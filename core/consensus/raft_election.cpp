// Who leads: ranked patience, pre-vote, votes, check-quorum (architecture.md section 4; R1, R2, R6).
#include <algorithm>

#include "consensus/raft.hpp"
#include "model/assert.hpp"

namespace mainstay::consensus {

void raft::become_follower(const mainstay::term& term, node_id leader, time_point now) {
    MAINSTAY_ASSERT(term >= term_);
    bool newer = term > term_;
    term_ = term;
    role_ = role::follower;
    leader_ = leader;
    if (leader) leader_heard_ = now;
    votes_.clear();
    progress_.clear();
    contact_.clear();
    resend_at_ = never;
    if (newer) {
        verified_ = commit_;
        note_write();
    }
    rearm(now);
}

// First in line waits T, each next one rank_step more; after a failed try a random share of T/2
// per failure on top, so that two who collide once do not collide for ever.
duration raft::patience(time_point) {
    std::int64_t rank = 0;
    for (node_id peer : peers())
        if (peer < self_ && peer != leader_) ++rank;
    auto wait = times_.member_timeout + rank * times_.rank_step;
    if (failed_tries_ > 0) {
        auto span = (times_.member_timeout / 2 * std::min(failed_tries_, 4U)).count();
        wait +=
            duration{static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(std::max<std::int64_t>(span, 1)))};
    }
    return wait;
}

void raft::rearm(time_point now) { stand_at_ = now + patience(now); }

mainstay::term raft::last_term() const { return log_.empty() ? mainstay::term{} : log_.back().term; }

bool raft::up_to_date(log_index index, const mainstay::term& term) const {
    return std::pair{term, index} >= std::pair{last_term(), last_index()};
}

// A voter that hears its leader helps nobody to depose it. A little less than T, so that voters
// who got the last beat a moment later than the candidate don't cost it a round.
bool raft::hears_leader(time_point now) const {
    if (role_ == role::leader) return quorate(now);
    return leader_ && now - leader_heard_ < times_.member_timeout - times_.member_timeout / 8;
}

void raft::stand(bool pre, time_point now) {
    if (role_ != role::follower) ++failed_tries_;
    standing_for_ = mainstay::term{term_.round + 1, self_};
    standing_since_ = now;
    votes_.clear();
    contact_.clear();
    leader_ = node_id{};
    resend_at_ = now + times_.resend;
    if (pre) {
        role_ = role::pre_candidate;
        votes_.insert(self_);
    } else {
        role_ = role::candidate;
        term_ = standing_for_;  // R1: stored before the first request, which send() sees to
        verified_ = commit_;
        note_write();
    }
    rearm(now);
    vote_request request{standing_for_, pre, last_index(), last_term(), now};
    for (node_id peer : peers()) send(peer, request);
    if (pre) count_votes(now);
}

void raft::count_votes(time_point now) {
    if (!quorum(active_, [&](node_id node) { return votes_.contains(node); })) return;
    if (role_ == role::pre_candidate) {
        stand(false, now);
    } else if (role_ == role::candidate) {
        lead(now);
    }
}

void raft::lead(time_point now) {
    role_ = role::leader;
    leader_ = self_;
    elected_at_ = now;
    failed_tries_ = 0;
    stand_at_ = never;
    resend_at_ = never;
    progress_.clear();
    for (node_id peer : peers()) progress_[peer].next = log_index{log_.size() + 1};
}

void raft::handle(node_id from, const vote_request& request, time_point now) {
    vote_answer answer{request.term, term_, request.pre, false, request.sent};
    bool own_candidate = request.term.node == from;  // R1: only terms with the candidate's own id
    if (request.pre) {
        answer.granted = own_candidate && request.term > term_ && !hears_leader(now) &&
                         up_to_date(request.last_index, request.last_term);
        send(from, answer);
        return;
    }
    if (!own_candidate || request.term < term_ || hears_leader(now)) {
        send(from, answer);
        return;
    }
    if (request.term > term_) become_follower(request.term, node_id{}, now);
    answer.own_term = term_;
    answer.granted = up_to_date(request.last_index, request.last_term);
    if (answer.granted) rearm(now);
    send(from, answer);  // leaves when the term is durable: that is the vote
}

void raft::handle(node_id from, const vote_answer& answer, time_point now) {
    if (answer.own_term > term_ && answer.own_term != standing_for_) {
        if (role_ == role::leader && answer.pre) return;
        ++failed_tries_;
        become_follower(answer.own_term, node_id{}, now);
        return;
    }
    bool asked = answer.term == standing_for_ && answer.pre == (role_ == role::pre_candidate) &&
                 (role_ == role::pre_candidate || role_ == role::candidate);
    if (!asked) {
        // A late vote of our own term is a contact all the same.
        if (role_ == role::leader && !answer.pre && answer.granted && answer.term == term_ && answer.sent <= now)
            contact_[from] = std::max(contact(from), answer.sent);
        return;
    }
    if (!answer.granted) return;
    if (!answer.pre && answer.sent <= now) contact_[from] = std::max(contact(from), answer.sent);
    votes_.insert(from);
    count_votes(now);
}

}  // namespace mainstay::consensus
