// Monitored subnets and generic resources, as they concern this node: what it has to say about them, and what
// its packages have to know (SG 3.5, 3.7).
#include "node/node.hpp"

namespace mainstay::node {

void node::handle(const subnets_seen& item) {
    subnets_.clear();
    subnets_.insert(item.subnets.begin(), item.subnets.end());
}

// Only what differs from the log; one word about a subnet at a time.
void node::report_subnets() {
    if (subnets_.empty() || !settled() || stopped_applying_) return;
    auto known = state_.subnets.find(self_);
    for (const auto& subnet : state_.monitored_subnets()) {
        auto seen = subnets_.find(subnet);
        if (seen == subnets_.end() || subnets_told_.contains(subnet)) continue;
        auto logged =
            known == state_.subnets.end() ? decltype(known->second.find(subnet)){} : known->second.find(subnet);
        bool same = known != state_.subnets.end() && logged != known->second.end() && logged->second.up == seen->second;
        if (same) continue;
        subnets_told_[subnet] = submit_command(cluster::subnet_seen{self_, boot_, subnet, seen->second}, name_);
    }
}

void node::tell_conditions() {
    for (auto& [name, item] : runners_) {
        auto found = state_.packages.find(name);
        if (found == state_.packages.end()) continue;
        item.maintained(found->second.maintained.has_value());
        item.lacks(state_.lacks(item.config(), self_), at_.now, out_);
    }
}

// Monitors set the value of their own node again and again. A value that somebody else has just changed is set
// again by the monitor's next word.
bool node::says_nothing_new(const admin_call& item) {
    const auto& body = std::get<cluster::command_body>(item.body);
    const auto* asked = std::get_if<cluster::resource_set>(&body);
    if (asked == nullptr || asked->node != name_ || !raft_.leader() || !settled()) return false;
    if (asked->value == "unknown" || state_.resource_text(asked->resource, self_) != asked->value) return false;
    out_.add(admin_done{item.id, admin_result::done,
                        "generic resource " + asked->resource + " on " + name_ + " is " + asked->value + " already"});
    return true;
}

}  // namespace mainstay::node
