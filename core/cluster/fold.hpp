// Inside of apply(): one command being applied to one state. apply.cpp has what is about
// nodes and events, apply_configuration.cpp what is about the configuration, apply_package.cpp what is about packages,
// apply_partly.cpp partial starts and restart counts, apply_conditions.cpp what they rely on, apply_detach.cpp detached
// nodes, apply_pin.cpp pins. Not for other folders.
#pragma once

#include <string>
#include <vector>

#include "cluster/apply.hpp"

namespace mainstay::cluster {

// From this feature level on a service that ended in maintenance, of which one hears when that is over, fails its
// package.
inline constexpr std::uint32_t late_ends_level = 4;
// ... what an administrator asked for ends with the generation that was started for it, and with AUTO_RUN.
inline constexpr std::uint32_t wishes_end_level = 4;
// ... an instance that a configuration adds to a package is switched as the others are.
inline constexpr std::uint32_t instances_follow_level = 4;
// ... a node that left in good order enables its switching flags when it is back, as one that booted does.
inline constexpr std::uint32_t rejoin_level = 4;
// ... what is bound to fail because a package there has failed to halt before is refused.
inline constexpr std::uint32_t bound_to_fail_level = 4;
// ... a system_multi_node package may be switched on again.
inline constexpr std::uint32_t system_enabling_level = 4;

// The machine's life `boot` of a node has surely ended: its packages are over, with this proof.
void proven_dead(state& current, applied& outcome, node_id target, boot_id boot, proof_kind proof,
                 const provenance& why);

// Maintenance of the package is over; so is what was said about it.
void end_maintenance(state& current, const std::string& name, package_state& item);
// ... of all packages that are in maintenance on the node: it halted, or its life is over.
void end_maintenance_on(state& current, node_id node);

// What an administrator writes stands in tables and histories, on one line; empty = it does.
[[nodiscard]] std::string against_reason(const std::string& reason);

// Forgets partial starts that will not come any more, and those that are over.
void prune_partial_starts(state& current);

// Nothing is left of a start or a move that was asked for.
void drop_wish(package_state& item);
// ... if its newest generation was started for just that, which is over now one way or the other.
void end_wish(const state& current, package_state& item);

// An administrator has seen to it: what has failed before is not counted any more.
void forgive(state& current, const std::string& name, package_state& item);

class fold {
public:
    fold(state& current, log_index index, const command& item) : state_(current), index_(index), item_(item) {}

    applied run();

private:
    void refuse(std::string reason);
    [[nodiscard]] provenance by(std::string reason) const;
    // Refused when there is no such package.
    package_state* package(const std::string& name);
    // The package if the generation is its newest one and not over yet; else refused.
    package_state* generation(const std::string& name, mainstay::generation number);
    void over(package_state& item, proof_kind proof, std::string reason);

    void on(const found_cluster& body);
    void on(const configure& body);
    // False, and refused, when a node that is to go still has a package.
    bool nodes_may_go(const cluster_config& cluster);
    void take_nodes(const configure& body);
    void add_instances(const package_config& package, const std::vector<std::string>& names);
    void forget_sources(const configuration& former);
    void forget_services(const configuration& former);
    // False, and refused, when something active or in maintenance can't be changed like that.
    bool packages_may_change(const configuration& wanted);

    // The node if that is its newest life; else refused.
    node_state* life(node_id node, boot_id boot);
    void on(const node_lost& body);
    void on(const node_back& body);
    void on(const node_admin& body);
    void on(const cluster_admin& body);
    void touch_packages_of(node_id node);
    // SG 4.8: what failed to halt there (0 = anywhere) and can be seen to; empty = nothing.
    [[nodiscard]] std::string against_halting(node_id node, const std::string& command) const;

    void on(const fence_request& body);
    void on(const fence_result& body);
    void on(const proof_broken& body);
    [[nodiscard]] std::string fenced_by(node_id node) const;
    void on(const fence_node& body);

    // apply_detach.cpp: nodes whose packages run on without their cluster
    void on(const node_detach& body);
    void on(const node_attach& body);
    void on(const detachment_report& body);
    void on(const certify_detached& body);
    [[nodiscard]] std::string against_detaching(node_id id) const;
    [[nodiscard]] bool has_nothing_to_detach(node_id id) const;
    // Refused when there is no such node.
    std::vector<node_id> named_or_all(const std::string& name);

    void on(const package_start& body);
    void on(const package_halt& body);
    void on(const package_report& body);
    void switched_off(package_state& item, const std::string& reason);
    void failed_or_halted(package_state& item, const package_report& body, const std::string& reason);
    void on(const service_restarted& body);

    void on(const package_wish_over& body);

    // All instances of the package; refused when there is no such package.
    std::vector<std::string> instances(const std::string& name);
    // The node by name if the package may be sent there now; else refused with the reason.
    node_id destination(const std::string& name, const package_state& item, const std::string& node);
    // True when a node of the list could take the package; else refused.
    bool somewhere(const std::string& name, const package_state& item, node_id except);
    void on(const package_run& body);
    // apply_partly.cpp: what an administrator has done by halves
    void on(const package_run_partly& body);
    void on(const package_stop_partly& body);
    void on(const restarts_reset& body);
    // False, and refused, when the failover package can't be started there by command; `where` empty = by policy.
    bool run_failover(const std::string& name, std::string where);
    void on(const package_stop& body);
    void on(const package_stop_on& body);
    void stop(const std::string& instance);
    bool may_halt_there(const std::string& instance);
    void on(const package_move& body);
    void run_everywhere(const package_run& body);
    // Refused when something active needs the package and would not come along.
    bool nothing_needs(const std::string& instance, const package_config& package, bool moves);
    void on(const package_switching& body);

    // apply_pin.cpp: where an administrator wants a package and nowhere else
    void on(const package_pin& body);
    void unpin(const package_pin& body);
    // After a new configuration: pins of what is gone, or to a node that is not in the package's list any more.
    void prune_pins();

    // apply_conditions.cpp: what packages rely on, and maintenance
    void on(const resource_set& body);
    void on(const subnet_seen& body);
    void on(const package_maintenance& body);
    void on(const service_down& body);
    // Where the package would be in maintenance; 0, and refused, when that can't be.
    node_id maintenance_node(const std::string& name, const package_state& item, const std::string& node);
    // After a new configuration: values of what is gone, or means something else now, are forgotten.
    void prune_conditions(const configuration& former);

    void on(const cluster_event& body);
    void on(const power_action& body);
    void on(const feature_level& body);
    void on(const notified& body);
    // Accepted and refused as what is asked for, when the plan still holds.
    void on(const planned& body);

    state& state_;
    log_index index_;
    const command& item_;
    applied outcome_;
    bool founding_ = false;
};

}  // namespace mainstay::cluster
