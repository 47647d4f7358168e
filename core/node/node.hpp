// One node of the cluster (D1): inputs with the time in, outputs out. The daemon and the simulator
// drive this very class. Its whole state is a plain value: save() and load() are exact.
// Not thread-safe; one owner, one input at a time, to completion.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/apply.hpp"
#include "cluster/state.hpp"
#include "consensus/raft.hpp"
#include "consensus/voters.hpp"
#include "model/timing.hpp"
#include "node/effects.hpp"
#include "node/fencer.hpp"
#include "node/fragment.hpp"
#include "node/io.hpp"
#include "node/lease.hpp"
#include "node/local_record.hpp"
#include "node/operations.hpp"
#include "node/peers.hpp"
#include "node/runner.hpp"
#include "node/submissions.hpp"
#include "node/wire.hpp"
#include "policy/decide.hpp"

namespace mainstay::node {

// What a tied candidate does about one tie (R3, R4).
struct tie_attempt {
    consensus::tie_wanted wanted;
    time_point since;
    time_point again = time_point::min();  // not before, after a refusal or no answer
    std::set<request_id> open;             // grants asked for
    bool fencing = false;
    bool fence_failed = false;  // one of its fences ended without a proof
    static void fields(auto& self, auto&& visit) {
        visit("wanted", self.wanted);
        visit("since", self.since);
        visit("again", self.again);
        visit("open", self.open);
        visit("fencing", self.fencing);
        visit("fence_failed", self.fence_failed);
    }
};

// What an arbitrator said last, as the leader asks now and then (R4a).
struct arbitrator_view {
    store_id store;
    time_point asked = time_point::min();
    time_point answered = time_point::min();
    std::uint64_t told = 0;  // newest voter set version it was told
    bool used_up = false;    // it holds a grant of the present version
    bool lost = false;       // said to the cluster
    request_id open;
    static void fields(auto& self, auto&& visit) {
        visit("store", self.store);
        visit("asked", self.asked);
        visit("answered", self.answered);
        visit("told", self.told);
        visit("used_up", self.used_up);
        visit("lost", self.lost);
        visit("open", self.open);
    }
};

struct start_info {
    std::string name;  // own, as in the configuration
    boot_id boot;      // stored before this; unique for ever
    store_id store;
    std::uint64_t seed = 1;  // of back-off and of a new cluster's name
    consensus::durable_state log;
    bytes local;                           // stored_form of a local_record, or empty
    duration watchdog{0};                  // W, read back; 0 = none armed
    std::uint64_t kernel = 0;              // random name of the machine's life
    std::uint64_t snapshot_every = 2'000;  // entries; the same on all nodes, so that snapshots can be compared
    std::uint32_t feature_level = cluster::own_feature_level;  // another one only in a simulation
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("boot", self.boot);
        visit("store", self.store);
        visit("seed", self.seed);
        visit("log", self.log);
        visit("local", self.local);
        visit("watchdog", self.watchdog);
        visit("kernel", self.kernel);
        visit("snapshot_every", self.snapshot_every);
        visit("feature_level", self.feature_level);
    }
};

// A cluster being founded from here: the stores heard so far, 0 = not yet.
struct forming_cluster {
    std::uint64_t admin = 0;
    std::string text;
    time_point deadline = never;
    std::map<std::string, store_id> stores;
    static void fields(auto& self, auto&& visit) {
        visit("admin", self.admin);
        visit("text", self.text);
        visit("deadline", self.deadline);
        visit("stores", self.stores);
    }
};

// A generation is over here; it is told once the local record that forgets it is durable.
struct ending {
    std::uint64_t after = 0;  // stores made
    cluster::package_report told;
    static void fields(auto& self, auto&& visit) {
        visit("after", self.after);
        visit("told", self.told);
    }
};

// A control script waits for what it asked for to be on record.
struct recorded_call {
    std::uint64_t after = 0;  // stores made
    std::uint64_t admin = 0;
    script_call asked;
    static void fields(auto& self, auto&& visit) {
        visit("after", self.after);
        visit("admin", self.admin);
        visit("asked", self.asked);
    }
};

// What the leader last found nothing to decide about. Derived, so not part of what is saved.
struct nothing_to_decide {
    log_index applied;
    mainstay::term term;
    time_point look_again = never;
    policy::view seen;
};

// The daemon is about to end for good (leave.cpp).
struct leaving {
    time_point since;
    duration patience{0};
    time_point leaderless_since = never;
    time_point quiet_since = never;  // nothing is active here since then
    bool alone = false;              // nobody takes the packages: halted here, their generations are over
    bool told = false;
    static void fields(auto& self, auto&& visit) {
        visit("since", self.since);
        visit("patience", self.patience);
        visit("leaderless_since", self.leaderless_since);
        visit("quiet_since", self.quiet_since);
        visit("alone", self.alone);
        visit("told", self.told);
    }
};

class node {
public:
    node(const start_info& info, moment at);

    void step(const input& item, moment at);
    [[nodiscard]] std::vector<output> take_outputs() { return out_.take(); }
    // A tick is due then, if nothing else comes before.
    [[nodiscard]] time_point deadline() const;

    // ---- reading; for status, explain, tests and the simulator's checks ----
    [[nodiscard]] node_id self() const { return self_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] boot_id boot() const { return boot_; }
    [[nodiscard]] const cluster::state& state() const { return state_; }
    [[nodiscard]] const consensus::raft& log() const { return raft_; }
    [[nodiscard]] const peers& heard() const { return peers_; }
    [[nodiscard]] const node_lease& own_lease() const { return lease_; }
    [[nodiscard]] const timings& times() const { return times_; }
    [[nodiscard]] const std::map<std::string, runner>& runners() const { return runners_; }
    [[nodiscard]] const std::deque<happened>& history() const { return history_; }
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }  // datagrams and events that came to nothing
    [[nodiscard]] bool settled() const;
    // Anything within member_timeout, directly or not; of a node without a cluster nothing is known: true.
    [[nodiscard]] bool hears(const std::string& name, time_point now) const;
    [[nodiscard]] std::vector<std::string> active_packages() const;  // begun here and not over; or failed to halt
    [[nodiscard]] std::vector<std::string> waiting_to_form() const;  // names not heard yet
    // Why a node that hears others has no vote: what it waits for; empty = nothing.
    [[nodiscard]] std::string waiting_for(time_point now) const;
    [[nodiscard]] const std::map<std::string, arbitrator_view>& arbitrators() const { return arbitrators_; }
    // D6, "Two voters": no end while it is one of two at most and proof breaks ties.
    [[nodiscard]] bool lease_endless() const;
    [[nodiscard]] bool lease_holds(time_point now) const;
    // SG 7.4: no lease binds it, and it watches nothing of what runs here.
    [[nodiscard]] bool detached_here() const;
    // The same, or this daemon does not know yet whether it still is: the one before it was, and so its guard lets all
    // be.
    [[nodiscard]] bool unbound() const { return detached_here() || (guard_detached_ && !settled()); }
    // D5: all of its heartbeat links are down for a reason of its own. What each of them lacks: local_reasons().
    [[nodiscard]] bool cut_off() const;
    [[nodiscard]] std::string local_reasons() const;

    [[nodiscard]] bytes save() const;
    // `former`, the state of a node at hand: a configuration that is the same is not parsed again.
    [[nodiscard]] static std::optional<node> load(std::string_view saved, const cluster::state* former = nullptr);

private:
    node() : raft_({}, {}, {}, 1, {}) {}

    // node.cpp: the turn
    [[nodiscard]] static consensus::timing raft_timing(const timings& times);
    void begin_turn();
    void finish_turn();
    void handle(const datagram& item);
    void handle(const tick&) {}
    void handle(const stored& item);
    void handle(const process_exited& item);
    void handle(const package_cleared& item);
    void handle(const plugin_answer& item);
    void handle(const plugin_event& item);
    void handle(const admin_call& item);
    void handle(const guard_hello& item);
    void handle(const leave& item);
    void handle(const watchdog_armed& item);
    void handle(const subnets_seen& item);
    void handle(const links_seen& item);
    void handle(const ask_programs& item);
    void handle(const tell_programs& item);
    void handle(const ask_validation& item);
    void handle(const tell_validation& item);
    bool flush_stores();
    bool apply_committed(bool replay);
    [[nodiscard]] bool too_old_for(const cluster::state& state);
    void applied_entry(log_index index, const consensus::entry& entry, const cluster::applied& outcome, bool replay);
    void consequences(const cluster::command& item, const cluster::applied& outcome);
    void take_snapshot();
    void judge_snapshot();
    bool load_snapshot();
    void configuration_is_new();
    void persist_local();
    std::uint64_t submit_command(cluster::command_body body, std::string actor);
    void send_submissions();
    void news_of_parts();
    void keep_event_sources();

    // transport.cpp: datagrams
    void receive(const opened& item, const std::string& link);
    void on_beat(node_id from, const beat& item, time_point sent);
    void on_fragment(const envelope& around, const fragment& piece, const std::string& link);
    void pass_on(node_id from, const bytes& data);
    void on_relay(const relay& item, const std::string& link);
    [[nodiscard]] node_id next_hop(node_id to) const;
    void note_lineage(std::uint64_t heard);
    [[nodiscard]] envelope wrap(wire_body body) const;
    [[nodiscard]] std::string name_of(node_id node) const;
    [[nodiscard]] mainstay::cluster_id cluster_name() const;  // 0 = in none
    [[nodiscard]] store_id store_of(node_id node) const;      // as heard or logged; 0 = unknown
    void transmit(const std::string& to, wire_body body);
    void publish();
    [[nodiscard]] log_index newest_package_entry() const;

    // conditions.cpp: what packages rely on
    void report_subnets();
    void tell_conditions();
    // Answered at once: a monitor repeats what is in the log already.
    bool says_nothing_new(const admin_call& item);

    // programs.cpp: what the programs of packages are like elsewhere
    bool about_programs(const wire_body& body);

    // own_links.cpp: who is cut off by itself judges nobody
    void tell_cut_off(bool was);
    [[nodiscard]] bool leaves_alone(tie_attempt& attempt);

    // packages.cpp: what runs here
    void reconcile();
    void reconcile(const std::string& name, const cluster::package_state& item);
    void begin_generation(const std::string& name, const cluster::package_state& item);
    void start_stored();
    void reports_stored();
    void report_over(cluster::package_report told);
    [[nodiscard]] bool is_over_here(const std::string& name, generation number) const;
    void adopt_recovered();
    // For a package that fails fast: its guard kills all that runs here, and nothing of that is news.
    [[nodiscard]] bool resets_itself() const { return reset_asked_ && !lease_lost_; }
    void runner_says(const std::string& name, runner& item);
    void forget_ended();
    void record_phases();
    [[nodiscard]] std::optional<own_parts> own_of(const runner& item) const;
    [[nodiscard]] local_record::active record_of(const runner& item, runner_phase phase) const;
    void check_lease();
    void end_generations();
    void mark_generations_over();
    void probe_addresses(const cluster::fence_request& request);
    [[nodiscard]] bool packages_here() const;
    [[nodiscard]] std::optional<package_config> config_of(const std::string& instance) const;
    [[nodiscard]] string_pairs environment_of(const package_config& package, generation number) const;

    // scripts.cpp: what control scripts ask for
    void script_asks(const admin_call& call, script_call asked);
    void scripts_stored();
    [[nodiscard]] std::string against_address(script_call& asked) const;

    // leave.cpp: before the daemon ends for good
    void keep_leaving();
    void leave_detached();
    [[nodiscard]] bool nobody_knows_of(const std::vector<std::string>& failed) const;
    [[nodiscard]] time_point leave_deadline() const;

    // detach.cpp: packages that run on without their cluster
    void tend_detachment();
    [[nodiscard]] bool let_go();
    void say_of_detachment(log_index which, bool attached);
    [[nodiscard]] bool stays_detached(const std::string& name) const;

    // hearing.cpp: what the voters' beats say together
    [[nodiscard]] hearing who_hears(node_id target, boot_id boot, const consensus::tie_wanted* tie = nullptr) const;

    // leader.cpp: duties of the leader
    void lead();
    void took_over();
    void accept(const std::vector<cluster::command>& commands);
    void note_boots();
    void note_watchdogs();
    void raise_feature_level();
    [[nodiscard]] bool life_to_tell() const;
    void decide();
    [[nodiscard]] policy::view look(time_point& look_again) const;
    [[nodiscard]] bool endless_there(node_id other) const;
    void send_notices();
    void fence_ended(const cluster::fence_result& result);
    void begin_fences();

    // ties.cpp: what a tied candidate does (R3, R4)
    void pursue_ties();
    void ask_arbitrators(tie_attempt& attempt);
    void fence_for_tie(tie_attempt& attempt);
    [[nodiscard]] bool still_to_fence(const cluster::fence_request& request) const;
    [[nodiscard]] bool silent_for_ever(const consensus::tie_wanted& wanted, node_id target) const;
    bool tie_answered(const plugin_answer& item);
    [[nodiscard]] bool preferred(const consensus::tie_wanted& wanted) const;
    void tie_fence_ended(const fence_news& news);
    void certify(const admin_call& call, const certify_down& asked);
    void certify_detached_nodes(const admin_call& call, const certify_down& asked);
    void answer_certifier();

    // membership.cpp: voters, learners, arbitrators; the leader's part (R7, R8, R4a)
    void tend_members();
    void tell_arbitrators();
    bool arbitrator_answered(const plugin_answer& item);
    [[nodiscard]] consensus::voter_wish voter_wish() const;
    [[nodiscard]] bool wants_out() const;

    // join.cpp: an empty store becomes a learner (R7)
    void offer_membership(node_id id, const form_hello& item, boot_id heard);
    void on_offer(const join_offer& item);
    void joined();

    // formation.cpp: before there is a cluster
    void form(const admin_call& call, const form_cluster& asked);
    void on_hello(const form_hello& item, boot_id boot);
    void on_form_log(const form_log& item);
    void adopt_log(std::vector<consensus::entry> entries);
    void form_if_complete();

    std::string name_;
    boot_id boot_;
    store_id store_;
    std::uint64_t seed_ = 1;
    duration watchdog_{0};
    std::uint64_t kernel_ = 0;
    std::uint64_t snapshot_every_ = 2'000;
    std::uint32_t feature_level_ = cluster::own_feature_level;
    std::uint64_t join_after_store_ = 0;  // an offer was taken; in force once this store is durable
    boot_id join_boot_;
    std::string join_refused_;
    std::uint64_t foreign_lineage_ = 0;  // R5: heard, and not in our history
    node_id self_;
    moment at_;
    time_point started_at_;
    time_point last_turn_ = time_point::min();
    time_point judge_after_ = time_point::min();

    timings times_;
    consensus::raft raft_;
    cluster::state state_;
    bool stopped_applying_ = false;  // met an entry of a newer version (D2)
    effects out_;
    peers peers_;
    node_lease lease_;
    reassembly fragments_;
    std::uint64_t next_whole_ = 1;  // begins anywhere: founders have no number yet to tell them apart by
    std::uint64_t dropped_ = 0;
    std::deque<happened> history_;

    std::uint64_t stores_made_ = 0;
    std::uint64_t stores_done_ = 0;
    std::deque<bool> stores_open_;  // true = carries a log write
    std::uint64_t log_writes_done_ = 0;

    submissions submissions_;
    time_point submit_again_ = never;
    node_id submitted_to_;
    operations operations_;
    fencer fencer_;
    std::map<node_id, std::uint64_t> fences_begun_;  // newest request taken up here, by target

    local_record local_;
    std::map<std::string, local_record::active> recovered_;  // begun by a former daemon, not yet adopted
    bool guard_known_ = false;
    std::vector<living_process> living_;
    std::map<std::string, runner> runners_;
    std::map<std::string, std::uint64_t> start_after_store_;  // runner waits for its record
    std::map<std::string, generation> ended_;                 // newest generation over here for good
    std::map<std::string, ending> reports_after_store_;       // told once the record says so too
    std::vector<recorded_call> script_calls_;                 // in the order of their records
    std::map<std::string, std::uint64_t> reports_open_;       // last report's serial, until it is counted
    bool lease_lapsed_ = false;  // since it was last valid; what was given to this node until then is over
    bool lease_lost_ = false;    // the same with packages active here
    bool reset_asked_ = false;
    bool guard_detached_ = false;  // what the guard knows from the daemon before this one
    log_index holds_for_;          // of this detachment attach was asked for: the lease binds this node again ...
    bool holds_told_ = false;      // ... and its guard
    bool told_detached_ = false;   // to the guard
    std::pair<log_index, bool> said_of_detachment_;
    time_point told_lease_end_ = time_point::min();
    bool told_packages_ = false;
    std::map<request_id, std::string> probes_;  // open conflict probes: address
    std::set<std::string> doubtful_;            // addresses that somebody answered for
    std::vector<std::string> event_sources_;
    std::map<std::string, bool> subnets_;                // as last seen by this machine
    std::map<std::string, std::uint64_t> subnets_told_;  // serials, until they are counted
    std::map<std::string, std::string> links_;           // what is wrong with each here; empty = nothing
    bool told_leader_ = false;                           // as in the last beat
    bool told_acknowledges_ = false;

    // leader, volatile
    mainstay::term led_term_;
    std::map<node_id, std::pair<boot_id, std::uint64_t>> accepted_;
    std::map<node_id, boot_id> boots_proposed_;
    std::map<node_id, std::uint32_t> fence_tries_;
    std::map<node_id, time_point> fence_again_;
    std::map<node_id, time_point> acknowledged_at_;
    std::map<node_id, time_point> fence_confirmed_;  // applied here
    std::vector<tie_attempt> ties_;
    std::map<std::string, arbitrator_view> arbitrators_;
    std::map<request_id, std::pair<std::string, std::uint64_t>> arbitrators_asked_;  // name, version told
    time_point look_at_arbitrators_ = never;
    std::uint64_t certify_admin_ = 0;  // is answered when a leader of ours is there
    std::uint64_t certify_version_ = 0;
    time_point certify_until_ = never;
    std::set<std::pair<log_index, std::string>> notices_sent_;
    std::map<request_id, std::pair<log_index, std::string>> notices_open_;
    time_point look_again_ = never;
    std::optional<nothing_to_decide> decided_;
    policy::planner planner_;  // derived

    std::optional<leaving> leaving_;
    std::optional<forming_cluster> forming_;
    std::uint64_t founding_admin_ = 0;        // is answered when the founding entries are applied
    std::map<std::string, store_id> hellos_;  // unformed nodes heard

public:
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name_);
        visit("boot", self.boot_);
        visit("store", self.store_);
        visit("seed", self.seed_);
        visit("watchdog", self.watchdog_);
        visit("kernel", self.kernel_);
        visit("snapshot_every", self.snapshot_every_);
        visit("feature_level", self.feature_level_);
        visit("join_after_store", self.join_after_store_);
        visit("join_boot", self.join_boot_);
        visit("join_refused", self.join_refused_);
        visit("foreign_lineage", self.foreign_lineage_);
        visit("self", self.self_);
        visit("at", self.at_);
        visit("started_at", self.started_at_);
        visit("last_turn", self.last_turn_);
        visit("judge_after", self.judge_after_);
        visit("raft", self.raft_);
        visit("state", self.state_);
        visit("stopped_applying", self.stopped_applying_);
        visit("out", self.out_);
        visit("peers", self.peers_);
        visit("lease", self.lease_);
        visit("fragments", self.fragments_);
        visit("next_whole", self.next_whole_);
        visit("dropped", self.dropped_);
        visit("history", self.history_);
        visit("stores_made", self.stores_made_);
        visit("stores_done", self.stores_done_);
        visit("stores_open", self.stores_open_);
        visit("log_writes_done", self.log_writes_done_);
        visit("submissions", self.submissions_);
        visit("submit_again", self.submit_again_);
        visit("submitted_to", self.submitted_to_);
        visit("operations", self.operations_);
        visit("fencer", self.fencer_);
        visit("fences_begun", self.fences_begun_);
        visit("local", self.local_);
        visit("recovered", self.recovered_);
        visit("guard_known", self.guard_known_);
        visit("living", self.living_);
        visit("runners", self.runners_);
        visit("start_after_store", self.start_after_store_);
        visit("reports_after_store", self.reports_after_store_);
        visit("script_calls", self.script_calls_);
        visit("ended", self.ended_);
        visit("reports_open", self.reports_open_);
        visit("lease_lapsed", self.lease_lapsed_);
        visit("lease_lost", self.lease_lost_);
        visit("reset_asked", self.reset_asked_);
        visit("guard_detached", self.guard_detached_);
        visit("holds_for", self.holds_for_);
        visit("holds_told", self.holds_told_);
        visit("told_detached", self.told_detached_);
        visit("said_of_detachment", self.said_of_detachment_);
        visit("told_lease_end", self.told_lease_end_);
        visit("told_packages", self.told_packages_);
        visit("probes", self.probes_);
        visit("doubtful", self.doubtful_);
        visit("event_sources", self.event_sources_);
        visit("subnets", self.subnets_);
        visit("subnets_told", self.subnets_told_);
        visit("links", self.links_);
        visit("told_leader", self.told_leader_);
        visit("told_acknowledges", self.told_acknowledges_);
        visit("led_term", self.led_term_);
        visit("accepted", self.accepted_);
        visit("boots_proposed", self.boots_proposed_);
        visit("fence_tries", self.fence_tries_);
        visit("fence_again", self.fence_again_);
        visit("acknowledged_at", self.acknowledged_at_);
        visit("fence_confirmed", self.fence_confirmed_);
        visit("ties", self.ties_);
        visit("arbitrators", self.arbitrators_);
        visit("arbitrators_asked", self.arbitrators_asked_);
        visit("look_at_arbitrators", self.look_at_arbitrators_);
        visit("certify_admin", self.certify_admin_);
        visit("certify_version", self.certify_version_);
        visit("certify_until", self.certify_until_);
        visit("notices_sent", self.notices_sent_);
        visit("notices_open", self.notices_open_);
        visit("look_again", self.look_again_);
        visit("leaving", self.leaving_);
        visit("forming", self.forming_);
        visit("founding_admin", self.founding_admin_);
        visit("hellos", self.hellos_);
    }
};

}  // namespace mainstay::node
