#include "sim/certifier.hpp"

#include <algorithm>

namespace mainstay::sim {

namespace {

// Long enough for everything the nodes can do themselves; then until nobody hears the one that was switched off.
constexpr int patience = 20;
constexpr int unheard = patience + 8;

}  // namespace

void certifier::look() {
    if (world_.leader() != nullptr) {
        without_leader_ = 0;
        off_.clear();
        return;
    }
    ++without_leader_;
    if (without_leader_ == patience) {
        off_ = without_store();
        for (const auto& name : off_) world_.power_off(name);
    } else if (without_leader_ == unheard && !off_.empty()) {
        world_.count("mark_certified");
        world_.admin(newest_log(), node::certify_down{{off_.begin(), off_.end()}, false});
    }
}

// Voters of some node's sets by another store than the machine has now.
std::set<std::string> certifier::without_store() const {
    std::set<std::string> lost;
    for (const auto& name : world_.names()) {
        const auto* daemon = world_.daemon(name);
        if (daemon == nullptr) continue;
        for (const auto& active : daemon->log().active())
            for (const auto& item : active.set.voters) {
                auto voter = daemon->state().node_name(item.node);
                const auto& names = world_.names();
                bool there = std::find(names.begin(), names.end(), voter) != names.end();
                if (there && world_.store_of(voter) != item.store) lost.insert(voter);
            }
    }
    return lost;
}

// Of those with a vote in the newest set they know.
std::string certifier::newest_log() const {
    std::string newest = world_.names().front();
    log_index last;
    for (const auto& name : world_.names()) {
        const auto* daemon = world_.daemon(name);
        if (daemon == nullptr || daemon->log().last_index() <= last || daemon->log().active().empty()) continue;
        if (daemon->log().active().back().set.find(daemon->self()) == nullptr) continue;
        newest = name;
        last = daemon->log().last_index();
    }
    return newest;
}

}  // namespace mainstay::sim
