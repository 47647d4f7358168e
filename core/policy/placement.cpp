// Which node may run a package, which one does (SG 5.4, configured_node), and the reasons.
#include <algorithm>

#include "policy/decide.hpp"

namespace mainstay::policy {

using cluster::node_status;
using cluster::package_phase;

namespace {

std::string flag_text(const cluster::provenance& by) { return by.actor + " (" + by.reason + ")"; }

// Fed by a source whose mains is lost: mains first, battery rather than nowhere.
bool on_battery(const cluster::state& state, node_id node) {
    for (const auto& item : state.config.cluster.nodes) {
        if (item.power_source.empty() || state.find_node(item.name) != node) continue;
        auto found = state.power.find(item.power_source);
        return found != state.power.end() && found->second.on_battery;
    }
    return false;
}

}  // namespace

verdict judge(const cluster::state& state, const std::string& package, node_id node) {
    auto item = state.packages.find(package);
    auto host = state.nodes.find(node);
    if (item == state.packages.end() || host == state.nodes.end()) return {false, "not configured"};
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
    auto off = item->second.node_off.find(node);
    if (off != item->second.node_off.end()) return {false, "switching disabled by " + flag_text(off->second)};
    return {true, "in the cluster, switching on"};
}

choice choose(const cluster::state& state, const std::string& package) {
    const auto* config = state.find_package(package);
    auto item = state.packages.find(package);
    if (config == nullptr || item == state.packages.end()) return {{}, "not configured"};
    const auto& now = item->second;
    if (now.target) {
        auto wanted = judge(state, package, now.target);
        if (wanted.eligible) return {now.target, "asked for by " + now.asked_by};
    }
    // configured_node: first of the list. A move without a target takes another than the present
    // one, but rather that than nowhere.
    node_id fallback;
    std::string skipped;
    for (node_id node : state.node_list(*config)) {
        auto found = judge(state, package, node);
        bool battery = on_battery(state, node);
        if (found.eligible && node != now.avoid && !battery)
            return {node, "first of its node list that can run it (configured_node)" + skipped};
        if (found.eligible && (!fallback || fallback == now.avoid)) fallback = node;
        skipped += "; " + state.node_name(node) + ": " + (battery && found.eligible ? "on battery" : found.reason);
    }
    if (fallback) return {fallback, "no better node can run it" + skipped};
    return {{}, "no node of its list can run it" + skipped};
}

node_id next_node(const cluster::state& state, const std::string& package) {
    const auto* config = state.find_package(package);
    auto item = state.packages.find(package);
    if (config == nullptr || item == state.packages.end() || !item->second.switching) return {};
    for (node_id node : state.node_list(*config)) {
        if (item->second.active() && node == item->second.owner) continue;
        if (judge(state, package, node).eligible) return node;
    }
    return {};
}

explanation explain(const cluster::state& state, const std::string& package) {
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
            break;
        case package_phase::starting:
            out.headline = package + " starts on " + owner + ": " + now.phase_by.reason;
            break;
        case package_phase::halting:
            out.headline = package + " is halting on " + owner + ": " + now.phase_by.reason;
            break;
        case package_phase::halt_failed:
            out.headline = package + " failed to halt on " + owner + " (" + now.phase_by.reason +
                           "): clean up there, then hactl package halt " + package;
            break;
        default:
            out.headline = package + " is down: ";
            if (state.halted) {
                out.headline += "the cluster is halted by " + flag_text(state.halted_by);
            } else if (!now.switching && !now.target && !now.target_any) {
                out.headline += "switching is off, set by " + flag_text(now.switching_by);
            } else {
                out.headline += choose(state, package).reason;
            }
            break;
    }
    bool lost = now.active() && state.nodes.contains(now.owner) && state.nodes.at(now.owner).status != node_status::up;
    if (lost) out.headline += "; that node is lost and not yet proven dead";
    auto next = next_node(state, package);
    for (node_id node : state.node_list(*config)) {
        auto found = judge(state, package, node);
        std::string text = found.eligible ? found.reason : "cannot: " + found.reason;
        if (now.active() && node == now.owner) {
            text = std::string(to_string(now.phase)) + " here, generation " + std::to_string(now.generation.value) +
                   ", started because: " + now.start_by.reason + "; proof: " + to_string(now.proof);
        } else if (node == next) {
            text = "next: " + found.reason;
        }
        out.nodes.emplace_back(state.node_name(node), std::move(text));
    }
    return out;
}

}  // namespace mainstay::policy
