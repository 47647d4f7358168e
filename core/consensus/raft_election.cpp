// Who leads: ranked patience, pre-vote, votes, tie-breaks, check-quorum, transfer (architecture.md
// section 4; R1 to R6).
#include <algorithm>

#include "consensus/raft.hpp"
#include "model/assert.hpp"
#include "model/mutation.hpp"

namespace mainstay::consensus {

void raft::become_follower(const mainstay::term& term, node_id leader, time_point now) {
    MAINSTAY_ASSERT(term >= term_);
    bool newer = term > term_;
    term_ = term;
    role_ = role::follower;
    leader_ = leader;
    if (leader) leader_heard_ = now;
    votes_.clear();
    wanted_.clear();
    progress_.clear();
    contact_.clear();
    limited_ = false;
    limited_voters_.clear();
    resend_at_ = never;
    if (newer) {
        verified_ = commit_;
        note_write();
    }
    rearm(now);
}

// First in line waits T, each next one rank_step more; after a failed try a random share of T/2
// per failure on top, so that two who collide once do not collide for ever.
duration raft::patience() {
    std::int64_t rank = 0;
    for (node_id peer : voter_peers())
        if (peer < self_.node && peer != leader_) ++rank;
    auto wait = times_.member_timeout + rank * times_.rank_step;
    if (failed_tries_ > 0) {
        auto span = (times_.member_timeout / 2 * std::min(failed_tries_, 4U)).count();
        wait +=
            duration{static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(std::max<std::int64_t>(span, 1)))};
    }
    return wait;
}

void raft::rearm(time_point now) { stand_at_ = now + patience(); }

bool raft::up_to_date(log_index index, const mainstay::term& term) const {
    if (mutated(mutation::vote_for_shorter_log)) return true;
    // R3: who is in no active set (any more) is asked only by those who do not know yet that it left. What it may hold
    // beyond its commit is nothing that its vote could protect: whoever stored it has a vote in the sets without it.
    // Its own tail would deny its former set an election for ever.
    bool left = !active_.empty() && std::none_of(active_.begin(), active_.end(), [this](const active_set& item) {
        return item.set.contains(self_.node);
    });
    auto known = left ? commit_ : last_index();
    return std::pair{term, index} >= std::pair{log_.term_at(known).value_or(log_.last_term()), known};
}

// A member of any active set stands: the only node that holds a pending set may be one that the set
// leaves out. Never while a snapshot is on its way to the disk.
bool raft::may_stand() const {
    if (mute_ || barred_ || (incoming_ && incoming_->write > 0)) return false;
    return std::any_of(active_.begin(), active_.end(), [this](const auto& item) {
        const auto* own = item.set.find(self_.node);
        return own != nullptr && own->store == self_.store;
    });
}

// A voter that hears its leader helps nobody to depose it. A little less than T, so that voters
// who got the last beat a moment later than the candidate don't cost it a round.
bool raft::hears_leader(time_point now) const {
    if (role_ == role::leader) return now - quorum_contact(now) <= times_.member_timeout;
    return leader_ && now - leader_heard_ < times_.member_timeout - times_.member_timeout / 8;
}

// R6: after any pause this is checked before anything else is done.
bool raft::check_quorum(time_point now) {
    if (role_ != role::leader || now - elected_at_ <= times_.member_timeout) return true;
    auto newest = quorum_contact(now);
    if (mutated(mutation::lead_without_quorum)) return true;
    if (newest != time_point::min() && now - newest <= times_.member_timeout) return true;
    step_down(now);
    return false;
}

void raft::step_down(time_point now) {
    if (role_ != role::leader) return;
    become_follower(term_, node_id{}, now);
    ++failed_tries_;  // let somebody else try first
    rearm(now);
}

void raft::stand(bool pre, bool transfer, time_point now) {
    // Waiting for a tie-break is not a failure: the half stays as it is.
    if (role_ != role::follower && wanted_.empty()) ++failed_tries_;
    standing_for_ = mainstay::term{term_.round + 1, self_.node};
    transferred_ = transfer;
    votes_.clear();
    wanted_.clear();
    contact_.clear();
    progress_.clear();
    leader_ = node_id{};
    limited_ = false;
    resend_at_ = now + times_.resend;
    if (pre) {
        role_ = role::pre_candidate;
        votes_[self_.node] = {self_.store, settled_};
    } else {
        role_ = role::candidate;
        term_ = standing_for_;  // R1: stored before the first request, which send() sees to
        verified_ = commit_;
        note_write();
    }
    rearm(now);
    vote_request request{standing_for_, pre, last_index(), log_.last_term(), now, transfer};
    for (node_id peer : voter_peers()) send(peer, request);
    if (pre) count_votes(now);
}

// R2 and R3: every active set needs its majority, or exactly half of it and a tie-break.
void raft::count_votes(time_point now) {
    if (role_ != role::pre_candidate && role_ != role::candidate) return;
    wanted_.clear();
    if (active_.empty()) return;
    bool limited = false;
    bool by_certificate = false;
    std::optional<death_proof> used;
    std::vector<tie_wanted> missing;
    for (const auto& item : active_) {
        auto found =
            weigh(item, votes_, means_, standing_for_, [this](node_id node) { return log_.newest_boot(node); });
        if (found.value == weight::lost) return;
        if (found.value == weight::tie) missing.push_back(found.wanted);
        limited = limited || found.value == weight::broken || found.value == weight::certified;
        by_certificate = by_certificate || found.value == weight::certified;
        if (found.used) used = found.used;
    }
    // R3: the one entry names a subset of the newest set that contains the leader itself.
    bool tied = limited || !missing.empty();
    if (tied && !active_.back().set.contains(self_.node)) return;
    wanted_ = std::move(missing);
    if (!wanted_.empty()) return;
    if (role_ == role::pre_candidate) {
        stand(false, false, now);
    } else {
        lead(limited, std::move(used), by_certificate, now);
    }
}

void raft::lead(bool limited, std::optional<death_proof> proof, bool by_certificate, time_point now) {
    role_ = role::leader;
    leader_ = self_.node;
    elected_at_ = now;
    failed_tries_ = 0;
    yielding_to_ = node_id{};
    transfer_again_ = time_point::min();
    stand_at_ = never;
    resend_at_ = never;
    progress_.clear();
    for (node_id peer : peers()) progress_[peer].next = log_index{last_index().value + 1};
    limited_ = limited;
    limited_voters_.clear();
    if (limited) append_tie_set(std::move(proof), by_certificate, now);
    if (mutated(mutation::limited_leader_unlimited)) limited_ = false;
}

// R3: the one entry a limited leader may append. Its voters are those of the newest set that elected
// it; all who elected it have to store it.
void raft::append_tie_set(std::optional<death_proof> proof, bool by_certificate, time_point now) {
    const auto& newest = active_.back().set;
    voter_set next;
    next.version = newest.version + 1;
    next.kind = newest.kind;  // R4: it never changes under R3
    next.arbitrator = newest.arbitrator;
    next.proof = std::move(proof);
    if (by_certificate) next.certified = means_.certificate;
    for (const auto& member : newest.voters) {
        auto vote = votes_.find(member.node);
        if (vote != votes_.end() && vote->second.store == member.store) next.voters.push_back(member);
    }
    for (const auto& item : active_)
        for (const auto& member : item.set.voters) {
            auto vote = votes_.find(member.node);
            bool voted = vote != votes_.end() && vote->second.store == member.store;
            bool known = std::find(limited_voters_.begin(), limited_voters_.end(), member) != limited_voters_.end();
            if (voted && !known) limited_voters_.push_back(member);
        }
    MAINSTAY_ASSERT(next.contains(self_.node));
    limited_index_ = log_index{last_index().value + 1};
    append(std::move(next), now);
}

// A voter leaves a tie to a candidate before it in line while that one is at it, but not for ever:
// its device may be out of its reach.
void raft::yield(node_id candidate, time_point now) {
    if (!(candidate < self_.node) || role_ == role::candidate || role_ == role::leader) return;
    if (yielding_to_ != candidate) {
        yielding_to_ = candidate;
        yielding_since_ = now;
    }
    if (now - yielding_since_ >= times_.tie_patience) return;
    if (role_ == role::pre_candidate) {
        role_ = role::follower;
        votes_.clear();
        wanted_.clear();
        resend_at_ = never;
    }
    stand_at_ = std::max(stand_at_, now + times_.member_timeout);
}

void raft::handle(node_id from, const vote_request& request, time_point now) {
    vote_answer answer{request.term, term_, request.pre, false, request.sent, self_.store, settled_};
    bool own_candidate = request.term.node == from;  // R1: only terms with the candidate's own id
    bool loyal = !request.transfer && hears_leader(now);
    if (request.pre) {
        answer.granted = !mute_ && own_candidate && request.term > term_ && !loyal &&
                         up_to_date(request.last_index, request.last_term);
        if (answer.granted) yield(from, now);
        send(from, answer);
        return;
    }
    if (mute_ || !own_candidate || request.term < term_ || loyal) {
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
        if (role_ == role::leader && !answer.pre && answer.granted && answer.term == term_)
            touched(from, answer.store, answer.sent, now);
        return;
    }
    if (!answer.granted) return;
    if (!answer.pre) touched(from, answer.store, answer.sent, now);
    votes_[from] = {answer.store, answer.settled};
    count_votes(now);
}

// ---- tie-breaks ------------------------------------------------------------------------------------

void raft::granted(const tie_grant& grant, time_point now) {
    if (std::find(means_.grants.begin(), means_.grants.end(), grant) == means_.grants.end())
        means_.grants.push_back(grant);
    count_votes(now);
}

void raft::proven(const death_proof& proof, time_point now) {
    if (!settled_ && !mutated(mutation::unsettled_half)) return;  // R5
    std::erase_if(means_.proofs, [&proof](const auto& item) { return item.proof.node == proof.node; });
    means_.proofs.push_back({proof, term_});
    count_votes(now);
}

void raft::certify(const certificate& paper, time_point now) {
    means_.certificate = paper;
    if (role_ == role::leader) return;
    failed_tries_ = 0;
    if (may_stand()) stand(true, false, now);
}

// ---- transfer ----------------------------------------------------------------------------------------

void raft::transfer(time_point now) {
    if (!may_decide() || now < transfer_again_) return;
    for (const auto& member : active_.back().set.voters) {
        auto known = progress_.find(member.node);
        if (member.node == self_.node || !caught_up(member, now) || known->second.match != last_index()) continue;
        transfer_again_ = now + times_.member_timeout;
        send(member.node, stand_now{term_});
        return;
    }
}

void raft::handle(node_id from, const stand_now& request, time_point now) {
    if (request.term != term_ || from != leader_ || role_ != role::follower || !may_stand()) return;
    stand(false, true, now);
}

}  // namespace mainstay::consensus
