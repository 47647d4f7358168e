// Which node may run a package, which one does (SG 5.4, configured_node), and the reasons.
#include <algorithm>

#include "model/value.hpp"
#include "policy/decide.hpp"

namespace mainstay::policy {

using cluster::node_status;
using cluster::package_phase;

namespace {

std::string flag_text(const cluster::provenance& by) { return by.actor + " (" + by.reason + ")"; }

}  // namespace

bool on_battery(const cluster::state& state, node_id node) {
    for (const auto& item : state.config.cluster.nodes) {
        if (item.power_source.empty() || state.find_node(item.name) != node) continue;
        auto found = state.power.find(item.power_source);
        return found != state.power.end() && found->second.on_battery;
    }
    return false;
}

verdict judge(const cluster::state& state, const std::string& package, node_id node) {
    auto item = state.packages.find(package);
    const auto* config = state.find_package(package);
    if (item == state.packages.end() || config == nullptr) return {false, "not configured"};
    return judge(state, *config, item->second, node);
}

verdict judge(const cluster::state& state, const package_config& config, const cluster::package_state& item,
              node_id node) {
    auto host = state.nodes.find(node);
    if (host == state.nodes.end()) return {false, "not configured"};
    const auto& found = host->second;
    switch (found.status) {
        case node_status::unseen:
            return {false, "has not joined yet"};
        case node_status::lost:
            return {false, "lost: " + found.status_by.reason};
        case node_status::fenced:
            return {false, "fenced: " + found.status_by.reason};
        default:
            break;
    }
    if (found.halted) return {false, "halted by " + flag_text(found.halted_by)};
    if (found.power_away) return {false, "on battery"};
    auto off = item.node_off.find(node);
    if (off != item.node_off.end()) return {false, "switching disabled by " + flag_text(off->second), true};
    if (item.maintained) {
        if (item.maintained->node == node) return {true, "in the cluster, in maintenance"};
        return {false, "in maintenance on " + state.node_name(item.maintained->node)};
    }
    auto lacks = state.lacks_to_start(config, node);
    if (!lacks.empty()) return {false, std::move(lacks), true, state.subnets_untold(config, node)};
    return {true, "in the cluster, switching on"};
}

choice choose(const cluster::state& state, const std::string& package) {
    plan made(state);
    const auto* item = made.find(package);
    if (item == nullptr) return {{}, "not configured"};
    return {item->where, item->reason};
}

node_id next_node(const cluster::state& state, const std::string& package) {
    const auto* config = state.find_package(package);
    auto item = state.packages.find(package);
    if (config == nullptr || item == state.packages.end() || !item->second.switching) return {};
    for (node_id node : state.candidates(package, *config)) {
        if (item->second.active() && node == item->second.owner) continue;
        if (judge(state, package, node).eligible) return node;
    }
    return {};
}

namespace {

// Why nothing of it runs, or where it is going.
std::string why_down(const cluster::state& state, const plan& made, const std::string& package) {
    const auto& now = state.packages.at(package);
    if (state.halted) return "the cluster is halted by " + flag_text(state.halted_by);
    if (now.maintained && !now.target)
        return "only hactl package start " + package + " starts it, on " + state.node_name(now.maintained->node);
    if (!now.switching && !now.target && !now.target_any)
        return "switching is off, set by " + flag_text(now.switching_by);
    const auto* item = made.find(package);
    if (item == nullptr) return "not configured";
    if (!item->where) return item->reason;
    if (state.failover_waits_until(*item->config, *item->now))
        return "it has failed over " + std::to_string(item->config->failover_limit) + " times within " +
               duration_text(item->config->failover_limit_time) +
               " (failover_limit): see why, then hactl package enable " + package +
               " starts it; else it starts when the first of them is that long ago";
    if (item->waits_for)
        return "waits until " + state.node_name(item->waits_for) + " has said what its subnets are like";
    for (const auto& link : item->needs)
        if (!made.met_now(link, item->where))
            return "waits on " + state.node_name(item->where) + " for " + link.package + ", which is not up there yet";
    auto other = made.in_the_way_now(*item, item->where);
    if (!other.empty()) return "waits until " + other + ", which excludes it, has halted";
    return "starts on " + state.node_name(item->where) + ": " + item->reason;
}

// What stands against a node that is fit by itself: other packages.
std::string refusal_of(const plan& made, const std::string& package, node_id node) {
    const auto* item = made.find(package);
    if (item == nullptr) return {};
    for (const auto& [other, reason] : item->refused)
        if (other == node) return reason;
    return {};
}

}  // namespace

explanation explain(const cluster::state& state, const std::string& package) {
    return explain(state, plan(state), package);
}

explanation explain(const cluster::state& state, const plan& made, const std::string& package) {
    explanation out;
    const auto* config = state.find_package(package);
    auto item = state.packages.find(package);
    if (config == nullptr || item == state.packages.end()) {
        out.headline = "there is no package " + package;
        return out;
    }
    const auto& now = item->second;
    auto owner = state.node_name(now.owner);
    switch (now.phase) {
        case package_phase::running:
            out.headline = package + " runs on " + owner + ": " + now.phase_by.reason;
            if (now.failing) out.headline = package + " has failed on " + owner + ": " + now.phase_by.reason;
            break;
        case package_phase::starting:
            out.headline = package + " starts on " + owner + ": " + now.phase_by.reason;
            for (const auto& lack : state.lacks(*config, now.owner)) out.headline += "; " + lack.text;
            break;
        case package_phase::halting:
            out.headline = package + " is halting on " + owner + ": " + now.phase_by.reason;
            break;
        case package_phase::halt_failed:
            out.headline = package + " failed to halt on " + owner + " (" + now.phase_by.reason +
                           "): clean up there, then hactl package halt " + package;
            break;
        default:
            out.headline = package + " is down: " + why_down(state, made, package);
            break;
    }
    if (now.maintained)
        out.headline += "; in maintenance by " + now.maintained->by.actor +
                        (now.maintained->by.reason.empty() ? "" : " (" + now.maintained->by.reason + ")");
    bool lost = now.active() && state.nodes.contains(now.owner) && state.nodes.at(now.owner).status != node_status::up;
    if (lost) out.headline += "; that node is lost and not yet proven dead";
    auto next = next_node(state, package);
    for (node_id node : state.candidates(package, *config)) {
        auto found = judge(state, package, node);
        auto others = refusal_of(made, package, node);
        if (found.eligible && !others.empty()) found = {false, others, false};
        std::string text = found.eligible ? found.reason : "cannot: " + found.reason;
        if (now.active() && node == now.owner) {
            text = std::string(to_string(now.phase)) + " here, generation " + std::to_string(now.generation.value) +
                   ", started because: " + now.start_by.reason + "; proof: " + to_string(now.proof);
        } else if (node == next && found.eligible) {
            text = "next: " + found.reason;
        }
        out.nodes.emplace_back(state.node_name(node), std::move(text));
    }
    return out;
}

}  // namespace mainstay::policy
