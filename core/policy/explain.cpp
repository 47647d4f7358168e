// Why a package is where it is, in sentences (architecture.md, D13).
#include "policy/explain.hpp"

#include <algorithm>

#include "model/value.hpp"
#include "policy/decide.hpp"
#include "policy/next_nodes.hpp"
#include "policy/plan.hpp"

namespace mainstay::policy {

using cluster::package_phase;

namespace {

// The command that switches it on; of a multi-node package only this instance, when the others are on.
std::string enabling(const cluster::state& state, const std::string& instance) {
    auto command = "hactl package enable " + cluster::package_of(instance);
    const auto* config = state.find_package(instance);
    bool single = config == nullptr || config->type != package_config::kind::multi_node;
    if (single || state.feature_level < cluster::instance_switching_level) return command;
    auto list = state.instances(*config);
    bool others = std::any_of(list.begin(), list.end(),
                              [&](const auto& name) { return name != instance && state.packages.at(name).switching; });
    return others ? command + " --node " + instance.substr(instance.find('@') + 1) : command;
}

// Why nothing of it runs, or where it is going.
std::string why_down(const cluster::state& state, const plan& made, const std::string& package) {
    const auto& now = state.packages.at(package);
    if (state.halted) return "the cluster is halted by " + flag_text(state.halted_by) + "; hactl cluster run starts it";
    if (now.maintained && !now.target)
        return "only hactl package start " + package + " starts it, on " + state.node_name(now.maintained->node);
    if (!now.switching && !now.target && !now.target_any)
        return "switching is off, set by " + flag_text(now.switching_by) + "; " + enabling(state, package) +
               " starts it";
    const auto* item = made.find(package);
    if (item == nullptr) return "not configured";
    if (!item->where) return made.reason(*item);
    if (item->waits_for)
        return "waits until " + state.node_name(item->waits_for) + " has said what its subnets are like";
    for (const auto& link : item->of->needs)
        if (!made.met_now(link, item->where))
            return "waits on " + state.node_name(item->where) + " for " + link.package + ", which is not up there yet";
    auto other = made.in_the_way_now(*item, item->where);
    if (!other.empty()) return "waits until " + other + ", which excludes it, has halted";
    // Room that others still take, until they have left or are proven gone.
    if (auto wrong = state.against_start(package, item->where); !wrong.empty())
        return "waits for " + state.node_name(item->where) + ": " + wrong;
    return "starts on " + state.node_name(item->where) + ": " + made.reason(*item);
}

// What stands against a node that is fit by itself: other packages.
std::string refusal_of(const plan& made, const std::string& package, node_id node) {
    const auto* item = made.find(package);
    if (item == nullptr) return {};
    for (const auto& one : made.refused(*item))
        if (one.node == node) return made.text_of(one);
    return {};
}

void since_and_remedy(candidate& out, obstacle what, const cluster::state& state, const std::string& package,
                      node_id node) {
    const auto& item = state.packages.at(package);
    auto host = state.nodes.find(node);
    switch (what) {
        case obstacle::lost:
            out.since = host->second.status_by.when;
            break;
        case obstacle::halted:
            out.since = host->second.halted_by.when;
            out.remedy = "hactl node run " + out.node;
            break;
        case obstacle::detached:
            out.since = state.detached.at(node).by.when;
            out.remedy = "hactl node attach " + out.node;
            break;
        case obstacle::switching:
            out.since = item.node_off.at(node).when;
            out.remedy = "hactl package enable " + cluster::package_of(package) + ' ' + out.node;
            break;
        case obstacle::pinned:
            out.since = state.find_pin(package)->by.when;
            out.remedy = "hactl package unpin " + package;
            break;
        case obstacle::site:
            out.remedy =
                std::string("hactl package ") + (item.active() ? "move " : "start ") + package + ' ' + out.node;
            break;
        case obstacle::maintenance:
            out.since = item.maintained->by.when;
            out.remedy = "hactl package maintenance off " + package;
            break;
        default:
            break;
    }
}

}  // namespace

std::string headline(const cluster::state& state, const plan& made, const std::string& package) {
    const auto* config = state.find_package(package);
    const auto& now = state.packages.at(package);
    std::string told;
    auto owner = state.node_name(now.owner);
    switch (now.phase) {
        case package_phase::running:
            told = package + " runs on " + owner + ": " + now.phase_by.reason;
            if (now.failing) told = package + " has failed on " + owner + ": " + now.phase_by.reason;
            break;
        case package_phase::starting:
            told = package + " starts on " + owner + ": " + now.phase_by.reason;
            for (const auto& lack : state.lacks(*config, now.owner)) told += "; " + lack.text;
            break;
        case package_phase::halting:
            told = package + " is halting on " + owner + ": " + now.phase_by.reason;
            break;
        case package_phase::halt_failed:
            told = package + " failed to halt on " + owner + " (" + now.phase_by.reason +
                   "): clean up there, then hactl package halt " + package;
            break;
        default:
            told = package + " is down: " + why_down(state, made, package);
            break;
    }
    if (const auto* partly = state.runs_partly(package)) {
        auto left_out = steps_left_out(*config, partly->steps);
        told += "; started partly: " + listed(partly->steps) + ", without " + listed(left_out);
    }
    if (now.active() && !now.switching && !now.maintained)
        told += "; switching is off, set by " + flag_text(now.switching_by) + ": it starts nowhere else, " +
                enabling(state, package) + " changes that";
    if (now.maintained)
        told += "; in maintenance by " + now.maintained->by.actor +
                (now.maintained->by.reason.empty() ? "" : " (" + now.maintained->by.reason + ")");
    // Its start may have been for that reason.
    const auto* pin = state.find_pin(package);
    if (pin != nullptr && told.find(pin_text(state, *pin)) == std::string::npos) told += "; " + pin_text(state, *pin);
    if (pin != nullptr && now.active() && pin->node != now.owner)
        told += ", where it starts next: hactl package move " + package + ' ' + state.node_name(pin->node);
    auto detached = now.active() ? state.detached.find(now.owner) : state.detached.end();
    if (detached != state.detached.end())
        told += "; " + owner + " is detached by " + flag_text(detached->second.by) +
                ": nobody watches it, hactl node attach " + owner + " brings it back";
    bool lost = now.active() && detached == state.detached.end() && state.nodes.contains(now.owner) &&
                state.nodes.at(now.owner).status != cluster::node_status::up;
    if (lost) told += "; that node is lost and not yet proven dead";
    return told;
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
    plan made(state);
    out.headline = headline(state, made, package);
    if (const auto* pin = state.find_pin(package)) out.pinned = *pin;
    auto next = next_nodes(state, made).of(package);
    for (node_id node : state.candidates(package, *config)) {
        candidate one;
        one.node = state.node_name(node);
        auto found = judge(state, package, node);
        auto others = refusal_of(made, package, node);
        if (found.eligible && now.target != node && state.across_sites(*config, node))
            found = {false,
                     "at site " + state.site_of(node) + ", and it is at home at site " + state.current_site(package) +
                         " (site_preferred_manual)",
                     obstacle::site};
        if (found.eligible && !now.switching && !now.maintained)
            found.reason = "in the cluster; it starts there by command only";
        if (found.eligible && config->by_site()) found.reason += ", at site " + state.site_of(node);
        // Where it is not needed the plan has not tried it. Were its own node lost, what is in the way might be as
        // well.
        bool untried = found.eligible && others.empty() && node != next && node != now.owner && !now.maintained;
        if (auto wrong = untried ? state.against_start(package, node) : std::string(); !wrong.empty())
            found.reason += "; not as things are: " + wrong;
        if (found.eligible && !others.empty()) found = {false, others, obstacle::others};
        one.text = found.reason;
        if (now.active() && node == now.owner) {
            one.verdict = candidate::verdict_type::here;
            one.text = std::string(to_string(now.phase)) + " here, generation " + std::to_string(now.generation.value) +
                       ", started because: " + now.start_by.reason + "; proof: " + to_string(now.proof);
            one.since = now.phase_by.when;
        } else if (!found.eligible) {
            since_and_remedy(one, found.what, state, package, node);
        } else {
            one.verdict = node == next ? candidate::verdict_type::next : candidate::verdict_type::could;
        }
        out.nodes.push_back(std::move(one));
    }
    return out;
}

std::string candidate::line() const {
    auto told = verdict == verdict_type::next     ? "next: " + text
                : verdict == verdict_type::cannot ? "cannot: " + text
                                                  : text;
    return remedy.empty() ? told : told + "; " + remedy;
}

}  // namespace mainstay::policy
