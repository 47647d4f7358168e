// Datagrams in and out: who is heard, beats and what they acknowledge, fragments.
#include <algorithm>

#include "node/node.hpp"

namespace mainstay::node {

namespace {

// Below every common MTU with room for sealing; a serial line needs pieces that don't hold up beats.
constexpr std::size_t piece_network = 1200;
constexpr std::size_t piece_serial = 160;

std::size_t piece_size(const cluster_config& cluster) {
    for (const auto& link : cluster.heartbeats)
        if (link.plugin == "heartbeat-serial") return piece_serial;
    return piece_network;
}

}  // namespace

void node::handle(const datagram& item) {
    auto opened = open_datagram(item.data);
    if (!opened) {
        ++dropped_;
        return;
    }
    receive(*opened, item.link);
}

void node::receive(const opened& item, const std::string& link) {
    const auto& message = item.message;
    if (const auto* hello = std::get_if<form_hello>(&message.body)) return on_hello(*hello);
    if (const auto* founding = std::get_if<form_log>(&message.body)) return on_form_log(*founding);
    const auto* piece = std::get_if<fragment>(&message.body);
    if (piece != nullptr && !state_.formed()) return on_fragment(message.from, *piece, link);  // of founding entries
    bool stranger = !state_.formed() || message.cluster != state_.cluster || message.from == self_ ||
                    !state_.nodes.contains(message.from);
    if (stranger || !peers_.heard(message.from, message.boot, link, at_.now)) {
        ++dropped_;
        return;
    }
    if (const auto* heard = std::get_if<beat>(&message.body)) {
        on_beat(message.from, *heard, item.sent);
    } else if (const auto* said = std::get_if<consensus::message>(&message.body)) {
        raft_.receive(message.from, *said, at_.now);
    } else if (const auto* asked = std::get_if<submit>(&message.body)) {
        if (raft_.leads()) accept(asked->commands);
    } else if (piece != nullptr) {
        on_fragment(message.from, *piece, link);
    }
}

void node::on_fragment(node_id from, const fragment& piece, const std::string& link) {
    auto whole = fragments_.add(from, piece);
    if (!whole) return;
    auto inner = open_datagram(*whole);
    if (!inner || std::holds_alternative<fragment>(inner->message.body)) {
        ++dropped_;
        return;
    }
    receive(*inner, link);
}

void node::on_beat(node_id from, const beat& item, time_point sent) {
    if (!peers_.beat_heard(from, item, sent, at_.now)) return;
    auto echo = peers_.echoed(from, self_, boot_);
    raft_.beat_heard(from, {item.term, item.leader, item.commit, echo}, at_.now);
    if (echo == time_point::min() || echo > at_.now) return;
    // R6: our lease is dated by our own send time of what the leader of our term acknowledged.
    if (item.leader && item.acknowledges && item.term == raft_.current_term())
        lease_.acknowledged(item.term, echo, item.lease, item.newest_package_entry);
}

void node::transmit(const std::string& to, wire_body body) {
    envelope whole{state_.cluster, self_, boot_, std::move(body)};
    auto data = encode(whole);
    auto limit = piece_size(state_.config.cluster);
    if (data.size() <= limit) {
        out_.add(send{to, std::move(data)});
        return;
    }
    for (auto& piece : split(next_whole_++, data, limit - 32))
        out_.add(send{to, encode(envelope{state_.cluster, self_, boot_, std::move(piece)})});
}

log_index node::newest_package_entry() const {
    auto newest = state_.newest_package_entry;
    for (auto i = state_.applied.value + 1; i <= raft_.last_index().value; ++i) {
        const auto* data = std::get_if<consensus::payload>(&raft_.at(log_index{i}).body);
        if (data == nullptr) continue;
        auto item = decode<cluster::command>(data->data);
        if (!item || cluster::is_package_entry(*item)) newest = log_index{i};
    }
    return newest;
}

void node::publish() {
    publish_beat out;
    out.period = times_.heartbeat_interval;
    out.stale_after = times_.member_timeout / 2;
    if (!state_.formed()) {
        out.data = encode(envelope{{}, {}, boot_, form_hello{name_, store_}});
        out_.add(std::move(out));
        return;
    }
    beat item;
    item.store = store_;
    item.term = raft_.stable_term();
    item.leader = raft_.leads() && raft_.stable_term() == raft_.current_term();
    item.acknowledges = item.leader && raft_.may_decide() && raft_.quorate(at_.now);
    item.commit = raft_.commit();
    item.lease = times_.lease;
    item.heard = peers_.entries();
    if (item.leader) item.newest_package_entry = newest_package_entry();
    if (item.acknowledges) {
        for (const auto& entry : item.heard) acknowledged_at_[entry.node] = at_.now;
        auto contact = raft_.quorum_contact(at_.now);
        lease_.acknowledged(raft_.current_term(), contact, times_.lease, item.newest_package_entry);
    }
    // A new leader's first acknowledgement lets the others start packages; so does a new term's beat
    // let it count contacts.
    out.urgent = item.leader != told_leader_ || item.acknowledges != told_acknowledges_;
    told_leader_ = item.leader;
    told_acknowledges_ = item.acknowledges;
    out.data = encode(envelope{state_.cluster, self_, boot_, std::move(item)});
    out_.add(std::move(out));
}

}  // namespace mainstay::node
