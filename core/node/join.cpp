// An empty store comes into a cluster that exists: as a learner, until a voter set names it (R7, "Two lives").
#include <algorithm>

#include "node/node.hpp"

namespace mainstay::node {

void node::offer_membership(node_id id, const form_hello& item, boot_id heard) {
    if (!raft_.may_decide() || stopped_applying_) return;
    join_offer offer;
    offer.cluster = state_.cluster;
    offer.node = id;
    offer.store = item.store;
    for (const auto& [other, known] : state_.nodes) offer.names.emplace_back(other, known.name);
    const auto& known = state_.nodes.at(id);
    offer.machine = std::max(known.boot.machine, heard.machine);
    const auto* peer = peers_.find(id);
    if (peer != nullptr) offer.machine = std::max(offer.machine, peer->boot.machine);
    // A life that never was in the log was heard by others: who knows a newer one is deaf to what comes with this
    // number.
    for (const auto& [other, witness] : peers_.all())
        for (const auto& entry : witness.last.heard)
            if (entry.node == id) offer.machine = std::max(offer.machine, entry.boot.machine);
    // And it may have had its say in the log all the same.
    if (auto said = accepted_.find(id); said != accepted_.end())
        offer.machine = std::max(offer.machine, said->second.first.machine);
    offer.machine += 1;
    // A store can be lost while the machine, and packages on it, live on. Only a new life of the kernel shows
    // that they do not.
    if (known.boot && known.kernel == item.kernel)
        offer.refusal = "the store of " + item.name + " was lost while the machine kept running: restart the machine";
    if (item.feature_level < state_.feature_level)
        offer.refusal = "the cluster is at feature level " + std::to_string(state_.feature_level) + ", " + item.name +
                        " reads " + std::to_string(item.feature_level) + ": install the newer version";
    transmit(item.name, std::move(offer));
}

void node::on_offer(const join_offer& item) {
    if (state_.formed() || local_.joined || raft_.last_index().value > 0 || item.store != store_ || !item.node) return;
    if (!item.refusal.empty()) {
        if (join_refused_ != item.refusal) out_.say("error", item.refusal);
        join_refused_ = item.refusal;
        return;
    }
    if (!guard_known_) return;
    if (!living_.empty()) {
        join_refused_ = "processes of packages still run here and the store knows nothing of them: restart the machine";
        return;
    }
    join_refused_.clear();
    local_.joined = cluster_membership{item.cluster, item.node, item.names};
    join_boot_ = {item.machine, boot_.incarnation};
    store next;
    next.local = encode(local_);
    next.boot = join_boot_;
    out_.add(std::move(next));
    stores_open_.push_back(false);
    join_after_store_ = ++stores_made_;
}

// The new counter is durable: from the next packet on this is that node.
void node::joined() {
    join_after_store_ = 0;
    self_ = local_.joined->self;
    boot_ = join_boot_;
    raft_ = consensus::raft({self_, store_}, {}, raft_timing(times_), seed_, at_.now);
    raft_.join();
    out_.say("info", "taken into the cluster as a learner, boot " + std::to_string(boot_.machine) + "." +
                         std::to_string(boot_.incarnation));
}

mainstay::cluster_id node::cluster_name() const {
    if (state_.formed()) return state_.cluster;
    return local_.joined && join_after_store_ == 0 ? local_.joined->cluster : mainstay::cluster_id{};
}

std::string node::name_of(node_id other) const {
    if (state_.formed() || !local_.joined) return state_.node_name(other);
    for (const auto& [id, name] : local_.joined->names)
        if (id == other) return name;
    return {};
}

}  // namespace mainstay::node
