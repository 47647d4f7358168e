#include "consensus/voters.hpp"

#include <algorithm>
#include <tuple>

namespace mainstay::consensus {

int losses_survived(std::size_t size, std::size_t alive, bool tie_works) {
    bool half_will_do = tie_works && size % 2 == 0;
    auto needed = half_will_do ? size / 2 : size / 2 + 1;
    return static_cast<int>(alive) - static_cast<int>(needed);
}

namespace {

const candidate_voter* find(const voter_wish& wish, node_id node) {
    for (const auto& item : wish.members)
        if (item.who.node == node) return &item;
    return nullptr;
}

// A member that will be there for the next failure.
bool counts(const voter_wish& wish, const voter& member) {
    const auto* known = find(wish, member.node);
    return known != nullptr && known->who == member && known->alive && !known->leaving;
}

// What it survives, with the tie-break and without; last whether it can't be split in two halves.
std::tuple<int, int, bool> worth(const std::vector<voter>& set, const voter_wish& wish) {
    auto alive = static_cast<std::size_t>(
        std::count_if(set.begin(), set.end(), [&](const auto& item) { return counts(wish, item); }));
    return {losses_survived(set.size(), alive, wish.tie_works), losses_survived(set.size(), alive, false),
            set.size() % 2 == 1 || wish.tie_works};
}

// More than half of it would store it now. A set that waits for somebody who may never come again can't be taken
// back once it is in the log, and the present one can then no longer do without it either.
bool would_commit(const std::vector<voter>& set, const voter_wish& wish) {
    auto there = std::count_if(set.begin(), set.end(), [&](const auto& item) {
        const auto* known = find(wish, item.node);
        return known != nullptr && known->who == item && known->caught_up;
    });
    return 2 * static_cast<std::size_t>(there) > set.size();
}

// Learners take the free places, the lowest number first.
void fill(std::vector<voter>& set, const voter_wish& wish) {
    for (const auto& item : wish.members) {
        if (set.size() >= voters_max) break;
        bool there =
            std::any_of(set.begin(), set.end(), [&](const auto& known) { return known.node == item.who.node; });
        if (!there && item.alive && item.caught_up && !item.leaving) set.push_back(item.who);
    }
    std::sort(set.begin(), set.end());
}

// Without the last one that is not needed: an even number without a tie-break survives no more than one less. Never
// of two: the other one would have no vote that an administrator could certify.
std::vector<voter> made_odd(std::vector<voter> set, const voter_wish& wish) {
    if (set.size() % 2 == 1 || set.size() <= 2) return set;
    for (auto i = set.size(); i-- > 0;)
        if (set[i].node != wish.leader) {
            set.erase(set.begin() + static_cast<std::ptrdiff_t>(i));
            break;
        }
    return set;
}

}  // namespace

std::optional<voter_set> next_voters(const voter_set& base, const voter_wish& wish) {
    std::vector<voter> grown;
    std::vector<voter> living;
    for (const auto& member : base.voters) {
        const auto* known = find(wish, member.node);
        bool lost_store = known == nullptr || known->who.store != member.store;
        if (!lost_store || !known->alive) grown.push_back(member);
        if (counts(wish, member)) living.push_back(member);
    }
    fill(grown, wish);
    fill(living, wish);
    auto best = base.voters;
    auto consider = [&](const std::vector<voter>& option) {
        bool leads =
            std::any_of(option.begin(), option.end(), [&](const auto& item) { return item.node == wish.leader; });
        if (leads && option != best && would_commit(option, wish) && worth(option, wish) > worth(best, wish))
            best = option;
    };
    consider(grown);
    consider(living);
    if (grown.size() % 2 == 0) consider(made_odd(grown, wish));
    if (living.size() % 2 == 0) consider(made_odd(living, wish));
    bool other_kind = wish.kind != base.kind;
    bool other_arbitrator = wish.kind == tie_break::arbitrator && wish.arbitrator && wish.arbitrator != base.arbitrator;
    if (best == base.voters && !wish.renew && !other_kind && !other_arbitrator) return std::nullopt;
    voter_set next;
    next.version = base.version + 1;
    next.voters = std::move(best);
    next.kind = wish.kind;
    if (wish.kind == tie_break::arbitrator) next.arbitrator = wish.arbitrator ? wish.arbitrator : base.arbitrator;
    return next;
}

}  // namespace mainstay::consensus
