// Machines with different versions of the software in one cluster, upgraded one by one while everything else goes
// wrong.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "sim/dice.hpp"
#include "sim/world.hpp"

namespace mainstay::sim {

class mixed_versions {
public:
    static constexpr std::uint32_t older = 2;
    static constexpr std::uint32_t newer = cluster::own_feature_level;

    // `where` outlives this and every event that it leaves in its queue; nothing has run yet. What is in `without`,
    // counted from 1 in the order of the nodes, is new from the start.
    mixed_versions(world& where, dice random, const std::set<std::uint64_t>& without);
    // The upgrades to come in so much time, and now and then a way back.
    void schedule(duration time);
    // What is still old is upgraded now.
    void finish();

private:
    void change(const std::string& name, std::uint32_t level, std::uint64_t how, duration away);

    world& world_;
    dice random_;
    std::vector<std::string> old_;
    bool finished_ = false;
};

}  // namespace mainstay::sim
