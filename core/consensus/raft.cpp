// Life of one raft: construction, time, durability, what leaves. Elections, the log and snapshots are
// in raft_election.cpp, raft_replication.cpp and raft_snapshot.cpp.
#include "consensus/raft.hpp"

#include <algorithm>
#include <utility>

#include "model/assert.hpp"
#include "model/mutation.hpp"

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

raft::raft(voter self, const durable_state& durable, const timing& times, std::uint64_t seed, time_point now)
    : self_(self),
      times_(times),
      random_state_(seed | 1U),
      term_(durable.term),
      stable_term_(durable.term),
      commit_(mutated(mutation::forget_commit_mark) ? durable.snapshot.index
                                                    : std::max(durable.commit, durable.snapshot.index)),
      stored_commit_(commit_),
      stable_commit_(commit_),
      wanted_commit_(commit_),
      log_(durable),
      stable_index_(log_.last()),
      verified_(commit_) {
    MAINSTAY_ASSERT(commit_ <= log_.last());
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

void raft::set_barred(bool barred, time_point now) {
    barred_ = barred;
    if (barred_ && role_ != role::follower) become_follower(term_, node_id{}, now);
}

void raft::receive(node_id from, const message& incoming, time_point now) {
    if (log_.empty() && !joined_) return;  // no cluster yet: not a voter of anything
    check_quorum(now);
    std::visit([&](const auto& body) { handle(from, body, now); }, incoming);
}

void raft::beat_heard(node_id from, const beat_view& beat, time_point now) {
    if (log_.empty()) return;
    check_quorum(now);
    bool leader = beat.leader && beat.term.node == from;  // R1: only a term's own node leads in it
    if (beat.term > term_) become_follower(beat.term, leader ? from : node_id{}, now);
    if (beat.term != term_) return;
    auto answered = mutated(mutation::date_by_arrival) && beat.echo != time_point::min() ? now : beat.echo;
    if (role_ == role::leader) return touched(from, beat.store, answered, now);
    if (!leader) return;
    follow(from, beat.term, now);
    set_commit(std::min(beat.commit, verified_));
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
    if (!may_stand() || now < judge_after_) return;
    if (now >= stand_at_) {
        stand(true, false, now);
    } else if (role_ != role::follower && now >= resend_at_) {
        resend_at_ = now + times_.resend;
        vote_request request{standing_for_, role_ == role::pre_candidate, last_index(), log_.last_term(), now,
                             transferred_};
        for (node_id peer : voter_peers())
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
    install_stored();
    while (!held_.empty() && held_.front().after <= writes_stored_) {
        messages_out_.push_back(std::move(held_.front().body));
        held_.pop_front();
    }
    auto before = commit_;
    set_commit(wanted_commit_);
    if (role_ == role::leader && commit_ > before)
        for (node_id peer : peers()) replicate(peer, now);
    if (role_ == role::candidate && stable_term_ == term_) {
        votes_[self_.node] = {self_.store, settled_};
        count_votes(now);
    }
    advance_commit(now);
}

void raft::hold_judgement(time_point until) { judge_after_ = std::max(judge_after_, until); }

std::optional<log_index> raft::propose(entry_body body, time_point now) {
    // R3: a limited leader appends nothing but its own one voter set.
    if (role_ != role::leader || !check_quorum(now) || limited_) return std::nullopt;
    // R2: a new set only when base is the newest set in the log and an own entry is committed.
    if (const auto* set = std::get_if<voter_set>(&body))
        if (!may_change_voters() || set->version != active_.back().set.version + 1) return std::nullopt;
    append(std::move(body), now);
    return last_index();
}

void raft::set_learners(std::vector<node_id> learners, time_point now) {
    std::erase(learners, self_.node);
    if (learners == learners_) return;
    learners_ = std::move(learners);
    if (role_ != role::leader) return;
    for (node_id learner : learners_)
        if (!progress_.contains(learner)) replicate(learner, now);
}

std::vector<write> raft::take_writes() { return std::exchange(writes_out_, {}); }
std::vector<outgoing> raft::take_messages() { return std::exchange(messages_out_, {}); }

bool raft::may_decide() const {
    if (mutated(mutation::decide_before_own_term) && role_ == role::leader && !limited_) return true;
    return role_ == role::leader && !limited_ && commit_.value > 0 && log_.term_at(commit_) == term_;
}

time_point raft::quorum_contact(time_point now) const {
    if (limited()) {
        auto oldest = now;
        for (const auto& item : limited_voters_)
            if (item.node != self_.node) oldest = std::min(oldest, contact(item));
        return oldest;
    }
    return quorum_time(active_, [&](const voter& item) { return item == self_ ? now : contact(item); });
}

bool raft::quorate(time_point now) const {
    if (role_ != role::leader || limited_) return false;
    auto newest = quorum_contact(now);
    if (mutated(mutation::lead_without_quorum)) return true;
    return newest != time_point::min() && now - newest <= times_.member_timeout;
}

time_point raft::contact(const voter& member) const {
    auto found = contact_.find(member.node);
    return found == contact_.end() || found->second.store != member.store ? time_point::min() : found->second.when;
}

time_point raft::contact(node_id node) const {
    auto found = contact_.find(node);
    return found == contact_.end() ? time_point::min() : found->second.when;
}

// R6: dated by our own send time of what was answered in our term.
void raft::touched(node_id node, store_id store, time_point sent, time_point now) {
    if (sent > now || !store) return;
    auto& known = contact_[node];
    if (known.store != store) known = {store, time_point::min()};
    known.when = std::max(known.when, sent);
}

bool raft::caught_up(const voter& member, time_point now) const {
    if (member == self_) return true;
    auto found = progress_.find(member.node);
    auto last = contact(member);
    return found != progress_.end() && found->second.store == member.store && found->second.match >= commit_ &&
           last != time_point::min() && now - last <= times_.member_timeout;
}

bool raft::is_voter(node_id node) const {
    return std::any_of(active_.begin(), active_.end(), [&](const auto& item) { return item.set.contains(node); });
}

bool raft::of_two_at_most(node_id node) const {
    return !active_.empty() && std::all_of(active_.begin(), active_.end(), [node](const auto& item) {
        return item.set.voters.size() <= 2 && item.set.contains(node);
    });
}

time_point raft::deadline() const {
    if (log_.empty()) return never;
    if (role_ == role::leader) {
        auto due = never;  // alone it is always its own quorum
        auto newest = quorum_contact(time_point::max());
        if (newest != time_point::max()) due = std::max(elected_at_, newest) + times_.member_timeout + duration{1};
        for (node_id peer : peers()) {
            auto known = progress_.find(peer);
            if (known == progress_.end() || known->second.match < last_index())
                due = std::min(due, known == progress_.end() ? time_point::min() : repeat_at(known->second));
        }
        return due;
    }
    if (!may_stand()) return never;
    auto due = role_ == role::follower ? stand_at_ : std::min(stand_at_, resend_at_);
    return std::max(due, judge_after_);
}

// ---- durability --------------------------------------------------------------------------------

void raft::push_write(write change) {
    MAINSTAY_ASSERT(change.commit >= stored_commit_);
    stored_commit_ = change.commit;
    auto last = log_index{change.keep.value + change.append.size()};
    writes_out_.push_back(std::move(change));
    pending_.push_back({term_, last, stored_commit_});
    ++writes_made_;
}

void raft::record(log_index keep, std::vector<entry> added) {
    MAINSTAY_ASSERT(keep >= commit_ && !(incoming_ && incoming_->write > 0));
    if (keep < last_index()) {
        stable_index_ = std::min(stable_index_, keep);
        for (auto& item : pending_) item.last = std::min(item.last, keep);
    }
    log_.truncate(keep);
    log_.append(added);
    push_write(write{term_, std::min(wanted_commit_, last_index()), keep, std::move(added), {}, {}, {}});
    refresh_active();
}

void raft::note_write() {
    auto keep = last_index();
    auto commit = std::max(stored_commit_, std::min(wanted_commit_, last_index()));
    if (incoming_ && incoming_->write > 0) {
        // The disk is ahead of us: it has the snapshot already, or will have when this arrives there.
        bool same = log_.term_at(incoming_->about.index) == incoming_->about.term;
        keep = same ? std::max(keep, incoming_->about.index) : incoming_->about.index;
        commit = std::max(commit, incoming_->about.index);
    }
    push_write(write{term_, commit, keep, {}, {}, {}, {}});
}

void raft::keep_commit() {
    if (stored_commit_ < commit_) note_write();
}

void raft::set_commit(log_index target) {
    wanted_commit_ = std::max(wanted_commit_, std::min(target, last_index()));
    auto before = commit_;
    while (commit_ < wanted_commit_) {
        log_index next{commit_.value + 1};
        // The mark of a voter set is durable before the set is acted on or told (R2, U3).
        bool marked = stable_commit_ >= next || mutated(mutation::forget_commit_mark);
        if (std::holds_alternative<voter_set>(at(next).body) && !marked) {
            if (stored_commit_ < next) note_write();
            break;
        }
        commit_ = next;
    }
    if (commit_ != before) refresh_active();
}

void raft::send(node_id to, message body) {
    bool early = (mutated(mutation::skip_durable_vote) && std::holds_alternative<vote_answer>(body)) ||
                 (mutated(mutation::acknowledge_before_sync) && std::holds_alternative<append_answer>(body));
    if (early) return send_now(to, std::move(body));
    if (writes_stored_ == writes_made_) {
        send_now(to, std::move(body));
    } else {
        held_.push_back({writes_made_, outgoing{to, std::move(body)}});
    }
}

void raft::send_now(node_id to, message body) { messages_out_.push_back({to, std::move(body)}); }

void raft::refresh_active() {
    auto base = active_.empty() ? log_index{} : active_.front().index;
    active_ = log_.active(commit_);
    if (mutated(mutation::newest_set_alone) && active_.size() > 1) active_ = {active_.back()};
    if (active_.empty() || active_.front().index == base || active_.front().index > commit_) return;
    // A newer set is committed: what was collected for the former one is of no use, and a certificate ends.
    means_.certificate.reset();
    std::erase_if(means_.grants, [this](const auto& item) { return item.version < active_.front().set.version; });
}

std::vector<node_id> raft::voter_peers() const {
    std::vector<node_id> all;
    all.reserve(active_.empty() ? 0 : active_.front().set.voters.size());
    for (const auto& item : active_)
        for (const auto& member : item.set.voters)
            if (member.node != self_.node) all.push_back(member.node);
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

std::vector<node_id> raft::peers() const {
    auto all = voter_peers();
    for (node_id learner : learners_)
        if (std::find(all.begin(), all.end(), learner) == all.end()) all.push_back(learner);
    return all;
}

// xorshift64*: the back-off needs to differ between nodes, nothing more.
std::uint64_t raft::random() {
    random_state_ ^= random_state_ >> 12;
    random_state_ ^= random_state_ << 25;
    random_state_ ^= random_state_ >> 27;
    return random_state_ * 0x2545f4914f6cdd1dULL;
}

}  // namespace mainstay::consensus
