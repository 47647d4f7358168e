// Which voters hear a node: the one question before anybody is given up or shot (D5, invariant 5).
#include <algorithm>

#include "model/mutation.hpp"
#include "node/node.hpp"

namespace mainstay::node {

// Of the voters: the node itself, we, and all who say so in their beats. While a voter set is being replaced, a
// majority of either will do: the one that is leaving is no member of the next.
//
// Who has just won, after a time out of reach, knows nothing yet of what others hear: their silence about a node
// counts only when their beats are fresh. While an old leader's beats came, they are.
//
// `tie`: what a voter hears is not known while its own beats do not come, and then it may be the target. That goes for
// those whose votes came by way of others, and for the silent half all the more: they are together on the other side.
hearing node::who_hears(node_id target, boot_id boot, const consensus::tie_wanted* tie) const {
    auto limit = times_.member_timeout;
    hearing found;
    auto hears = [&](node_id voter) {
        if (voter == target) return true;
        auto until = time_point::min();
        if (voter != self_) {
            until = peers_.witnesses_until(voter, target, boot, limit);
        } else if (!peers_.silent(target, boot, at_.now, limit)) {
            until = peers_.find(target)->heard + limit;
        }
        if (until < at_.now) return false;
        found.changes = std::min(found.changes, until + duration{1});
        return true;
    };
    const auto& sets = raft_.active();
    for (const auto& active : sets) {
        const auto& voters = active.set.voters;
        std::size_t hearing_it = 0;
        std::size_t deaf = 0;
        for (const auto& item : voters) {
            if (hears(item.node)) {
                ++hearing_it;
                continue;
            }
            const auto* known = peers_.find(item.node);
            bool fresh = item.node == self_ || (known != nullptr && known->last_received != time_point::min() &&
                                                at_.now - known->last_received <= limit / 2);
            deaf += fresh ? 1 : 0;
            if (!fresh && tie != nullptr) ++hearing_it;
        }
        found.by_majority = found.by_majority || 2 * hearing_it > voters.size();
        if (&active == &sets.back()) found.majority_is_deaf = 2 * deaf > voters.size();
    }
    if (mutated(mutation::fence_what_majority_hears)) found.by_majority = false;
    return found;
}

}  // namespace mainstay::node
