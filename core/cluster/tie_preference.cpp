#include "cluster/tie_preference.hpp"

#include <algorithm>

#include "model/weight.hpp"

namespace mainstay::cluster {

bool preferred_in_tie(const state& now, const std::vector<node_id>& half, const std::vector<node_id>& silent) {
    auto runs = [&now](const std::vector<node_id>& nodes) {
        std::uint64_t sum = 0;
        for (const auto& [name, item] : now.packages) {
            const auto* config = now.find_package(name);
            bool there = item.active() && std::count(nodes.begin(), nodes.end(), item.owner) > 0;
            if (there && config != nullptr) sum += weight_of(now.config.cluster, *config);
        }
        return sum;
    };
    if (half.empty() || silent.empty()) return false;
    auto ours = runs(half);
    auto theirs = runs(silent);
    return ours != theirs ? ours > theirs : half.front() < silent.front();
}

}  // namespace mainstay::cluster
