#include "node/peers.hpp"

#include <algorithm>

namespace mainstay::node {

bool peers::heard(node_id from, boot_id boot, const std::string& link, time_point now) {
    auto& known = peers_[from];
    if (boot < known.boot) return false;
    if (known.boot < boot) known = peer{};
    known.boot = boot;
    known.heard = now;
    known.links[link] = now;
    return true;
}

bool peers::beat_heard(node_id from, const beat& item, time_point sent, time_point now) {
    auto& known = peers_[from];
    if (sent <= known.echo) return false;
    known.store = item.store;
    known.echo = sent;
    known.echo_received = now;
    known.last = item;
    known.last_sent = sent;
    return true;
}

const peer* peers::find(node_id node) const {
    auto found = peers_.find(node);
    return found == peers_.end() ? nullptr : &found->second;
}

bool peers::silent(node_id node, boot_id boot, time_point now, duration limit) const {
    const auto* known = find(node);
    return known == nullptr || known->boot < boot || known->heard == time_point::min() || now - known->heard > limit;
}

time_point peers::echoed(node_id node, node_id self, boot_id own) const {
    const auto* known = find(node);
    if (known == nullptr) return time_point::min();
    for (const auto& entry : known->last.heard)
        if (entry.node == self && entry.boot == own) return entry.echo;
    return time_point::min();
}

bool peers::witnesses(node_id witness, node_id node, boot_id boot, time_point now, duration limit) const {
    const auto* known = find(witness);
    if (known == nullptr || known->heard == time_point::min() || now - known->heard > limit) return false;
    for (const auto& entry : known->last.heard)
        if (entry.node == node && entry.boot >= boot && known->last_sent - entry.received <= limit) return true;
    return false;
}

std::vector<heard_entry> peers::entries() const {
    std::vector<heard_entry> list;
    for (const auto& [node, known] : peers_)
        if (known.echo != time_point::min()) list.push_back({node, known.boot, known.echo, known.echo_received});
    return list;
}

}  // namespace mainstay::node
