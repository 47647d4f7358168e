// The heartbeat links as far as this machine is to blame for them (D5). Who is cut off by itself hears nobody, and
// that says nothing about the others: it fences nobody. A lost carrier on a cable from node to node is no reason of
// its own: there a dead peer looks like that.
#include <algorithm>

#include "model/mutation.hpp"
#include "node/node.hpp"

namespace mainstay::node {

bool node::cut_off() const {
    if (links_.empty() || mutated(mutation::fence_while_cut_off)) return false;
    return std::none_of(links_.begin(), links_.end(), [](const auto& item) { return item.second.empty(); });
}

std::string node::local_reasons() const {
    std::string text;
    for (const auto& [link, reason] : links_)
        if (!reason.empty()) text += (text.empty() ? "" : "; ") + link + ": " + reason;
    return text;
}

void node::handle(const links_seen& item) {
    bool was = cut_off();
    links_.clear();
    links_.insert(item.links.begin(), item.links.end());
    if (was && !cut_off()) {
        // The silence until now was our own: the others are judged by what they send from now on.
        judge_after_ = std::max(judge_after_, at_.now + times_.member_timeout);
        raft_.hold_judgement(judge_after_);
        std::erase_if(ties_, [](const auto& attempt) { return attempt.open.empty() && !attempt.fencing; });
    }
    tell_cut_off(was);
}

// An alarm of the cluster, which hears of it when this node is back: until then its own journal and status tell.
void node::tell_cut_off(bool was) {
    if (cut_off() && !was)
        out_.say("error",
                 "every heartbeat link is down for a reason on this node, which fences nobody: " + local_reasons());
    if (!cut_off() && was) out_.say("info", "a heartbeat link works again on this node");
    if (!settled() || leaving_) return;
    std::string alarm = "links of " + name_;
    bool stands = was || state_.alarms.contains(alarm + " cut_off");
    if (cut_off() == stands) return;
    handle(plugin_event{alarm,
                        "cut_off",
                        cut_off() ? "alarm" : "info",
                        {{"text", cut_off() ? local_reasons() : "a link works again"}}});
}

// R3 by a proof is out of the question for it. An arbitrator may still be asked, last: both halves may be cut off.
bool node::leaves_alone(tie_attempt& attempt) {
    if (!cut_off() || attempt.wanted.kind != consensus::tie_break::proof) return false;
    if (attempt.again != never)
        out_.say("warning", "fences nobody to break the tie: its own links are down: " + local_reasons());
    attempt.again = never;
    return true;
}

}  // namespace mainstay::node
