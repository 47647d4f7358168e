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
    if (link != relay_link) known.heard_direct = now;
    return true;
}

bool peers::beat_heard(node_id from, const beat& item, time_point sent, time_point now) {
    auto& known = peers_[from];
    if (sent <= known.echo) return false;
    known.watchdog.reset();
    if (item.life) {
        known.store = item.life->store;
        known.kernel = item.life->kernel;
        known.feature_level = item.life->feature_level;
        known.watchdog = item.life->watchdog;
    }
    known.echo = sent;
    known.echo_received = now;
    known.last = item;
    known.last_received = now;
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

time_point peers::witnesses_until(node_id witness, node_id node, boot_id boot, duration limit) const {
    const auto* known = find(witness);
    if (known == nullptr || known->heard == time_point::min()) return time_point::min();
    for (const auto& entry : known->last.heard)
        if (entry.node == node && entry.boot >= boot)
            return std::min(known->heard, known->last_received - std::chrono::milliseconds(entry.age_ms)) + limit;
    return time_point::min();
}

bool peers::direct(node_id node, time_point now, duration limit) const {
    const auto* known = find(node);
    return known != nullptr && known->heard_direct != time_point::min() && now - known->heard_direct <= limit;
}

bool peers::direct_to(node_id witness, node_id node, duration limit) const {
    const auto* known = find(witness);
    if (known == nullptr) return false;
    for (const auto& entry : known->last.heard)
        if (entry.node == node) return entry.direct && std::chrono::milliseconds(entry.age_ms) <= limit;
    return false;
}

std::vector<heard_entry> peers::entries(time_point now, duration direct_limit) const {
    std::vector<heard_entry> list;
    list.reserve(peers_.size());
    for (const auto& [node, known] : peers_) {
        if (known.echo == time_point::min()) continue;
        auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - known.heard).count();
        list.push_back({node, known.boot, known.echo,
                        static_cast<std::uint32_t>(std::clamp<std::int64_t>(age, 0, age_max_ms)),
                        direct(node, now, direct_limit)});
    }
    return list;
}

}  // namespace mainstay::node
