// What a node without a leader waits for, as a person would want to hear it at 3 a.m.
#include <algorithm>

#include "node/node.hpp"

namespace mainstay::node {

namespace {

std::string seconds(duration passed) {
    auto s = std::chrono::duration_cast<std::chrono::seconds>(passed).count();
    return " (for " + std::to_string(std::max<std::int64_t>(s, 0)) + " s)";
}

}  // namespace

std::string node::waiting_for(time_point now) const {
    if (!join_refused_.empty()) return join_refused_;
    if (!state_.formed()) return local_.joined ? "the cluster's state from its leader" : "";
    if (!self_) return "nothing: this node is no longer in the configuration";
    if (stopped_applying_) return "a newer version of Mainstay: the log has entries that this one can't read";
    if (foreign_lineage_ != 0)
        return "an administrator, or the leader's log: others go on with a history that was certified without this "
               "node (hactl node reset wipes its store)";
    bool led =
        raft_.leads() ? raft_.quorate(now) : raft_.leader() && now - raft_.leader_heard() < 2 * times_.member_timeout;
    if (led) return "";
    auto since = std::max(raft_.leader_heard(), started_at_);
    if (cut_off()) return "its own links, and fences nobody meanwhile: " + local_reasons() + seconds(now - since);
    for (const auto& attempt : ties_) {
        std::string others;
        for (auto item : attempt.wanted.silent) others += (others.empty() ? "" : ", ") + state_.node_name(item);
        bool arbitrator = attempt.wanted.kind == consensus::tie_break::arbitrator;
        if (attempt.fencing) return "a fencing device to switch off " + others + seconds(now - attempt.since);
        if (!attempt.open.empty()) return "the arbitrator's answer" + seconds(now - attempt.since);
        if (now < attempt.again)
            return std::string("its turn to ") + (arbitrator ? "ask the arbitrator" : "fence " + others) +
                   seconds(now - attempt.since);
    }
    std::string missing;
    std::size_t here = 0;
    const auto& set = raft_.active().back().set;
    for (const auto& member : set.voters) {
        if (member.node == self_ || !peers_.silent(member.node, {}, now, times_.member_timeout)) {
            ++here;
        } else {
            missing += (missing.empty() ? "" : ", ") + state_.node_name(member.node);
        }
    }
    auto text = std::to_string(here) + " of " + std::to_string(set.voters.size()) + " voters are here";
    if (missing.empty()) return text + ", an election is under way" + seconds(now - since);
    text += ": waiting for " + missing + seconds(now - since);
    if (!settled() && 2 * here == set.voters.size())
        text += "; a node that has just booted fences nobody. If they stay off: hactl cluster run --certify-down NODE";
    return text;
}

}  // namespace mainstay::node
