// What is said about packages: decisions, reports of nodes, wishes of administrators.
#include <algorithm>

#include "cluster/fold.hpp"

namespace mainstay::cluster {

void fold::on(const package_start& body) {
    auto* item = package(body.package);
    if (item == nullptr) return;
    if (item->active()) return refuse("package " + body.package + " is not down");
    if (body.generation.value != item->generation.value + 1) return refuse("not the next generation");
    auto* node = life(body.node, body.boot);
    if (node == nullptr) return;
    item->phase = package_phase::starting;
    item->generation = body.generation;
    item->owner = body.node;
    item->owner_boot = body.boot;
    item->proof = body.proof;
    item->restarts.clear();
    item->start_by = by(body.reason);
    item->phase_by = item->start_by;
    item->avoid = node_id{};
}

void fold::on(const package_halt& body) {
    auto* item = generation(body.package, body.generation);
    if (item == nullptr) return;
    item->phase = package_phase::halting;
    item->phase_by = by(body.reason);
}

void fold::on(const package_report& body) {
    auto* item = generation(body.package, body.generation);
    if (item == nullptr) return;
    if (item->owner != body.node) return refuse("that node does not own the package");
    auto reason = std::string(to_string(body.what)) + (body.detail.empty() ? "" : ": " + body.detail);
    state_.alarms.erase("package " + body.package);
    if (body.what == report::running) {
        if (item->phase != package_phase::starting) return;
        item->phase = package_phase::running;
        item->phase_by = by(item->start_by.reason);
        item->target = node_id{};
        item->target_any = false;
        item->asked_by.clear();
        return;
    }
    failed_or_halted(*item, body, reason);
}

// SG 4.9 and 5.3: what each end does to the flags.
void fold::failed_or_halted(package_state& item, const package_report& body, const std::string& reason) {
    if (body.what != report::halted && body.what != report::lease_ended) {
        state_.alarms["package " + body.package] = {
            "package " + body.package + " on " + state_.node_name(body.node) + ": " + reason, item_.when};
        if (item.target == body.node) item.target = node_id{};
    }
    switch (body.what) {
        case report::start_exit_1:
        case report::start_timeout:
            item.switching = false;
            item.switching_by = by(reason);
            item.target_any = false;
            over(item, proof_kind::start_failed, reason);
            break;
        case report::start_exit_2:
            item.node_off[body.node] = by(reason);
            over(item, proof_kind::start_failed, reason);
            break;
        case report::service_failed:
            item.node_off[body.node] = by(reason);
            item.phase = package_phase::halting;
            item.phase_by = by(reason);
            break;
        case report::halt_exit_1:
        case report::halt_timeout:
            // Something of it may be left: only its node, or a proof of that node's death, ends it.
            item.switching = false;
            item.switching_by = by(reason);
            item.phase = package_phase::halt_failed;
            item.phase_by = by(reason);
            break;
        default: {
            // The leader's own word about a lost node (fencing none): nothing was proven.
            bool assumed = body.what == report::lease_ended && !item_.origin;
            auto owner = state_.nodes.find(item.owner);
            bool watched = owner != state_.nodes.end() && owner->second.watchdog.count() > 0;
            over(item,
                 !assumed  ? proof_kind::halted
                 : watched ? proof_kind::lease_expired
                           : proof_kind::assumed,
                 reason);
            break;
        }
    }
}

void fold::on(const service_restarted& body) {
    auto* item = generation(body.package, body.generation);
    if (item != nullptr) item->restarts[body.service] = body.count;
}

// ---- what an administrator asks ------------------------------------------------------------------

// The node by name if the package may be sent there now; else refused with the reason.
node_id fold::destination(const std::string& name, const package_state& item, const std::string& node) {
    auto id = state_.find_node(node);
    const auto* config = state_.find_package(name);
    if (!id || config == nullptr) {
        refuse("there is no node " + node + " in the configuration");
        return {};
    }
    auto list = state_.node_list(*config);
    if (std::find(list.begin(), list.end(), id) == list.end()) {
        refuse("node " + node + " is not in the node list of package " + name);
    } else if (state_.halted) {
        refuse("the cluster is halted: hactl cluster run");
    } else if (!state_.may_host(id)) {
        const auto& found = state_.nodes[id];
        refuse("node " + node + " can't run packages: it is " +
               (found.halted       ? "halted"
                : found.power_away ? "on battery"
                                   : to_string(found.status)));
    } else if (item.node_off.contains(id)) {
        refuse("package " + name + " is disabled on " + node + " (" + item.node_off.at(id).reason +
               "): hactl package enable " + name + " --node " + node);
    } else {
        return id;
    }
    return {};
}

// True when a node of the list could take the package; else refused.
bool fold::somewhere(const std::string& name, const package_state& item, node_id except) {
    const auto* config = state_.find_package(name);
    if (config != nullptr)
        for (node_id node : state_.node_list(*config))
            if (node != except && state_.may_host(node) && !item.node_off.contains(node)) return true;
    refuse("no " + std::string(except ? "other " : "") + "node of the node list of package " + name +
           " can run it: hactl explain " + name);
    return false;
}

void fold::on(const package_run& body) {
    auto* item = package(body.package);
    if (item == nullptr) return;
    if (item->active())
        return refuse("package " + body.package + " is " + to_string(item->phase) + " on " +
                      state_.node_name(item->owner));
    if (state_.halted) return refuse("the cluster is halted: hactl cluster run");
    if (body.node.empty()) {
        if (!somewhere(body.package, *item, node_id{})) return;
        item->target_any = true;
    } else {
        auto id = destination(body.package, *item, body.node);
        if (!id) return;
        item->target = id;
    }
    item->asked_by = item_.actor;
}

void fold::on(const package_stop& body) {
    auto* item = package(body.package);
    if (item == nullptr) return;
    if (!item->active() && !item->target && !item->target_any && !item->switching)
        return refuse("package " + body.package + " is halted already");
    item->switching = false;  // SG 4.8: cmhaltpkg disables AUTO_RUN
    item->switching_by = by("package halt");
    item->target = item->avoid = node_id{};
    item->target_any = false;
    if (item->active()) item->stop_asked_by = item_.actor;
    if (item->phase == package_phase::halt_failed) item->phase = package_phase::halting;  // try again
}

void fold::on(const package_move& body) {
    auto* item = package(body.package);
    if (item == nullptr) return;
    if (!item->active()) return refuse("package " + body.package + " is down: hactl package start " + body.package);
    if (item->phase == package_phase::halting || item->phase == package_phase::halt_failed)
        return refuse("package " + body.package + " is " + to_string(item->phase));
    if (body.node.empty()) {
        if (!somewhere(body.package, *item, item->owner)) return;
        item->avoid = item->owner;
        item->target_any = true;
    } else {
        auto id = destination(body.package, *item, body.node);
        if (!id) return;
        if (id == item->owner) return refuse("package " + body.package + " runs on " + body.node + " already");
        item->target = id;
    }
    item->asked_by = item_.actor;
}

void fold::on(const package_switching& body) {
    auto* item = package(body.package);
    if (item == nullptr) return;
    auto reason = std::string("package ") + (body.enabled ? "enable" : "disable");
    if (body.node.empty()) {
        item->switching = body.enabled;
        item->switching_by = by(reason);
        return;
    }
    auto id = state_.find_node(body.node);
    if (!id) return refuse("there is no node " + body.node + " in the configuration");
    if (body.enabled) {
        item->node_off.erase(id);
    } else {
        item->node_off[id] = by(reason);
    }
}

}  // namespace mainstay::cluster
