// What a leader does besides replicating: accepts submissions, notes new lives, decides, notifies.
#include <algorithm>

#include "model/mutation.hpp"
#include "model/text.hpp"
#include "node/node.hpp"

namespace mainstay::node {

void node::lead() {
    // R3: a limited leader does nothing but get its one voter set committed.
    if (!raft_.leads() || raft_.limited() || !state_.formed()) {
        look_again_ = never;
        look_at_arbitrators_ = never;
        planner_ = {};
        return;
    }
    if (led_term_ != raft_.current_term()) took_over();
    note_boots();
    note_watchdogs();
    raise_feature_level();
    decide();
    tend_members();
    send_notices();
}

void node::took_over() {
    led_term_ = raft_.current_term();
    accepted_.clear();
    boots_proposed_.clear();
    fence_tries_.clear();
    fence_again_.clear();
    acknowledged_at_.clear();
    notices_sent_.clear();
    for (const auto& [origin, mark] : state_.submissions) accepted_[origin] = {mark.boot, mark.serial};
    for (auto& [name, item] : arbitrators_) item = arbitrator_view{};
    arbitrators_asked_.clear();
    for (auto i = state_.applied.value + 1; i <= raft_.last_index().value; ++i) {
        const auto* data = std::get_if<consensus::payload>(&raft_.at(log_index{i}).body);
        if (data == nullptr) continue;
        auto item = decode<cluster::command>(data->data);
        if (item && item->origin)
            accepted_[item->origin] = std::max(accepted_[item->origin], {item->origin_boot, item->serial});
    }
    out_.say("info", "leads the cluster in term " + to_text(led_term_));
    // The entry of the own term, which lets it commit and decide; it settles this life as well (R5).
    raft_.propose(consensus::boot_entry{self_, boot_, store_, feature_level_, watchdog_, at_.wall, kernel_}, at_.now);
    boots_proposed_[self_] = boot_;
}

// Each submission is appended once: serials of one life only grow.
void node::accept(const std::vector<cluster::command>& commands) {
    if (led_term_ != raft_.current_term()) return;
    for (const auto& item : commands) {
        auto& mark = accepted_[item.origin];
        if (std::pair{item.origin_boot, item.serial} <= mark) continue;
        if (!raft_.propose(consensus::payload{encode(item)}, at_.now)) return;
        mark = {item.origin_boot, item.serial};
    }
}

// A life that is heard and not yet in the log is written down (R5). With another store it is a learner, whatever
// the voter sets call it (R7).
void node::note_boots() {
    if (!raft_.may_decide()) return;
    for (const auto& [id, known] : peers_.all()) {
        auto found = state_.nodes.find(id);
        if (found == state_.nodes.end() || known.echo == time_point::min()) continue;
        if (known.boot <= found->second.boot || known.boot <= boots_proposed_[id]) continue;
        if (peers_.silent(id, known.boot, at_.now, times_.member_timeout)) continue;
        if (!known.store) continue;  // its beats have not told yet
        consensus::boot_entry life{
            id,       known.boot,  known.store, known.feature_level, known.watchdog.value_or(duration{0}),
            at_.wall, known.kernel};
        if (raft_.propose(life, at_.now)) boots_proposed_[id] = known.boot;
    }
}

// A life that is in the log, whose watchdog was armed, or failed, since: proof (3) needs what is true now. With
// nothing on its way the log's own word is known, and a node that is being given up is not taken back by this.
void node::note_watchdogs() {
    if (!raft_.may_decide() || state_.applied != raft_.last_index()) return;
    for (const auto& [id, item] : state_.nodes) {
        if (item.status != cluster::node_status::up) continue;
        auto told = item.watchdog;
        const auto* known = peers_.find(id);
        if (id == self_ && item.boot == boot_) told = watchdog_;
        if (id != self_ && known != nullptr && known->boot == item.boot) told = known->watchdog.value_or(told);
        if (told == item.watchdog) continue;
        consensus::boot_entry same{id, item.boot, item.store, item.feature_level, told, at_.wall, item.kernel};
        raft_.propose(std::move(same), at_.now);
    }
}

// D2: all of them read more than is written so far. With nothing on its way nobody's older life is overlooked.
void node::raise_feature_level() {
    if (!raft_.may_decide() || stopped_applying_ || !settled() || state_.applied != raft_.last_index()) return;
    auto level = state_.common_feature_level();
    if (level <= state_.feature_level) return;
    cluster::command entry;
    entry.when = at_.wall;
    entry.actor = "cluster";
    entry.body = cluster::feature_level{level};
    raft_.propose(consensus::payload{encode(entry)}, at_.now);
}

// `look_again`: not later than when the first of those who are heard would become silent.
policy::view node::look(time_point& look_again) const {
    policy::view seen;
    seen.now = at_.now;
    seen.wall = at_.wall;
    seen.self = self_;
    seen.cut_off = cut_off();
    seen.fence_again = fence_again_;
    seen.fence_tries = fence_tries_;
    auto limit = times_.member_timeout;
    for (const auto& [id, item] : state_.nodes) {
        if (id == self_ || item.status == cluster::node_status::unseen) continue;
        bool grace = at_.now < judge_after_ || at_.now - started_at_ <= limit;
        bool silent = peers_.silent(id, item.boot, at_.now, limit);
        auto heard = who_hears(id, item.boot);
        seen.heard_by_majority[id] = heard.by_majority;
        seen.silent[id] = silent && !heard.by_majority && !grace && heard.majority_is_deaf;
        if (item.status == cluster::node_status::up) {
            look_again = std::min(look_again, heard.changes);
            // A leader that is leaving has no vote any more, and its own ears count all the same.
            if (!silent) look_again = std::min(look_again, peers_.find(id)->heard + limit + duration{1});
            if (grace) look_again = std::min(look_again, std::max(judge_after_, started_at_ + limit + duration{1}));
        }
        const auto* known = peers_.find(id);
        seen.heard_again[id] = !silent && known != nullptr && known->boot == item.boot;
        if (item.status == cluster::node_status::lost) {
            auto from = raft_.elected_at();
            auto acknowledged = acknowledged_at_.find(id);
            if (acknowledged != acknowledged_at_.end()) from = std::max(from, acknowledged->second);
            auto wait = lease_proof_of(state_.longest(times_), item.watchdog).total();
            if (mutated(mutation::lease_wait_too_short)) wait /= 3;
            if (!endless_there(id)) seen.lost_for_sure[id] = from + wait + wait / 100;
        }
        auto confirmed = fence_confirmed_.find(id);
        auto dead_since = raft_.elected_at();
        if (confirmed != fence_confirmed_.end()) dead_since = std::max(dead_since, confirmed->second);
        seen.heard_dead[id] = known != nullptr && known->boot.machine == item.boot.machine && !silent &&
                              known->heard_direct > dead_since + 2 * limit;
    }
    return seen;
}

// "Two voters": against a member of a set of at most two, active in our log, a lease that has passed proves
// nothing: there it may have no end.
bool node::endless_there(node_id other) const {
    return std::any_of(raft_.active().begin(), raft_.active().end(), [other](const auto& item) {
        return item.set.kind == consensus::tie_break::proof && item.set.voters.size() <= 2 && item.set.contains(other);
    });
}

// Decides on the whole applied log only: what is still on its way may change the answer.
void node::decide() {
    look_again_ = never;
    if (!raft_.may_decide() || stopped_applying_ || !raft_.quorate(at_.now)) return;
    if (state_.applied != raft_.last_index() && !mutated(mutation::decide_on_old_state)) return;
    if (!settled()) return;
    auto changes = never;
    auto seen = look(changes);
    // Of the same state and the same view the answer is the same until something is due; most turns are such.
    bool same = decided_ && decided_->applied == state_.applied && decided_->term == raft_.current_term() &&
                decided_->seen.same_but_later(seen) && at_.now < decided_->look_again &&
                at_.now - decided_->seen.now < times_.heartbeat_interval;
    policy::outcome found;
    if (same) {
        found.look_again = decided_->look_again;
    } else {
        found = policy::decide(planner_, state_, seen);
        decided_.reset();
        if (found.decisions.empty())
            decided_ = nothing_to_decide{state_.applied, raft_.current_term(), found.look_again, std::move(seen)};
    }
    look_again_ = std::min(found.look_again, changes);
    for (auto& item : found.decisions) {
        cluster::command entry;
        entry.when = at_.wall;
        entry.actor = "policy";
        entry.body = std::move(item.body);
        raft_.propose(consensus::payload{encode(entry)}, at_.now);
    }
}

// A failed fence is asked again, later each time, from the next node that can.
void node::fence_ended(const cluster::fence_result& result) {
    for (const auto& [target, fence] : state_.fences) {
        if (fence.request.id != result.id) continue;
        if (result.outcome == cluster::fence_outcome::off_confirmed) {
            fence_confirmed_[target] = at_.now;
            continue;
        }
        constexpr duration back_off_first{500'000};
        constexpr duration back_off_max{10'000'000};
        auto tries = ++fence_tries_[target];
        auto wait = std::min(back_off_first * (1 << std::min(tries, 5U)), back_off_max);
        fence_again_[target] = at_.now + wait;
    }
}

// Exactly one sender cluster-wide: the leader; delivery is logged, so a new one knows what is owed.
void node::send_notices() {
    if (!raft_.may_decide() || !settled()) return;
    for (const auto& notice : state_.notices) {
        for (const auto& notifier : notice.notifiers) {
            if (!notices_sent_.emplace(notice.entry, notifier).second) continue;
            auto request = out_.new_request();
            call_plugin call{request, notifier, "notify", notice.details, duration{60'000'000}};
            call.arguments.emplace_back("event", notice.event);
            call.arguments.emplace_back("text", notice.text);
            call.arguments.emplace_back("cluster", state_.config.cluster.name);
            call.arguments.emplace_back("entry", std::to_string(notice.entry.value));
            notices_open_.emplace(request, std::pair{notice.entry, notifier});
            out_.add(std::move(call));
        }
    }
}

}  // namespace mainstay::node
