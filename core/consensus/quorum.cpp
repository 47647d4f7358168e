#include "consensus/quorum.hpp"

#include <algorithm>

namespace mainstay::consensus {

bool majority(const voter_set& set, const node_predicate& has) {
    std::size_t count = 0;
    for (const auto& item : set.voters) count += has(item.node) ? 1 : 0;
    return 2 * count > set.voters.size();
}

bool quorum(std::span<const voter_set> active, const node_predicate& has) {
    if (active.empty()) return false;
    return std::all_of(active.begin(), active.end(), [&](const auto& set) { return majority(set, has); });
}

time_point quorum_time(std::span<const voter_set> active, const std::function<time_point(node_id)>& date) {
    if (active.empty()) return time_point::min();
    auto oldest = time_point::max();
    for (const auto& set : active) {
        if (set.voters.empty()) return time_point::min();
        std::vector<time_point> dates;
        for (const auto& item : set.voters) dates.push_back(date(item.node));
        std::sort(dates.begin(), dates.end(), std::greater<>());
        oldest = std::min(oldest, dates[set.voters.size() / 2]);
    }
    return oldest;
}

std::vector<voter_set> active_sets(const std::vector<entry>& log, log_index commit) {
    std::vector<voter_set> sets;
    for (std::size_t i = 0; i < log.size(); ++i) {
        const auto* set = std::get_if<voter_set>(&log[i].body);
        if (set == nullptr) continue;
        if (i + 1 <= commit.value) sets.clear();  // an older committed one is no longer base
        sets.push_back(*set);
    }
    return sets;
}

}  // namespace mainstay::consensus
