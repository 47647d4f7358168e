// The administrator who is sent for when a cluster can't find a leader by itself, because a voter's disk was lost
// while the set that needs it was being replaced (R5, certify-down).
#pragma once

#include <set>
#include <string>

#include "sim/world.hpp"

namespace mainstay::sim {

class certifier {
public:
    explicit certifier(world& where) : world_(where) {}

    // Once per second of healing.
    void look();
    // Promised to be off until the cluster has a leader.
    [[nodiscard]] bool keeps_off(const std::string& name) const { return off_.contains(name); }

private:
    [[nodiscard]] std::set<std::string> without_store() const;
    [[nodiscard]] std::string newest_log() const;

    world& world_;
    int without_leader_ = 0;
    std::set<std::string> off_;
};

}  // namespace mainstay::sim
