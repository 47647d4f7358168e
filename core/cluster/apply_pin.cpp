// Pins: an administrator wants a package on one node and nowhere else, for a time or until further notice. A pin says
// where the package may be started; what runs elsewhere goes on until it is moved, halted or fails.
#include <algorithm>

#include "cluster/fold.hpp"
#include "cluster/newer_keywords.hpp"

namespace mainstay::cluster {

void fold::on(const package_pin& body) {
    const auto& name = body.package;
    if (auto wrong = against_newer_command(state_, body); !wrong.empty()) return refuse(wrong);
    const auto* config = name.find('@') == std::string::npos ? state_.find_package(name) : nullptr;
    if (config == nullptr) return refuse("there is no package " + name + " in the configuration");
    if (config->everywhere())
        return refuse("package " + name + " runs on several nodes at once: pins are for failover packages");
    auto* item = package(name);
    if (item == nullptr) return;
    if (body.node.empty()) return unpin(body);
    if (auto wrong = against_reason(body.reason); !wrong.empty()) return refuse(wrong);
    auto node = state_.find_node(body.node);
    if (!node) return refuse("there is no node " + body.node + " in the configuration");
    auto list = state_.candidates(name, *config);
    if (std::find(list.begin(), list.end(), node) == list.end())
        return refuse("node " + body.node + " is not in the node list of package " + name);
    if (auto wrong = state_.against_pin(name, node); !wrong.empty())
        return refuse("package " + name + " can't be pinned to " + body.node + ": " + wrong);
    if (item->maintained && item->maintained->node != node)
        return refuse("package " + name + " is in maintenance on " + state_.node_name(item->maintained->node) +
                      ": hactl package maintenance off " + name);
    state_.pins[name] = pin{node, by(body.reason), body.until};
    // The newest word counts: a start or a move to another node is taken back. What it starts on is left alone.
    bool begun = item->phase == package_phase::starting && item->target == item->owner;
    if (item->target && item->target != node && !begun) {
        item->target = node_id{};
        item->target_any = true;
    }
    if (item->avoid == node) item->avoid = node_id{};
}

void fold::unpin(const package_pin& body) {
    const auto* held = state_.find_pin(body.package);
    if (held == nullptr) return refuse("package " + body.package + " is not pinned");
    // Another one than the leader saw: its time is not over.
    if (body.until && held->until != body.until) return refuse("that pin of package " + body.package + " is over");
    state_.pins.erase(body.package);
}

void fold::prune_pins() {
    std::erase_if(state_.pins, [this](const auto& item) {
        const auto* config = state_.find_package(item.first);
        if (config == nullptr || config->everywhere()) return true;
        auto list = state_.candidates(item.first, *config);
        return std::find(list.begin(), list.end(), item.second.node) == list.end();
    });
}

}  // namespace mainstay::cluster
