// decide() on a small cluster: what the leader n1 sees, and picking decisions of one kind.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "policy/decide.hpp"
#include "policy/explain.hpp"
#include "support/small_cluster.hpp"

namespace mainstay::small {

inline constexpr duration second{1'000'000};

struct policy_lab : cluster_lab {
    using cluster_lab::cluster_lab;
    policy::view view{time_point{1'000 * second}, wall_time{1'000'000'000}, n1, {}, {}, {}, {}, {}, {}};

    [[nodiscard]] policy::outcome decide() const { return policy::decide(state, view); }
    template <class Kind>
    [[nodiscard]] std::vector<Kind> all() const {
        std::vector<Kind> found;
        for (auto& item : decide().decisions)
            if (auto* body = std::get_if<Kind>(&item.body)) found.push_back(*body);
        return found;
    }
    // Where decide() starts the package: a name, "" = nowhere.
    [[nodiscard]] std::string starts(const std::string& package) const {
        for (const auto& item : all<cluster::package_start>())
            if (item.package == package) return state.node_name(item.node);
        return {};
    }
    // Why decide() halts it; "" = it does not.
    [[nodiscard]] std::string halts(const std::string& package) const {
        for (const auto& item : all<cluster::package_halt>())
            if (item.package == package) return item.reason;
        return {};
    }
};

}  // namespace mainstay::small
