// SG 7.4: this node is detached. Its packages run on and nobody watches them; no lease ends them, so only the end of
// the machine proves that they are over. The way back: it holds to its lease again, and says so only then.
#include <algorithm>

#include "model/mutation.hpp"
#include "node/node.hpp"

namespace mainstay::node {

// By its own log, and not before that is as far as when this daemon began: what the daemon before this one has promised
// may stand in what is still to come.
bool node::detached_here() const { return settled() && state_.is_detached(self_) && !holds_again_; }

void node::tend_detachment() {
    auto found = state_.detached.find(self_);
    if (found == state_.detached.end()) {
        if (settled()) guard_detached_ = false;
        holds_again_ = holds_told_ = attached_said_ = false;
        return;
    }
    if (!settled()) return;
    if (holds_again_) {
        // The guard has been told before the cluster is.
        bool first = mutated(mutation::attached_before_lease);
        if ((!holds_told_ && !first) || attached_said_) return;
        attached_said_ = true;
        submit_command(cluster::node_attached{self_, boot_}, name_);
        return;
    }
    bool asked = !found->second.attach_asked_by.empty() && !leaving_ && guard_known_;
    if (asked && lease_.may_start(at_.now, times_.member_timeout, state_.applied)) {
        holds_again_ = true;
        guard_detached_ = false;
        out_.say("info", "holds to its lease again: attaches");
        return;
    }
    let_go();
}

// What runs is on record, and is taken up again from there, as by a daemon that has restarted.
void node::let_go() {
    for (auto next = runners_.begin(); next != runners_.end();) {
        const auto& [name, item] = *next;
        auto known = state_.packages.find(name);
        auto record = local_.packages.find(name);
        bool runs = item.phase() == runner_phase::running && known != state_.packages.end() &&
                    known->second.phase == cluster::package_phase::running && known->second.owner == self_ &&
                    known->second.generation == item.generation() && record != local_.packages.end() &&
                    record->second.generation == item.generation();
        if (!runs) {
            ++next;
            continue;
        }
        for (auto& process : item.living()) living_.push_back(std::move(process));
        recovered_.insert_or_assign(name, record->second);
        next = runners_.erase(next);
    }
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
