// What befalls nodes, links, packages and scripts in a forecast.
#include <algorithm>

#include "cluster/configuration.hpp"
#include "cluster/tie_preference.hpp"
#include "policy/forecaster.hpp"

namespace mainstay::policy {

using cluster::package_phase;
using cluster::report;

std::string forecaster::fail(node_id node) {
    auto name = state_.node_name(node);
    out_.happenings.back() = "node " + name + " fails";
    if (!alive(node)) return "node " + name + " is not in the cluster";
    die(node);
    return {};
}

void forecaster::die(node_id node, const std::string& resets_because) {
    dead_.insert(node);
    // A node that resets itself says so to nobody.
    auto how = resets_because.empty() ? " is gone" : " resets itself: " + resets_because;
    tell("node " + state_.node_name(node) + how, "node_gone", "alarm", node);
    // Nobody has acknowledged anything since, or it was the one who did.
    set_lost_for_sure(node, seen_.now);
    pending next{pending::kind::node_silent, later(times_.member_timeout), node, {}, {}, 0};
    schedule(std::move(next));
}

std::string forecaster::come_back(node_id node) {
    auto name = state_.node_name(node);
    out_.happenings.back() = "node " + name + " returns";
    if (alive(node)) return "node " + name + " is in the cluster already";
    auto found = state_.nodes.find(node);
    if (found == state_.nodes.end()) return "there is no such node";
    dead_.erase(node);
    cut_off_.erase(node);
    links_gone_.erase(node);
    for (auto* flags : {&seen_.silent, &seen_.heard_again, &seen_.heard_dead}) flags->erase(node);
    seen_.lost_for_sure.erase(node);
    consensus::boot_entry life;
    life.node = node;
    life.boot = {found->second.boot.machine + 1, 1};
    life.store = found->second.store ? found->second.store : store_id{node.value};
    life.feature_level = found->second.boot ? found->second.feature_level : state_.feature_level;
    life.watchdog = found->second.watchdog;
    life.when = seen_.wall;
    write(life);
    for (const auto& config : state_.config.cluster.nodes) {
        if (config.name != name) continue;
        for (const auto& subnet : state_.monitored_subnets())
            say(cluster::subnet_seen{node, life.boot, subnet, is_on(config, subnet)}, name);
    }
    return {};
}

std::string forecaster::fail(const std::string& package) {
    out_.happenings.back() = "package " + package + " fails";
    auto found = state_.packages.find(package);
    if (found == state_.packages.end()) return "there is no package " + package + " in the configuration";
    const auto& item = found->second;
    if (item.phase != package_phase::running || !alive(item.owner))
        return "package " + package + " does not run: it is " + to_string(item.phase);
    if (state_.is_detached(item.owner))
        return "package " + package + " is detached on " + state_.node_name(item.owner) + ": nobody would notice";
    auto owner = item.owner;
    out_.happenings.back() += " on " + state_.node_name(owner);
    const auto& services = state_.find_package(package)->services;
    auto service = services.empty() ? "a part of it" : "service " + services.front().name;
    if (item.maintained) {
        say(cluster::service_down{package, item.generation, services.empty() ? package : services.front().name,
                                  "simulated"},
            state_.node_name(owner));
        return {};
    }
    bool resets = !services.empty() && services.front().fail_fast;
    if (resets) die(owner, "service_fail_fast_enabled: " + service + " ended");
    if (!resets) says(package, report::service_failed, service + " ended, no restarts are left");
    return {};
}

std::string forecaster::end_script(const script_ends& item) {
    bool start =
        item.how == report::start_exit_1 || item.how == report::start_exit_2 || item.how == report::start_timeout;
    out_.happenings.back() = "the next " + std::string(start ? "start" : "halt") + " of package " + item.package +
                             " ends with " + to_string(item.how);
    const auto* config = state_.find_package(item.package);
    if (config == nullptr) return "there is no package " + item.package + " in the configuration";
    for (const auto& name : state_.instances(*config))
        if (name == item.package || config->name == item.package) script_ends_[{name, start}] = item.how;
    return {};
}

std::string forecaster::fail_link(const link_fails& item) {
    auto name = state_.node_name(item.node);
    out_.happenings.back() = item.link.empty() ? "all heartbeat links of node " + name + " fail"
                                               : "heartbeat link " + item.link + " of node " + name + " fails";
    if (!alive(item.node)) return "node " + name + " is not in the cluster";
    std::string left;
    for (const auto& link : effective_links(state_.config.cluster)) {
        bool here = link.nodes.empty() || std::count(link.nodes.begin(), link.nodes.end(), name) > 0;
        if (here && (item.link.empty() || link.name == item.link)) links_gone_[item.node].insert(link.name);
        if (here && !links_gone_[item.node].contains(link.name)) left += (left.empty() ? "" : ", ") + link.name;
    }
    if (!item.link.empty() && !links_gone_[item.node].contains(item.link))
        return "node " + name + " has no heartbeat link " + item.link;
    if (!left.empty()) {
        tell("node " + name + " is heard over " + left + " alone", "link_down", "warning", item.node);
        return {};
    }
    for (auto other : losers(item.node)) cut_off(other);
    return {};
}

// R2, R3: the side without a quorum, or without the preferred half.
std::vector<node_id> forecaster::losers(node_id node) const {
    auto votes = [this](node_id of) {
        return std::any_of(voters_.voters.begin(), voters_.voters.end(),
                           [of](const auto& item) { return item.node == of; });
    };
    bool wins = voters_.voters.size() == 1 && votes(node);
    if (voters_.voters.size() == 2 && votes(node)) {
        auto other = voters_.voters.front().node == node ? voters_.voters.back().node : voters_.voters.front().node;
        wins = cluster::preferred_in_tie(state_, {node}, {other});
    }
    if (!wins) return {node};
    std::vector<node_id> others;
    for (const auto& item : state_.nodes)
        if (item.first != node && alive(item.first)) others.push_back(item.first);
    return others;
}

void forecaster::cut_off(node_id node) {
    dead_.insert(node);
    cut_off_.insert(node);
    tell("node " + state_.node_name(node) + " is heard no more", "node_cut_off", "alarm", node);
    set_lost_for_sure(node, seen_.now);
    schedule({pending::kind::node_silent, later(times_.member_timeout), node, {}, {}, 0});
    // "Two voters": its lease has no end while nobody can lead without it.
    bool endless = voters_.voters.size() <= 2 && voters_.kind == consensus::tie_break::proof &&
                   std::any_of(voters_.voters.begin(), voters_.voters.end(),
                               [node](const auto& item) { return item.node == node; });
    if (!endless) schedule({pending::kind::lease_over, later(times_.lease), node, {}, {}, 0});
}

}  // namespace mainstay::policy
