// What a tied candidate does: the half without the preferred node waits, then the arbitrator is asked, or the
// silent half is switched off (R3, R4). And certify-down, which an administrator brings (R5).
#include <fmt/format.h>

#include <algorithm>

#include "cluster/tie_preference.hpp"
#include "model/mutation.hpp"
#include "node/node.hpp"

namespace mainstay::node {

namespace {

constexpr duration refused_again{5'000'000};

std::string node_list(const cluster::state& state, const std::vector<node_id>& nodes) {
    std::string text;
    for (auto item : nodes) text += (text.empty() ? "" : ", ") + state.node_name(item);
    return text;
}

}  // namespace

// That half need not wait.
bool node::preferred(const consensus::tie_wanted& wanted) const {
    return !cut_off() && cluster::preferred_in_tie(state_, wanted.half, wanted.silent);
}

void node::pursue_ties() {
    if (raft_.leads() || raft_.leader()) ties_.clear();
    // R5: who is not settled asks for nothing. Nor does one that judges nobody yet.
    if (!settled() && !mutated(mutation::unsettled_half)) return;
    if (at_.now < judge_after_ || stopped_applying_) return;
    for (const auto& wanted : raft_.ties_wanted()) {
        auto found = std::find_if(ties_.begin(), ties_.end(), [&](const auto& item) {
            return item.wanted.version == wanted.version && item.wanted.set_term == wanted.set_term &&
                   item.wanted.half == wanted.half;
        });
        if (found == ties_.end()) {
            ties_.push_back({wanted, at_.now, time_point::min(), {}, false});
            found = ties_.end() - 1;
            out_.say("warning", "exactly half of the voters are here (" + node_list(state_, wanted.half) +
                                    "), the others are silent: " + node_list(state_, wanted.silent));
        }
        auto wait = preferred(wanted) ? duration{0} : times_.tie_break_delay;
        found->again = std::max(found->again, found->since + wait);
        if (!found->open.empty() || found->fencing || leaves_alone(*found) || at_.now < found->again) continue;
        if (wanted.kind == consensus::tie_break::arbitrator) {
            ask_arbitrators(*found);
            if (mutated(mutation::both_tie_breaks)) fence_for_tie(*found);
        } else {
            fence_for_tie(*found);
        }
    }
}

void node::ask_arbitrators(tie_attempt& attempt) {
    const auto& wanted = attempt.wanted;
    std::string half;
    for (auto item : wanted.half) half += (half.empty() ? "" : " ") + std::to_string(item.value);
    for (const auto& item : state_.config.cluster.arbitrators) {
        auto id = out_.new_request();
        attempt.open.insert(id);
        out_.add(call_plugin{id,
                             item.name,
                             "grant",
                             {{"cluster", fmt::format("{:x}", state_.cluster.value)},
                              {"store", fmt::format("{:x}", wanted.arbitrator.value)},
                              {"version", std::to_string(wanted.version)},
                              {"term_round", std::to_string(wanted.set_term.round)},
                              {"term_node", std::to_string(wanted.set_term.node.value)},
                              {"half", half},
                              {"node", std::to_string(self_.value)}},
                             item.timeout});
    }
    if (attempt.open.empty()) attempt.again = at_.now + refused_again;
}

bool node::still_to_fence(const cluster::fence_request& request) const {
    auto victim = state_.nodes.find(request.node);
    if (victim == state_.nodes.end()) return false;
    // As before the first try: who was paused or is out of reach does not know what became of the request since.
    if (request.id != 0 && !lease_.may_start(at_.now, times_.member_timeout, state_.applied)) return false;
    if (!victim->second.fence_asked_by.empty()) return true;
    if (cut_off() || state_.is_detached(request.node)) return false;
    if (request.id == 0) {
        if (raft_.leads() || raft_.leader()) return false;
        auto about = [&](const tie_attempt& item) {
            return std::count(item.wanted.silent.begin(), item.wanted.silent.end(), request.node) > 0;
        };
        // A slow device answered when the tie was long over: whoever is out of reach by then hears nobody.
        if (std::none_of(ties_.begin(), ties_.end(), about)) return false;
        bool for_ever = std::any_of(ties_.begin(), ties_.end(), [&](const auto& item) {
            return about(item) && silent_for_ever(item.wanted, request.node);
        });
        bool heard =
            who_hears(request.node, {}).by_majority || std::any_of(ties_.begin(), ties_.end(), [&](const auto& item) {
                return about(item) && who_hears(request.node, {}, &item.wanted).by_majority;
            });
        return for_ever || !heard;
    }
    if (who_hears(request.node, {}).by_majority) return false;
    return victim->second.status == cluster::node_status::lost;
}

// R7: a node that is heard under another store than the set names lost the one that voted. That voter never speaks
// again: where no other member of the silent half can be switched off, its node is, although it is heard.
bool node::silent_for_ever(const consensus::tie_wanted& wanted, node_id target) const {
    const auto* known = peers_.find(target);
    if (known == nullptr || !known->store) return false;
    const auto& active = raft_.active();
    return std::any_of(active.begin(), active.end(), [&](const auto& item) {
        if (item.set.version != wanted.version || item.term != wanted.set_term) return false;
        const auto* member = item.set.find(target);
        return member != nullptr && member->store && member->store != known->store;
    });
}

// All of the silent half at once; one confirmed power-off breaks the tie. A proof names the life that was
// known when the request was sent (R4b, C2).
void node::fence_for_tie(tie_attempt& attempt) {
    attempt.again = at_.now + refused_again;
    auto heard = [&](node_id target) { return who_hears(target, {}, &attempt.wanted).by_majority; };
    const auto& silent = attempt.wanted.silent;
    bool others = !std::all_of(silent.begin(), silent.end(), heard) && !attempt.fence_failed;
    for (auto target : silent) {
        // Invariant 5. One that is heard and does not vote hears nothing of us: it may shoot, not we.
        if (heard(target) && (others || !silent_for_ever(attempt.wanted, target))) continue;
        // SG 7.4: what runs there was left alone on purpose; and one that is detached is no half to go on with.
        if (state_.is_detached(target) || state_.is_detached(self_)) continue;
        attempt.fencing = true;
        cluster::fence_request request;
        request.node = target;
        request.boot = raft_.log().newest_boot(target);
        const auto* known = peers_.find(target);
        if (known != nullptr) request.boot = std::max(request.boot, known->boot);
        request.executor = self_;
        request.executor_boot = boot_;
        request.reason = "tie-break";
        out_.say("warning", "fences " + state_.node_name(target) + " to break the tie");
        fencer_.begin(state_, request, out_);
        probe_addresses(request);
    }
}

bool node::tie_answered(const plugin_answer& item) {
    for (auto& attempt : ties_) {
        if (attempt.open.erase(item.request) == 0) continue;
        if (item.outcome == call_outcome::ok) {
            out_.say("info", "the arbitrator grants this half the decision");
            const auto wanted = attempt.wanted;
            raft_.granted({wanted.version, wanted.set_term, wanted.half}, at_.now);
        } else {
            bool refused = item.outcome == call_outcome::failed;
            attempt.again = at_.now + (refused ? refused_again : times_.member_timeout);
            out_.say("warning",
                     std::string("the arbitrator ") + (refused ? "refuses: " : "does not answer: ") + item.text);
        }
        return true;
    }
    return false;
}

void node::tie_fence_ended(const fence_news& news) {
    for (auto& attempt : ties_) {
        if (std::count(attempt.wanted.silent.begin(), attempt.wanted.silent.end(), news.node) == 0) continue;
        attempt.fencing = false;
        bool tried = news.result.outcome != cluster::fence_outcome::cancelled;
        if (tried) attempt.fence_failed = news.result.outcome != cluster::fence_outcome::off_confirmed;
        attempt.again = at_.now + refused_again;
    }
    if (news.result.outcome == cluster::fence_outcome::off_confirmed) {
        out_.say("info", state_.node_name(news.node) + " is off: " + news.result.device);
        raft_.proven({news.node, news.boot, news.result.device, news.result.detail}, at_.now);
    } else {
        out_.say("error", "fencing " + state_.node_name(news.node) + " " + to_string(news.result.outcome) + ": " +
                              news.result.detail);
    }
}

// ---- certify-down ----------------------------------------------------------------------------------------

// R5. What was promised can't be checked; what can be, is: nobody who is heard is certified, and nobody who is
// heard and not certified has committed more than this node holds.
void node::certify(const admin_call& call, const certify_down& asked) {
    auto refuse = [&](std::string why) { out_.add(admin_done{call.id, admin_result::refused, std::move(why)}); };
    if (raft_.leads() || (raft_.leader() && at_.now - raft_.leader_heard() < times_.member_timeout))
        return certify_detached_nodes(call, asked);
    if (raft_.active().empty()) return refuse("this node knows no voter set");
    const auto& newest = raft_.active().back().set;
    const auto* own = newest.find(self_);
    if (own == nullptr || own->store != store_) {
        std::vector<node_id> members;
        for (const auto& item : newest.voters) members.push_back(item.node);
        return refuse("this node has no vote in the newest voter set it knows: certify on one that has, of " +
                      node_list(state_, members));
    }
    consensus::certificate paper;
    paper.by = call.actor;
    paper.abandon = asked.abandon;
    for (const auto& name : asked.nodes) {
        auto id = state_.find_node(name);
        if (!id) return refuse("there is no node " + name + " in the configuration");
        if (id == self_) return refuse("a node can't certify itself");
        if (!peers_.silent(id, {}, at_.now, times_.member_timeout))
            return refuse("node " + name + " is heard: it is not off");
        paper.nodes.push_back(id);
    }
    for (const auto& [id, known] : peers_.all()) {
        if (peers_.silent(id, {}, at_.now, times_.member_timeout) || known.last.commit <= raft_.last_index()) continue;
        return refuse("node " + state_.node_name(id) +
                      " is heard and has committed more than this node knows: certify there");
    }
    for (const auto& item : raft_.active()) {
        std::size_t certified = 0;
        for (const auto& member : item.set.voters) certified += paper.names(member.node) ? 1 : 0;
        if (2 * certified > item.set.voters.size() && !asked.abandon)
            return refuse(
                "these are more than half of the voters: --abandon, and wipe their stores (hactl node reset) "
                "before they start");
    }
    paper.lineage = (seed_ ^ (std::uint64_t{boot_.incarnation} << 32) ^ raft_.last_index().value) | 1U;
    certify_admin_ = call.id;
    certify_version_ = raft_.active().back().set.version;
    certify_until_ = at_.now + call.patience;
    raft_.certify(paper, at_.now);
    out_.add(admin_progress{call.id, "certified down: " + node_list(state_, paper.nodes) + "; forming a voter set"});
}

// SG 7.4: with a quorum there is one thing that only a promise can prove.
void node::certify_detached_nodes(const admin_call& call, const certify_down& asked) {
    for (const auto& name : asked.nodes)
        if (!state_.is_detached(state_.find_node(name)))
            return out_.add(admin_done{call.id, admin_result::refused,
                                       "the cluster has a leader: nothing needs to be certified but that a detached "
                                       "node is off"});
    for (const auto& name : asked.nodes) {
        cluster::command_body body = cluster::certify_detached{name};
        auto serial = submit_command(body, call.actor);
        if (name == asked.nodes.back()) operations_.add(call.id, serial, std::move(body), at_.now + call.patience);
    }
}

void node::answer_certifier() {
    if (certify_admin_ == 0) return;
    bool formed = !raft_.active().empty() && raft_.active().size() == 1 &&
                  raft_.active().front().set.version > certify_version_ && raft_.active().front().set.certified;
    // Others lead: the nodes that were certified may be among them, and come and go as they like from here on.
    bool overtaken = !formed && raft_.leader() && !raft_.leads();
    if (!formed && !overtaken && at_.now < certify_until_) return;
    if (!formed) raft_.withdraw_certificate();
    out_.add(formed      ? admin_done{certify_admin_, admin_result::done, "certified: the cluster goes on without them"}
             : overtaken ? admin_done{certify_admin_, admin_result::failed, "the cluster has found a leader without it"}
                         : admin_done{certify_admin_, admin_result::failed,
                                      "no voter set could be formed: every node that is not certified has to vote"});
    certify_admin_ = 0;
    certify_until_ = never;
}

}  // namespace mainstay::node
