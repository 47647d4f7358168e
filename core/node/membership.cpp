// The leader's care for who votes: learners, the next voter set, arbitrators, transfer (R4a, R7, R8).
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "cluster/configuration.hpp"
#include "node/node.hpp"

namespace mainstay::node {

namespace {

constexpr duration arbitrator_period{5'000'000};
constexpr int periods_to_lost = 3;

// The value after `key=`; empty when it is not there.
std::string field_of(const std::string& text, const std::string& key) {
    auto at = (" " + text).find(" " + key + "=");
    if (at == std::string::npos) return {};
    auto begin = at + key.size() + 1;
    return text.substr(begin, text.find(' ', begin) - begin);
}

}  // namespace

store_id node::store_of(node_id id) const {
    if (id == self_) return store_;
    const auto* known = peers_.find(id);
    if (known != nullptr && known->store) return known->store;
    auto logged = state_.nodes.find(id);
    if (logged == state_.nodes.end() || known == nullptr || logged->second.boot != known->boot) return {};
    return logged->second.store;
}

// Halted by its administrator, or no longer configured: it hands the leadership on before it goes. Its packages
// move first: a change of leaders in between would only hold them up.
bool node::wants_out() const {
    auto found = state_.nodes.find(self_);
    if (found == state_.nodes.end()) return true;
    auto detached = state_.detached.find(self_);
    if (detached != state_.detached.end())
        return detached->second.let_go &&
               std::any_of(state_.nodes.begin(), state_.nodes.end(), [this](const auto& item) {
                   return !state_.gives_vote_up(item.first) && !state_.is_detached(item.first) &&
                          item.second.status == cluster::node_status::up && raft_.is_voter(item.first);
               });
    return found->second.halted &&
           std::none_of(state_.packages.begin(), state_.packages.end(),
                        [this](const auto& item) { return item.second.active() && item.second.owner == self_; });
}

consensus::voter_wish node::voter_wish() const {
    consensus::voter_wish wish;
    wish.kind = cluster::kind_of(times_.tie_break);
    wish.leader = self_;
    wish.tie_works = wish.kind == consensus::tie_break::proof;
    if (wish.kind == consensus::tie_break::arbitrator) {
        auto named = raft_.active().back().set.arbitrator;
        for (const auto& [name, item] : arbitrators_) {
            bool answers = item.answered != time_point::min() && !item.lost;
            if (!answers) continue;
            if (!wish.arbitrator || item.store == named) wish.arbitrator = item.store;
            if (item.store == named) wish.renew = item.used_up && item.told == raft_.active().back().set.version;
        }
        wish.tie_works = static_cast<bool>(wish.arbitrator);
    }
    // SG 7.4: a detached node gives its vote up only to others that have one or could have it now.
    bool attached = std::any_of(state_.nodes.begin(), state_.nodes.end(), [this](const auto& entry) {
        const auto& [id, item] = entry;
        bool could = id == self_ || raft_.caught_up({id, item.store}, at_.now);
        return item.status == cluster::node_status::up && !item.halted && !state_.is_detached(id) && could;
    });
    for (const auto& [id, item] : state_.nodes) {
        consensus::candidate_voter member;
        member.who = {id, id == self_ ? store_ : item.store};
        const auto* known = peers_.find(id);
        bool present = known != nullptr && known->boot == item.boot &&
                       !peers_.silent(id, item.boot, at_.now, times_.member_timeout);
        member.alive = id == self_ || (item.status == cluster::node_status::up && item.boot);
        member.caught_up = id == self_ || (present && raft_.caught_up(member.who, at_.now));
        member.leaving = (item.halted || (attached && state_.is_detached(id))) && id != self_;
        wish.members.push_back(member);
    }
    return wish;
}

void node::tend_members() {
    if (!raft_.may_decide() || stopped_applying_ || !settled()) return;
    std::vector<node_id> learners;
    for (const auto& [id, item] : state_.nodes)
        if (item.boot && !raft_.is_voter(id)) learners.push_back(id);
    raft_.set_learners(std::move(learners), at_.now);
    tell_arbitrators();
    if (wants_out()) raft_.transfer(at_.now);
    if (!raft_.may_change_voters() || !raft_.quorate(at_.now) || state_.applied != raft_.last_index()) return;
    auto next = consensus::next_voters(raft_.active().back().set, voter_wish());
    if (!next) return;
    // "Two voters": an owner whose lease had no end must have been acknowledged before the set grows.
    bool growing = next->voters.size() > 2 && raft_.active().back().set.voters.size() <= 2;
    if (growing && at_.now - raft_.elected_at() < times_.member_timeout) return;
    next->when = at_.wall;
    raft_.propose(std::move(*next), at_.now);
}

// R4(a): it is told a version only once that is committed. What it answers shows whether it is there, whether
// it still has its store, and whether the present grant is used up.
void node::tell_arbitrators() {
    look_at_arbitrators_ = never;
    if (times_.tie_break != cluster_config::tie::arbitrator || raft_.active().size() != 1) return;
    const auto& base = raft_.active().front();
    for (const auto& item : state_.config.cluster.arbitrators) {
        auto& known = arbitrators_[item.name];
        bool news = known.told < base.set.version;
        auto due =
            known.asked == time_point::min() || (news && !known.open) ? at_.now : known.asked + arbitrator_period;
        if (known.answered != time_point::min() || known.asked != time_point::min()) {
            auto since = std::max(known.answered, raft_.elected_at());
            if (!known.lost && at_.now - since > periods_to_lost * arbitrator_period) {
                known.lost = true;
                submit_command(cluster::cluster_event{self_, item.name, "arbitrator_lost", "alarm", {}}, name_);
            }
        }
        if (due > at_.now || (known.open && at_.now < known.asked + item.timeout)) {
            look_at_arbitrators_ = std::min(look_at_arbitrators_, std::max(due, at_.now + duration{1'000}));
            continue;
        }
        known.asked = at_.now;
        known.open = out_.new_request();
        arbitrators_asked_[known.open] = {item.name, base.set.version};
        look_at_arbitrators_ = std::min(look_at_arbitrators_, at_.now + arbitrator_period);
        out_.add(call_plugin{known.open,
                             item.name,
                             "told",
                             {{"cluster", fmt::format("{:x}", state_.cluster.value)},
                              {"store", fmt::format("{:x}", base.set.arbitrator.value)},
                              {"version", std::to_string(base.set.version)},
                              {"term_round", std::to_string(base.term.round)},
                              {"term_node", std::to_string(base.term.node.value)},
                              {"node", std::to_string(self_.value)}},
                             item.timeout});
    }
}

bool node::arbitrator_answered(const plugin_answer& item) {
    auto asked = arbitrators_asked_.find(item.request);
    if (asked == arbitrators_asked_.end()) return false;
    auto [name, version] = asked->second;
    arbitrators_asked_.erase(asked);
    auto& known = arbitrators_[name];
    if (known.open == item.request) known.open = {};
    if (item.outcome != call_outcome::ok) return true;
    known.answered = at_.now;
    known.store = store_id{std::strtoull(field_of(item.text, "store").c_str(), nullptr, 16)};
    known.told = std::max(known.told, version);
    known.used_up = known.told == version && field_of(item.text, "granted") == "1";
    if (known.lost) {
        known.lost = false;
        submit_command(cluster::cluster_event{self_, name, "arbitrator_lost", "info", {}}, name_);
    }
    return true;
}

}  // namespace mainstay::node
