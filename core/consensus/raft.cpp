// Life of one raft: construction, time, durability, what leaves. Elections and the log itself are
// in raft_election.cpp and raft_replication.cpp.
#include "consensus/raft.hpp"

#include <algorithm>
#include <utility>

#include "model/assert.hpp"

namespace mainstay::consensus {

const char* to_string(role value) {
    switch (value) {
        case role::follower:
            return "follower";
        case role::pre_candidate:
            return "pre_candidate";
        case role::candidate:
            return "candidate";
        default:
            return "leader";
    }
}

raft::raft(node_id self, const durable_state& durable, const timing& times, std::uint64_t seed, time_point now)
    : self_(self),
      times_(times),
      random_state_(seed | 1U),
      term_(durable.term),
      stable_term_(durable.term),
      commit_(durable.commit),
      stored_commit_(durable.commit),
      stable_commit_(durable.commit),
      wanted_commit_(durable.commit),
      log_(durable.log),
      stable_index_{durable.log.size()},
      verified_(durable.commit) {
    MAINSTAY_ASSERT(commit_.value <= log_.size());
    refresh_active();
    rearm(now);
}

void raft::adopt(std::vector<entry> log, time_point now) {
    MAINSTAY_ASSERT(log_.empty() && !log.empty());
    wanted_commit_ = log_index{log.size()};
    record(log_index{0}, std::move(log));
    set_commit(wanted_commit_);
    refresh_active();
    rearm(now);
}

void raft::receive(node_id from, const message& incoming, time_point now) {
    if (log_.empty()) return;  // no cluster yet: not a voter of anything
    check_quorum(now);
    std::visit([&](const auto& body) { handle(from, body, now); }, incoming);
}

void raft::beat_heard(node_id from, const beat_view& beat, time_point now) {
    if (log_.empty()) return;
    check_quorum(now);
    bool leader = beat.leader && beat.term.node == from;  // R1: only a term's own node leads in it
    if (beat.term > term_) become_follower(beat.term, leader ? from : node_id{}, now);
    if (beat.term != term_) return;
    if (role_ == role::leader) {
        // R6: dated by our own send time of the beat that was answered in our term.
        if (beat.echo <= now) contact_[from] = std::max(contact(from), beat.echo);
        return;
    }
    if (!leader) return;
    if (role_ != role::follower) become_follower(beat.term, from, now);
    leader_ = from;
    leader_heard_ = now;
    failed_tries_ = 0;
    rearm(now);
    set_commit(std::min(beat.commit, verified_));
}

// R6: after any pause this is checked before anything else is done.
bool raft::check_quorum(time_point now) {
    if (role_ != role::leader || now - elected_at_ <= times_.member_timeout || quorate(now)) return true;
    step_down(now);
    return false;
}

// Each repetition waits twice as long as the one before: a serial line that needs a second for an
// append would otherwise be filled with copies of it and never carry a whole one.
time_point raft::repeat_at(const progress& known) const {
    constexpr std::uint32_t doublings_max = 4;
    if (known.sent == time_point::min()) return known.sent;
    return known.sent + times_.resend * (1U << std::min(known.tries, doublings_max));
}

void raft::tick(time_point now) {
    if (role_ == role::leader) {
        if (!check_quorum(now)) return;
        for (node_id peer : peers()) {
            auto& known = progress_[peer];
            if (known.match < last_index() && now >= repeat_at(known)) {
                ++known.tries;
                known.next = log_index{known.match.value + 1};
                replicate(peer, now);
            }
        }
        return;
    }
    if (!is_voter(self_) || now < judge_after_) return;
    if (now >= stand_at_) {
        stand(true, now);
    } else if (role_ != role::follower && now >= resend_at_) {
        resend_at_ = now + times_.resend;
        vote_request request{standing_for_, role_ == role::pre_candidate, last_index(), last_term(), now};
        for (node_id peer : peers())
            if (!votes_.contains(peer)) send(peer, request);
    }
}

void raft::stored(std::uint64_t count, time_point now) {
    MAINSTAY_ASSERT(count <= writes_made_);
    while (writes_stored_ < count) {
        const auto& done = pending_.front();
        stable_term_ = done.term;
        stable_index_ = done.last;
        stable_commit_ = std::max(stable_commit_, done.commit);
        pending_.pop_front();
        ++writes_stored_;
    }
    while (!held_.empty() && held_.front().after <= writes_stored_) {
        messages_out_.push_back(std::move(held_.front().body));
        held_.pop_front();
    }
    auto before = commit_;
    set_commit(wanted_commit_);
    if (role_ == role::leader && commit_ > before)
        for (node_id peer : peers()) replicate(peer, now);
    if (role_ == role::candidate && stable_term_ == term_) {
        votes_.insert(self_);
        count_votes(now);
    }
    advance_commit(now);
}

void raft::hold_judgement(time_point until) { judge_after_ = std::max(judge_after_, until); }

std::optional<log_index> raft::propose(entry_body body, time_point now) {
    if (role_ != role::leader || !check_quorum(now)) return std::nullopt;
    // R2: a new set only when base is the newest set in the log and an own entry is committed.
    if (std::holds_alternative<voter_set>(body) && (active_.size() != 1 || !may_decide())) return std::nullopt;
    append(std::move(body), now);
    return last_index();
}

void raft::step_down(time_point now) {
    if (role_ != role::leader) return;
    become_follower(term_, node_id{}, now);
    ++failed_tries_;  // let somebody else try first
    rearm(now);
}

std::vector<write> raft::take_writes() { return std::exchange(writes_out_, {}); }
std::vector<outgoing> raft::take_messages() { return std::exchange(messages_out_, {}); }

bool raft::may_decide() const { return role_ == role::leader && commit_.value > 0 && at(commit_).term == term_; }

time_point raft::quorum_contact(time_point now) const {
    return quorum_time(active_, [&](node_id node) { return node == self_ ? now : contact(node); });
}

bool raft::quorate(time_point now) const {
    if (role_ != role::leader) return false;
    auto newest = quorum_contact(now);
    return newest != time_point::min() && now - newest <= times_.member_timeout;
}

time_point raft::contact(node_id node) const {
    auto found = contact_.find(node);
    return found == contact_.end() ? time_point::min() : found->second;
}

const entry& raft::at(log_index index) const {
    MAINSTAY_ASSERT(index.value >= 1 && index.value <= log_.size());
    return log_[index.value - 1];
}

bool raft::is_voter(node_id node) const {
    return std::any_of(active_.begin(), active_.end(), [&](const auto& set) { return set.contains(node); });
}

time_point raft::deadline() const {
    if (log_.empty()) return never;
    if (role_ == role::leader) {
        auto due = never;  // alone it is always its own quorum
        auto newest = quorum_contact(time_point::max());
        if (newest != time_point::max()) due = std::max(elected_at_, newest) + times_.member_timeout + duration{1};
        for (const auto& [peer, known] : progress_)
            if (known.match < last_index()) due = std::min(due, repeat_at(known));
        return due;
    }
    if (!is_voter(self_)) return never;
    auto due = role_ == role::follower ? stand_at_ : std::min(stand_at_, resend_at_);
    return std::max(due, judge_after_);
}

// ---- durability --------------------------------------------------------------------------------

void raft::record(log_index keep, std::vector<entry> added) {
    MAINSTAY_ASSERT(keep >= commit_);
    if (keep < last_index()) {
        stable_index_ = std::min(stable_index_, keep);
        for (auto& item : pending_) item.last = std::min(item.last, keep);
    }
    log_.resize(keep.value);
    log_.insert(log_.end(), added.begin(), added.end());
    stored_commit_ = std::min(wanted_commit_, last_index());
    writes_out_.push_back(write{term_, stored_commit_, keep, std::move(added)});
    pending_.push_back({term_, last_index(), stored_commit_});
    ++writes_made_;
    refresh_active();
}

void raft::note_write() { record(last_index(), {}); }

void raft::set_commit(log_index target) {
    wanted_commit_ = std::max(wanted_commit_, std::min(target, last_index()));
    auto before = commit_;
    while (commit_ < wanted_commit_) {
        log_index next{commit_.value + 1};
        // The mark of a voter set is durable before the set is acted on or told (R2, U3).
        if (std::holds_alternative<voter_set>(at(next).body) && stable_commit_ < next) {
            if (stored_commit_ < next) note_write();
            break;
        }
        commit_ = next;
    }
    if (commit_ != before) refresh_active();
}

void raft::send(node_id to, message body) {
    if (writes_stored_ == writes_made_) {
        send_now(to, std::move(body));
    } else {
        held_.push_back({writes_made_, outgoing{to, std::move(body)}});
    }
}

void raft::send_now(node_id to, message body) { messages_out_.push_back({to, std::move(body)}); }

void raft::refresh_active() { active_ = active_sets(log_, commit_); }

std::vector<node_id> raft::peers() const {
    std::set<node_id> all;
    for (const auto& set : active_)
        for (const auto& item : set.voters)
            if (item.node != self_) all.insert(item.node);
    return {all.begin(), all.end()};
}

// xorshift64*: the back-off needs to differ between nodes, nothing more.
std::uint64_t raft::random() {
    random_state_ ^= random_state_ >> 12;
    random_state_ ^= random_state_ << 25;
    random_state_ ^= random_state_ >> 27;
    return random_state_ * 0x2545f4914f6cdd1dULL;
}

}  // namespace mainstay::consensus
