// Folding what is about detached nodes (SG 7.4).
#include <algorithm>
#include <vector>

#include "cluster/fold.hpp"
#include "cluster/newer_keywords.hpp"

namespace mainstay::cluster {

// Nothing is in the middle of something, where nobody would bring it to its end.
std::string fold::against_detaching(node_id id) const {
    const auto& node = state_.nodes.at(id);
    if (state_.is_detached(id)) return "node " + node.name + " is detached already";
    if (node.status != node_status::up) return "node " + node.name + " is " + to_string(node.status);
    if (state_.too_old(id)) return "node " + node.name + " is too old for the cluster's feature level";
    if (node.halted) return "node " + node.name + " is halted: it runs nothing that could be detached";
    if (state_.halted) return "the cluster is halted: hactl cluster run";
    if (node.power_away) return "node " + node.name + " is on battery and gives its packages away";
    if (!node.fence_asked_by.empty()) return "node " + node.name + " is about to be fenced";
    for (const auto& [name, item] : state_.packages) {
        if (item.maintained && item.maintained->node == id)
            return "package " + name + " is in maintenance on " + node.name + ": hactl package maintenance off " + name;
        if (!item.active() || item.owner != id) continue;
        if (item.phase == package_phase::halt_failed)
            return "package " + name + " failed to halt on " + node.name +
                   ": clean up there, then hactl package halt " + package_of(name);
        if (item.phase != package_phase::running || item.failing || !item.stop_asked_by.empty() || item.target ||
            item.avoid)
            return "package " + name + " is " +
                   (item.phase == package_phase::running ? "about to leave" : to_string(item.phase)) + " on " +
                   node.name + ": wait until it is through";
    }
    return {};
}

std::vector<node_id> fold::named_or_all(const std::string& name) {
    std::vector<node_id> list;
    if (name.empty()) {
        for (const auto& [id, node] : state_.nodes) list.push_back(id);
    } else if (auto id = state_.find_node(name)) {
        list.push_back(id);
    } else {
        refuse("there is no node " + name + " in the configuration");
    }
    return list;
}

bool fold::has_nothing_to_detach(node_id id) const {
    const auto& node = state_.nodes.at(id);
    bool runs = std::any_of(state_.packages.begin(), state_.packages.end(),
                            [id](const auto& item) { return item.second.active() && item.second.owner == id; });
    return state_.is_detached(id) || (!runs && (node.status != node_status::up || node.halted));
}

void fold::on(const node_detach& body) {
    if (auto wrong = against_newer_command(state_, body); !wrong.empty()) return refuse(std::move(wrong));
    if (auto wrong = against_reason(body.reason); !wrong.empty()) return refuse(std::move(wrong));
    auto list = named_or_all(body.node);
    // Of a whole cluster those that run nothing and are not there have nothing to detach.
    if (body.node.empty()) std::erase_if(list, [this](node_id id) { return has_nothing_to_detach(id); });
    if (list.empty() && outcome_.accepted) return refuse("there is no node that could be detached");
    for (auto id : list)
        if (auto wrong = against_detaching(id); !wrong.empty()) return refuse(std::move(wrong));
    for (auto id : list) {
        state_.detached[id] = {by(body.reason), index_, false, {}};
        touch_packages_of(id);
    }
}

void fold::on(const node_attach& body) {
    auto list = named_or_all(body.node);
    if (list.empty()) return;
    if (body.node.empty()) std::erase_if(list, [this](node_id id) { return !state_.is_detached(id); });
    if (list.empty()) return refuse("no node is detached");
    if (!body.node.empty() && !state_.is_detached(list.front()))
        return refuse("node " + body.node + " is not detached");
    for (auto id : list) {
        state_.detached[id].attach_asked_by = item_.actor;
        touch_packages_of(id);
    }
}

// From a life that is over it says nothing: the one after it may not hold to its lease yet.
void fold::on(const detachment_report& body) {
    auto* node = life(body.node, body.boot);
    if (node == nullptr) return;
    auto found = state_.detached.find(body.node);
    if (found == state_.detached.end() || found->second.since != body.detachment)
        return refuse("that detachment of node " + node->name + " is over already");
    if (!body.attached) {
        found->second.let_go = true;
        return;
    }
    if (found->second.attach_asked_by.empty()) return refuse("node " + node->name + " was not asked to attach");
    state_.detached.erase(found);
    touch_packages_of(body.node);
}

// Where no device and no boot will ever prove it: an administrator's promise, as with certify-down (R5).
void fold::on(const certify_detached& body) {
    auto id = state_.find_node(body.node);
    if (!id) return refuse("there is no node " + body.node + " in the configuration");
    const auto& node = state_.nodes.at(id);
    if (!state_.is_detached(id)) return refuse("node " + body.node + " is not detached");
    if (node.status == node_status::up) return refuse("node " + body.node + " is heard: it is not off");
    proven_dead(state_, outcome_, id, node.boot, proof_kind::certified, by("certified to be off by " + item_.actor));
}

}  // namespace mainstay::cluster
