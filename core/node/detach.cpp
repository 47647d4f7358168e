// SG 7.4: this node is detached. Its packages run on and nobody watches them; no lease ends them, so only the end of
// the machine proves that they are over. The way back: it holds to its lease again, and says so only then.
#include <algorithm>
#include <utility>

#include "node/node.hpp"

namespace mainstay::node {

// By its own log, and not before that is as far as when this daemon began: what the daemon before this one has promised
// may stand in what is still to come.
bool node::detached_here() const {
    auto found = state_.detached.find(self_);
    return settled() && found != state_.detached.end() && holds_for_ != found->second.since;
}

void node::tend_detachment() {
    if (!settled()) return;
    auto found = state_.detached.find(self_);
    if (found == state_.detached.end()) {
        guard_detached_ = holds_told_ = false;
        holds_for_ = log_index{};
        return;
    }
    const auto& now = found->second;
    if (holds_for_ == now.since) {
        // The guard has been told before the cluster is.
        if (holds_told_) say_of_detachment(now.since, true);
        return;
    }
    holds_told_ = false;
    bool asked = !now.attach_asked_by.empty() && !leaving_ && guard_known_;
    if (asked && lease_.may_start(at_.now, times_.member_timeout, state_.applied)) {
        holds_for_ = now.since;
        guard_detached_ = false;
        out_.say("info", "holds to its lease again: attaches");
        return;
    }
    bool all = let_go();
    if (all && told_detached_ && !now.let_go) say_of_detachment(now.since, false);
}

void node::say_of_detachment(log_index which, bool attached) {
    if (std::exchange(said_of_detachment_, {which, attached}) == std::pair{which, attached}) return;
    submit_command(cluster::detachment_report{self_, boot_, which, attached}, name_);
}

// What runs is on record, and is taken up again from there, as by a daemon that has restarted. False: something is in
// the middle of a change still.
bool node::let_go() {
    bool all = true;
    for (auto next = runners_.begin(); next != runners_.end();) {
        const auto& [name, item] = *next;
        auto known = state_.packages.find(name);
        auto record = local_.packages.find(name);
        bool runs = item.phase() == runner_phase::running && known != state_.packages.end() &&
                    known->second.phase == cluster::package_phase::running && known->second.owner == self_ &&
                    known->second.generation == item.generation() && record != local_.packages.end() &&
                    record->second.generation == item.generation();
        bool recorded =
            runs && !item.is_changing() && record->second.parts == item.parts() && record->second.own == own_of(item);
        if (!recorded) {
            all = all && !runs;
            ++next;
            continue;
        }
        for (auto& process : item.living()) living_.push_back(std::move(process));
        recovered_.insert_or_assign(name, record->second);
        next = runners_.erase(next);
    }
    return all;
}

// True: left alone where it runs, until the node attaches or an administrator has it halted.
bool node::stays_detached(const std::string& name) const {
    if (!detached_here()) return false;
    auto known = state_.packages.find(name);
    auto record = recovered_.find(name);
    return known != state_.packages.end() && record != recovered_.end() && known->second.owner == self_ &&
           known->second.generation == record->second.generation &&
           known->second.phase == cluster::package_phase::running;
}

}  // namespace mainstay::node
