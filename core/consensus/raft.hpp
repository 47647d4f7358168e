// One node's part in the replicated log: Raft with pre-vote, check-quorum and the rules R1, R2, R6
// of docs/design/quorum.md. Sans-IO: everything comes in as an argument, everything owed to the
// outside leaves through take_*(). Not thread-safe; one owner.
//
// Ordering rules for the owner:
//  - writes are stored (synced) in the order taken; stored(n) tells that the first n are durable;
//  - messages are released here only when the writes they depend on are durable, so the owner may
//    send whatever it is given at once;
//  - beats are the owner's: it tells beat_heard() for each, and asks stable_term() for its own.
//
// Place left for what follows: snapshots and learners (R8), sets of even size (R3-R5).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "consensus/quorum.hpp"
#include "consensus/types.hpp"

namespace mainstay::consensus {

// All durations > 0. See architecture.md section 4.
struct timing {
    duration member_timeout;  // T
    duration rank_step;       // each next node in line waits so much longer before it stands
    duration resend;          // an unanswered append or vote request is repeated after this
    static void fields(auto& self, auto&& visit) {
        visit("member_timeout", self.member_timeout);
        visit("rank_step", self.rank_step);
        visit("resend", self.resend);
    }
};

// What a beat says about consensus.
struct beat_view {
    mainstay::term term;  // the sender's, durable
    bool leader = false;
    log_index commit;  // only of a leader
    time_point echo;   // our own send time of the newest beat the sender had heard from
                       // our present incarnation; time_point::min() = none
};

enum class role : std::uint8_t { follower, pre_candidate, candidate, leader, count_ };
[[nodiscard]] const char* to_string(role value);

class raft {
public:
    // `seed` feeds the random back-off only. The log in `durable` may be empty: then the node
    // is silent until adopt() gives it a first log.
    raft(node_id self, const durable_state& durable, const timing& times, std::uint64_t seed, time_point now);

    void set_timing(const timing& times) { times_ = times; }
    // A first log for an empty store: the founding entries of a new cluster. Committed as such.
    void adopt(std::vector<entry> log, time_point now);

    void receive(node_id from, const message& incoming, time_point now);
    void beat_heard(node_id from, const beat_view& beat, time_point now);
    void tick(time_point now);
    // The first `count` writes ever taken are durable.
    void stored(std::uint64_t count, time_point now);
    // The owner was late itself: it may not judge others by their silence before `until`.
    void hold_judgement(time_point until);

    // Appends if this node leads and may (R2); the index, or nothing.
    std::optional<log_index> propose(entry_body body, time_point now);

    // Gives up leadership at once (a leader that can't do its work).
    void step_down(time_point now);

    [[nodiscard]] std::vector<write> take_writes();
    [[nodiscard]] std::vector<outgoing> take_messages();

    [[nodiscard]] node_id self() const { return self_; }
    [[nodiscard]] mainstay::term current_term() const { return term_; }
    [[nodiscard]] mainstay::term stable_term() const { return stable_term_; }
    [[nodiscard]] consensus::role current_role() const { return role_; }
    [[nodiscard]] bool leads() const { return role_ == role::leader; }
    // Who leads in our term, as far as we know.
    [[nodiscard]] node_id leader() const { return leader_; }
    [[nodiscard]] time_point leader_heard() const { return leader_heard_; }
    [[nodiscard]] time_point elected_at() const { return elected_at_; }
    // Leads, and has committed an entry of its own term: may decide on packages ("Packages").
    [[nodiscard]] bool may_decide() const;
    // R6: the newest moment (our send time) at which a quorum was surely with us.
    [[nodiscard]] time_point quorum_contact(time_point now) const;
    [[nodiscard]] bool quorate(time_point now) const;
    [[nodiscard]] time_point contact(node_id node) const;

    [[nodiscard]] log_index commit() const { return commit_; }
    [[nodiscard]] log_index last_index() const { return log_index{log_.size()}; }
    [[nodiscard]] const entry& at(log_index index) const;
    [[nodiscard]] const std::vector<entry>& log() const { return log_; }
    [[nodiscard]] const std::vector<voter_set>& active() const { return active_; }
    [[nodiscard]] bool is_voter(node_id node) const;
    // Nothing must happen before this moment, except by new input.
    [[nodiscard]] time_point deadline() const;

private:
    struct progress {  // what the leader knows of one other node
        log_index next{1};
        log_index match;
        time_point sent = time_point::min();
        std::uint32_t tries = 0;  // repetitions since it last got further
        static void fields(auto& self, auto&& visit) {
            visit("next", self.next);
            visit("match", self.match);
            visit("sent", self.sent);
            visit("tries", self.tries);
        }
    };

    void become_follower(const mainstay::term& term, node_id leader, time_point now);
    void stand(bool pre, time_point now);
    void count_votes(time_point now);
    void lead(time_point now);
    void advance_commit(time_point now);
    bool check_quorum(time_point now);
    [[nodiscard]] time_point repeat_at(const progress& known) const;
    void set_commit(log_index target);
    void send(node_id to, message body);
    void send_now(node_id to, message body);
    void replicate(node_id to, time_point now);
    void append(entry_body body, time_point now);
    void record(log_index keep, std::vector<entry> added);
    void note_write();
    void refresh_active();
    [[nodiscard]] duration patience(time_point now);
    void rearm(time_point now);
    [[nodiscard]] bool up_to_date(log_index index, const mainstay::term& term) const;
    [[nodiscard]] mainstay::term last_term() const;
    [[nodiscard]] bool hears_leader(time_point now) const;
    [[nodiscard]] std::vector<node_id> peers() const;
    std::uint64_t random();

    void handle(node_id from, const vote_request& request, time_point now);
    void handle(node_id from, const vote_answer& answer, time_point now);
    void handle(node_id from, const append_request& request, time_point now);
    void handle(node_id from, const append_answer& answer, time_point now);

    node_id self_;
    timing times_;
    std::uint64_t random_state_;

    mainstay::term term_;
    mainstay::term stable_term_;
    log_index commit_;
    log_index stored_commit_;  // commit as of the last write taken
    log_index stable_commit_;  // durable commit mark; base is never newer than this
    log_index wanted_commit_;  // known committed, waiting for the mark of a voter set
    std::vector<entry> log_;
    log_index stable_index_;  // our own log is durable up to here
    std::vector<voter_set> active_;

    consensus::role role_ = role::follower;
    node_id leader_;
    time_point leader_heard_ = time_point::min();
    time_point elected_at_ = time_point::min();
    time_point stand_at_ = never;
    time_point judge_after_ = time_point::min();
    time_point resend_at_ = never;
    std::uint32_t failed_tries_ = 0;
    mainstay::term standing_for_;  // the term asked for, as (pre-)candidate
    time_point standing_since_;
    std::set<node_id> votes_;
    std::map<node_id, progress> progress_;
    std::map<node_id, time_point> contact_;
    log_index verified_;  // our log equals the leader's of term_ up to here

    struct pending_write {
        mainstay::term term;
        log_index last;
        log_index commit;
        static void fields(auto& self, auto&& visit) {
            visit("term", self.term);
            visit("last", self.last);
            visit("commit", self.commit);
        }
    };
    struct held_message {
        std::uint64_t after = 0;  // released when so many writes are durable
        outgoing body;
        static void fields(auto& self, auto&& visit) {
            visit("after", self.after);
            visit("body", self.body);
        }
    };
    std::uint64_t writes_made_ = 0;
    std::uint64_t writes_stored_ = 0;
    std::deque<pending_write> pending_;
    std::deque<held_message> held_;
    std::vector<write> writes_out_;
    std::vector<outgoing> messages_out_;

public:
    // The whole value, for save and load.
    static void fields(auto& self, auto&& visit) {
        visit("self", self.self_);
        visit("times", self.times_);
        visit("random_state", self.random_state_);
        visit("term", self.term_);
        visit("stable_term", self.stable_term_);
        visit("commit", self.commit_);
        visit("stored_commit", self.stored_commit_);
        visit("stable_commit", self.stable_commit_);
        visit("wanted_commit", self.wanted_commit_);
        visit("log", self.log_);
        visit("stable_index", self.stable_index_);
        visit("active", self.active_);
        visit("role", self.role_);
        visit("leader", self.leader_);
        visit("leader_heard", self.leader_heard_);
        visit("elected_at", self.elected_at_);
        visit("stand_at", self.stand_at_);
        visit("judge_after", self.judge_after_);
        visit("resend_at", self.resend_at_);
        visit("failed_tries", self.failed_tries_);
        visit("standing_for", self.standing_for_);
        visit("standing_since", self.standing_since_);
        visit("votes", self.votes_);
        visit("progress", self.progress_);
        visit("contact", self.contact_);
        visit("verified", self.verified_);
        visit("writes_made", self.writes_made_);
        visit("writes_stored", self.writes_stored_);
        visit("pending", self.pending_);
        visit("held", self.held_);
        visit("writes_out", self.writes_out_);
        visit("messages_out", self.messages_out_);
    }
};

}  // namespace mainstay::consensus
