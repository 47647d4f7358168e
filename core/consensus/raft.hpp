// One node's part in the replicated log: Raft with pre-vote, check-quorum, snapshots, learners, leadership
// transfer, and the rules R1 to R8 of docs/design/quorum.md. Sans-IO: everything comes in as an argument,
// everything owed to the outside leaves through take_*(). Not thread-safe; one owner.
//
// Ordering rules for the owner:
//  - writes are stored (synced) in the order taken; stored(n) tells that the first n are durable;
//  - messages are released here only when the writes they depend on are durable, so the owner may
//    send whatever it is given at once;
//  - beats are the owner's: it tells beat_heard() for each, and asks stable_term() for its own;
//  - before each turn it tells whether this node is settled (set_settled).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "consensus/entry_log.hpp"
#include "consensus/quorum.hpp"
#include "consensus/tie.hpp"
#include "consensus/types.hpp"

namespace mainstay::consensus {

// All durations > 0. See architecture.md section 4.
struct timing {
    duration member_timeout;  // T
    duration rank_step;       // each next node in line waits so much longer before it stands
    duration resend;          // an unanswered append or vote request is repeated after this
    duration tie_patience;    // so long a voter leaves a tie to a candidate before it in line
    static void fields(auto& self, auto&& visit) {
        visit("member_timeout", self.member_timeout);
        visit("rank_step", self.rank_step);
        visit("resend", self.resend);
        visit("tie_patience", self.tie_patience);
    }
};

// What a beat says about consensus.
struct beat_view {
    mainstay::term term;  // the sender's, durable
    bool leader = false;
    log_index commit;  // only of a leader
    time_point echo;   // our own send time of the newest beat the sender had heard from
                       // our present incarnation; time_point::min() = none
    store_id store;    // the sender's; 0 = unknown: counts for nothing
};

enum class role : std::uint8_t { follower, pre_candidate, candidate, leader, count_ };
[[nodiscard]] const char* to_string(role value);

// A leader's snapshot on its way into this log.
struct incoming_snapshot {
    consensus::snapshot about;
    std::uint64_t total = 0;
    std::uint64_t write = 0;  // > 0: accepted, and durable with this write
    node_id from;
    time_point sent;
    static void fields(auto& self, auto&& visit) {
        visit("about", self.about);
        visit("total", self.total);
        visit("write", self.write);
        visit("from", self.from);
        visit("sent", self.sent);
    }
};

class raft {
public:
    // `seed` feeds the random back-off only. The log in `durable` may be empty: then the node is
    // silent until adopt() gives it a first log, or join() lets a leader fill it.
    raft(voter self, const durable_state& durable, const timing& times, std::uint64_t seed, time_point now);

    void set_timing(const timing& times) { times_ = times; }
    // R3: does the committed state hold our present life?
    void set_settled(bool settled) { settled_ = settled; }
    // R5: a node that met a history it does not know neither votes nor stands.
    void set_mute(bool mute) { mute_ = mute; }
    // The owner can't read the log any more (D2): it votes, and neither stands nor leads.
    void set_barred(bool barred, time_point now);
    // A first log for an empty store: the founding entries of a new cluster. Committed as such.
    void adopt(std::vector<entry> log, time_point now);
    // An empty store that a leader may fill: the node is a learner until a voter set names it.
    void join() { joined_ = true; }

    void receive(node_id from, const message& incoming, time_point now);
    void beat_heard(node_id from, const beat_view& beat, time_point now);
    void tick(time_point now);
    // The first `count` writes ever taken are durable.
    void stored(std::uint64_t count, time_point now);
    // The owner was late itself: it may not judge others by their silence before `until`.
    void hold_judgement(time_point until);

    // Appends if this node leads and may (R2, R3); the index, or nothing.
    std::optional<log_index> propose(entry_body body, time_point now);
    // R8: who besides the voters gets the log. Only a leader uses it.
    void set_learners(std::vector<node_id> learners, time_point now);
    // Asks the follower that is furthest to stand; repeated until somebody else leads.
    void transfer(time_point now);
    // Gives up leadership at once (a leader that can't do its work).
    void step_down(time_point now);

    // ---- tie-breaks (R3 to R5) ----
    // What a candidate lacks, oldest set first; empty = nothing that a tie-break would mend.
    [[nodiscard]] const std::vector<tie_wanted>& ties_wanted() const { return wanted_; }
    void granted(const tie_grant& grant, time_point now);
    // A confirmed power-off, asked for by this life of this node.
    void proven(const death_proof& proof, time_point now);
    // An administrator's word; until a voter set is committed or this life ends.
    void certify(const certificate& paper, time_point now);
    // What was promised holds no longer: it was told that nothing came of it, or others lead.
    void withdraw_certificate() { means_.certificate.reset(); }
    [[nodiscard]] const std::optional<consensus::certificate>& certified() const { return means_.certificate; }

    // ---- snapshots ----
    // `data` is the owner's state after `index`, which is committed; the last `keep` entries stay.
    void compact(log_index index, bytes data, std::uint64_t keep);
    [[nodiscard]] const consensus::snapshot& snapshot() const { return log_.snapshot(); }
    // A leader's snapshot that is whole and waits for the owner's word: whether it can read the data.
    [[nodiscard]] const consensus::snapshot* offered_snapshot() const;
    void accept_snapshot(bool readable);

    // Whatever is stored from here on, the log on disk says no less of what is committed than it does here.
    void keep_commit();
    [[nodiscard]] std::vector<write> take_writes();
    [[nodiscard]] std::vector<outgoing> take_messages();

    [[nodiscard]] node_id self() const { return self_.node; }
    [[nodiscard]] mainstay::term current_term() const { return term_; }
    [[nodiscard]] mainstay::term stable_term() const { return stable_term_; }
    [[nodiscard]] consensus::role current_role() const { return role_; }
    [[nodiscard]] bool leads() const { return role_ == role::leader; }
    // R3: elected by a tie-break, its one voter set not yet committed.
    [[nodiscard]] bool limited() const { return role_ == role::leader && limited_; }
    // Who leads in our term, as far as we know.
    [[nodiscard]] node_id leader() const { return leader_; }
    [[nodiscard]] time_point leader_heard() const { return leader_heard_; }
    [[nodiscard]] time_point elected_at() const { return elected_at_; }
    // Leads, and has committed an entry of its own term: may decide on packages ("Packages").
    [[nodiscard]] bool may_decide() const;
    // R6: the newest moment (our send time) at which a quorum was surely with us.
    [[nodiscard]] time_point quorum_contact(time_point now) const;
    // Never true of a limited leader: it acknowledges no lease.
    [[nodiscard]] bool quorate(time_point now) const;
    [[nodiscard]] time_point contact(node_id node) const;
    // Leader only: this follower, with this store, holds everything committed and answers within T.
    [[nodiscard]] bool caught_up(const voter& member, time_point now) const;
    // Leader only: a newer voter set may be proposed now (R2).
    [[nodiscard]] bool may_change_voters() const { return may_decide() && active_.size() == 1; }

    [[nodiscard]] log_index commit() const { return commit_; }
    [[nodiscard]] log_index last_index() const { return log_.last(); }
    [[nodiscard]] const entry_log& log() const { return log_; }
    [[nodiscard]] const entry& at(log_index index) const { return log_.at(index); }
    // base and every later set, oldest first. Empty only without a log.
    [[nodiscard]] const std::vector<active_set>& active() const { return active_; }
    [[nodiscard]] bool is_voter(node_id node) const;  // of any active set, whatever its store
    // A tie-break could matter: "Two voters" of quorum.md. Every active set has at most two members,
    // `node` among them.
    [[nodiscard]] bool of_two_at_most(node_id node) const;
    // Nothing must happen before this moment, except by new input.
    [[nodiscard]] time_point deadline() const;

private:
    struct progress {  // what the leader knows of one other node
        store_id store;
        log_index next{1};
        log_index match;
        time_point sent = time_point::min();
        std::uint32_t tries = 0;   // repetitions since it last got further
        log_index snapshot;        // being sent; 0 = none
        std::uint64_t offset = 0;  // of the piece that was sent last
        static void fields(auto& self, auto&& visit) {
            visit("store", self.store);
            visit("next", self.next);
            visit("match", self.match);
            visit("sent", self.sent);
            visit("tries", self.tries);
            visit("snapshot", self.snapshot);
            visit("offset", self.offset);
        }
    };
    struct touch {  // R6: our send time of the newest beat that was answered in our term
        store_id store;
        time_point when = time_point::min();
        static void fields(auto& self, auto&& visit) {
            visit("store", self.store);
            visit("when", self.when);
        }
    };

    // raft_election.cpp
    void become_follower(const mainstay::term& term, node_id leader, time_point now);
    void stand(bool pre, bool transfer, time_point now);
    void count_votes(time_point now);
    void lead(bool limited, std::optional<death_proof> proof, bool by_certificate, time_point now);
    void append_tie_set(std::optional<death_proof> proof, bool by_certificate, time_point now);
    bool check_quorum(time_point now);
    [[nodiscard]] duration patience();
    void rearm(time_point now);
    void yield(node_id candidate, time_point now);
    [[nodiscard]] bool up_to_date(log_index index, const mainstay::term& term) const;
    [[nodiscard]] bool hears_leader(time_point now) const;
    [[nodiscard]] bool may_stand() const;
    void handle(node_id from, const vote_request& request, time_point now);
    void handle(node_id from, const vote_answer& answer, time_point now);
    void handle(node_id from, const stand_now& request, time_point now);

    // raft_replication.cpp
    void advance_commit(time_point now);
    [[nodiscard]] bool stored_by_all_limited(log_index index) const;
    [[nodiscard]] time_point repeat_at(const progress& known) const;
    void replicate(node_id to, time_point now);
    void append(entry_body body, time_point now);
    void follow(node_id leader, const mainstay::term& term, time_point now);
    void handle(node_id from, const append_request& request, time_point now);
    void handle(node_id from, const append_answer& answer, time_point now);

    // raft_snapshot.cpp
    void send_snapshot(node_id to, progress& known, time_point now);
    void install_stored();
    void handle(node_id from, const snapshot_request& request, time_point now);
    void handle(node_id from, const snapshot_answer& answer, time_point now);

    // raft.cpp
    void set_commit(log_index target);
    void send(node_id to, message body);
    void send_now(node_id to, message body);
    void record(log_index keep, std::vector<entry> added);
    void note_write();
    void push_write(write change);
    void refresh_active();
    void touched(node_id node, store_id store, time_point sent, time_point now);
    [[nodiscard]] time_point contact(const voter& member) const;
    [[nodiscard]] std::vector<node_id> voter_peers() const;
    [[nodiscard]] std::vector<node_id> peers() const;
    std::uint64_t random();

    voter self_;
    timing times_;
    std::uint64_t random_state_;
    bool settled_ = false;
    bool mute_ = false;
    bool barred_ = false;
    bool joined_ = false;

    mainstay::term term_;
    mainstay::term stable_term_;
    log_index commit_;
    log_index stored_commit_;  // commit as of the last write taken
    log_index stable_commit_;  // durable commit mark; base is never newer than this
    log_index wanted_commit_;  // known committed, waiting for the mark of a voter set
    entry_log log_;
    log_index stable_index_;  // our own log is durable up to here
    std::vector<active_set> active_;
    std::optional<incoming_snapshot> incoming_;

    consensus::role role_ = role::follower;
    node_id leader_;
    time_point leader_heard_ = time_point::min();
    time_point elected_at_ = time_point::min();
    time_point stand_at_ = never;
    time_point judge_after_ = time_point::min();
    time_point resend_at_ = never;
    std::uint32_t failed_tries_ = 0;
    mainstay::term standing_for_;  // the term asked for, as (pre-)candidate
    bool transferred_ = false;     // standing because the leader asked for it
    ballots votes_;
    tie_means means_;
    std::vector<tie_wanted> wanted_;
    node_id yielding_to_;
    time_point yielding_since_ = time_point::min();
    bool limited_ = false;
    std::vector<voter> limited_voters_;  // R3: all of them have to store the one entry
    log_index limited_index_;            // that entry
    std::vector<node_id> learners_;
    time_point transfer_again_ = time_point::min();
    std::map<node_id, progress> progress_;
    std::map<node_id, touch> contact_;
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
        visit("settled", self.settled_);
        visit("mute", self.mute_);
        visit("barred", self.barred_);
        visit("joined", self.joined_);
        visit("term", self.term_);
        visit("stable_term", self.stable_term_);
        visit("commit", self.commit_);
        visit("stored_commit", self.stored_commit_);
        visit("stable_commit", self.stable_commit_);
        visit("wanted_commit", self.wanted_commit_);
        visit("log", self.log_);
        visit("stable_index", self.stable_index_);
        visit("active", self.active_);
        visit("incoming", self.incoming_);
        visit("role", self.role_);
        visit("leader", self.leader_);
        visit("leader_heard", self.leader_heard_);
        visit("elected_at", self.elected_at_);
        visit("stand_at", self.stand_at_);
        visit("judge_after", self.judge_after_);
        visit("resend_at", self.resend_at_);
        visit("failed_tries", self.failed_tries_);
        visit("standing_for", self.standing_for_);
        visit("transferred", self.transferred_);
        visit("votes", self.votes_);
        visit("means", self.means_);
        visit("wanted", self.wanted_);
        visit("yielding_to", self.yielding_to_);
        visit("yielding_since", self.yielding_since_);
        visit("limited", self.limited_);
        visit("limited_voters", self.limited_voters_);
        visit("limited_index", self.limited_index_);
        visit("learners", self.learners_);
        visit("transfer_again", self.transfer_again_);
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
