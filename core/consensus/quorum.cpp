#include "consensus/quorum.hpp"

#include <algorithm>

namespace mainstay::consensus {

bool majority(const voter_set& set, const voter_predicate& has) {
    std::size_t count = 0;
    for (const auto& item : set.voters) count += has(item) ? 1 : 0;
    return 2 * count > set.voters.size();
}

bool quorum(std::span<const active_set> active, const voter_predicate& has) {
    if (active.empty()) return false;
    return std::all_of(active.begin(), active.end(), [&](const auto& item) { return majority(item.set, has); });
}

time_point quorum_time(std::span<const active_set> active, const std::function<time_point(const voter&)>& date) {
    if (active.empty()) return time_point::min();
    auto oldest = time_point::max();
    for (const auto& [set, term, index] : active) {
        if (set.voters.empty()) return time_point::min();
        std::vector<time_point> dates;
        dates.reserve(set.voters.size());
        for (const auto& item : set.voters) dates.push_back(date(item));
        std::sort(dates.begin(), dates.end(), std::greater<>());
        oldest = std::min(oldest, dates[set.voters.size() / 2]);
    }
    return oldest;
}

}  // namespace mainstay::consensus
