// What is done to a simulated cluster by schedule, one fault after another: power, links, daemons, disks, arbitrators,
// services, and administrators who want something in the middle of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/dice.hpp"
#include "sim/world.hpp"

namespace mainstay::sim {

class fault_source {
public:
    // `where` outlives this and every event that a fault leaves in its queue.
    fault_source(world& where, std::size_t packages, bool arbitrators)
        : world_(where), packages_(packages), arbitrators_(arbitrators) {}
    // What administrators may add: packages of this text that the configuration in force lacks.
    void may_add(const std::string& text);

    // One fault. It draws from dice of its own, so that leaving out others changes nothing about it.
    void strike(dice random);
    // One of the kinds that came later: in a stream of their own, or every older seed would mean another run.
    void strike_beside(dice random);
    // A node is detached, in a stream of its own again.
    void strike_apart(dice random);
    // An administrator pins a package, unpins it, or names the node where it is to run, at another site or not.
    void place_by_hand(dice random);
    // An administrator adds volume groups and file systems to a package, or takes them out.
    void change_storage(dice random);

private:
    using action = void (fault_source::*)();

    void power_cut();
    void daemon_crash();
    void pause();
    void partition();
    void one_way();
    void pair_cut();
    void flapping();
    void swizzle();
    void service_kill();
    void leader_dies();
    void rack_dark();
    void all_dark();
    void battery();
    void leave();
    void detach();
    void store_lost();
    void disk_fails();
    void arbitrator_fails();
    void wall_jump();
    void ask();
    void links_down();
    void subnet_down();
    void resource_down();
    void maintenance();
    void partial_work();
    void reset_restarts();
    void reconfigure();
    void apply(const std::string& name, const std::string& package, dice random);
    void submit(const std::string& name, const configuration& changed, std::ptrdiff_t errors_max);
    [[nodiscard]] static cluster::package_run_partly partial_start(const std::string& package, dice& random);
    [[nodiscard]] std::string any_package();
    void both_ways(const std::string& a, const std::string& b, bool cut);
    const std::string& somebody() { return random_.pick(world_.names()); }

    world& world_;
    dice random_{0};
    std::size_t packages_;
    bool arbitrators_;
    int stores_lost_ = 0;
    std::vector<package_config> known_packages_;
};

}  // namespace mainstay::sim
