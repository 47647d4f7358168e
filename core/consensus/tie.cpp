#include "consensus/tie.hpp"
#include "model/mutation.hpp"

#include <algorithm>

namespace mainstay::consensus {

namespace {

bool votes_for(const ballots& votes, const voter& member) {
    auto found = votes.find(member.node);
    return found != votes.end() && (found->second.store == member.store || mutated(mutation::lost_store_votes));
}

// R5: all of the set that is not certified must vote; more than half of it only when abandoned.
bool carried_by_certificate(const voter_set& set, const ballots& votes, const certificate& paper) {
    std::size_t certified = 0;
    for (const auto& member : set.voters) {
        if (paper.names(member.node)) {
            ++certified;
        } else if (!votes_for(votes, member)) {
            return false;
        }
    }
    if (certified == 0 || certified == set.voters.size()) return false;
    return paper.abandon || 2 * certified <= set.voters.size();
}

const death_proof* find_proof(const tie_means& means, const std::vector<node_id>& silent,
                              const mainstay::term& standing, const std::function<boot_id(node_id)>& newest_boot) {
    for (const auto& item : means.proofs) {
        bool there = std::find(silent.begin(), silent.end(), item.proof.node) != silent.end();
        bool newest = !(item.proof.boot < newest_boot(item.proof.node)) || mutated(mutation::proof_of_older_boot);
        if (there && item.obtained_in < standing && newest) return &item.proof;
    }
    return nullptr;
}

}  // namespace

weighed weigh(const active_set& active, const ballots& votes, const tie_means& means, const mainstay::term& standing,
              const std::function<boot_id(node_id)>& newest_boot) {
    const auto& set = active.set;
    weighed out;
    auto& wanted = out.wanted;
    bool settled = true;
    for (const auto& member : set.voters) {
        if (votes_for(votes, member)) {
            wanted.half.push_back(member.node);
            settled = settled && (votes.at(member.node).settled || mutated(mutation::unsettled_half));
        } else {
            wanted.silent.push_back(member.node);
        }
    }
    if (wanted.half.size() > wanted.silent.size()) {
        out.value = weight::majority;
        return out;
    }
    if (means.certificate && carried_by_certificate(set, votes, *means.certificate)) {
        out.value = weight::certified;
        return out;
    }
    if (wanted.half.size() != wanted.silent.size() || !settled || set.kind == tie_break::none) return out;
    wanted.version = set.version;
    wanted.set_term = active.term;
    wanted.kind = set.kind;
    wanted.arbitrator = set.arbitrator;
    out.value = mutated(mutation::tie_without_means) ? weight::broken : weight::tie;
    if (set.kind == tie_break::arbitrator) {
        tie_grant needed{set.version, active.term, wanted.half};
        if (std::find(means.grants.begin(), means.grants.end(), needed) != means.grants.end())
            out.value = weight::broken;
        if (mutated(mutation::both_tie_breaks) && find_proof(means, wanted.silent, standing, newest_boot) != nullptr)
            out.value = weight::broken;
    } else if (const auto* proof = find_proof(means, wanted.silent, standing, newest_boot)) {
        out.value = weight::broken;
        out.used = *proof;
    }
    return out;
}

}  // namespace mainstay::consensus
