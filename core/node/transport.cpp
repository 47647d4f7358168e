// Datagrams in and out: who is heard, beats and what they acknowledge, fragments.
#include <algorithm>

#include "model/mutation.hpp"
#include "node/node.hpp"

namespace mainstay::node {

namespace {

// Below every common MTU with room for sealing; a serial line needs pieces that don't hold up beats.
// The serial ones fit the plugin's default frames (a quarter second of line, at least 192 bytes).
constexpr std::size_t piece_network = 1200;
constexpr std::size_t piece_serial = 160;
constexpr std::size_t piece_slow_serial = 76;
constexpr duration frame_of_slow{150'000};

std::size_t piece_size(const cluster_config& cluster) {
    auto size = piece_network;
    for (const auto& link : cluster.heartbeats) {
        if (link.plugin != "heartbeat-serial") continue;
        size = std::min(size, timing_of(cluster, link).frame > frame_of_slow ? piece_slow_serial : piece_serial);
    }
    return size;
}

// Nearly all are small beats: one allocation for each.
bytes datagram_of(const envelope& item) {
    constexpr std::size_t usual = 200;
    bytes out;
    out.reserve(usual);
    codec::writer(out).put(item);
    return out;
}

}  // namespace

void node::handle(const datagram& item) {
    auto opened = open_datagram(item.data);
    if (!opened) {
        ++dropped_;
        return;
    }
    receive(*opened, item.link);
    if (std::holds_alternative<beat>(opened->message.body)) pass_on(opened->message.from, item.data);
}

void node::receive(const opened& item, const std::string& link) {
    const auto& message = item.message;
    if (const auto* hello = std::get_if<form_hello>(&message.body)) return on_hello(*hello, message.boot);
    if (const auto* offer = std::get_if<join_offer>(&message.body)) return on_offer(*offer);
    if (const auto* founding = std::get_if<form_log>(&message.body)) return on_form_log(*founding);
    const auto* piece = std::get_if<fragment>(&message.body);
    auto ours = cluster_name();
    if (piece != nullptr && !ours) return on_fragment(message, *piece, link);  // of founding entries
    if (!ours && about_programs(message.body)) return;
    bool stranger = !ours || message.cluster != ours || message.from == self_ || !message.from ||
                    (state_.formed() && !state_.nodes.contains(message.from));
    if (stranger || !peers_.heard(message.from, message.boot, link, at_.now)) {
        ++dropped_;
        return;
    }
    note_lineage(message.lineage);
    if (const auto* heard = std::get_if<beat>(&message.body)) {
        on_beat(message.from, *heard, item.sent);
    } else if (const auto* said = std::get_if<consensus::message>(&message.body)) {
        raft_.receive(message.from, *said, at_.now);
    } else if (const auto* asked = std::get_if<submit>(&message.body)) {
        if (raft_.leads()) accept(asked->commands);
    } else if (piece != nullptr) {
        on_fragment(message, *piece, link);
    } else if (const auto* passed = std::get_if<relay>(&message.body)) {
        on_relay(*passed, link);
    } else {
        about_programs(message.body);
    }
}

// D5: who is heard by a majority is relayed to, not shot. One hop, and only beats and what is
// addressed to a node that its sender can't reach.
void node::pass_on(node_id from, const bytes& data) {
    if (mutated(mutation::fence_what_majority_hears)) return;
    auto limit = times_.member_timeout / 2;
    if (!peers_.direct(from, at_.now, limit)) return;
    for (const auto& [other, known] : peers_.all()) {
        if (other == from || !peers_.direct(other, at_.now, limit) || peers_.direct_to(other, from, limit)) continue;
        out_.add(send{state_.node_name(other), datagram_of(wrap(relay{other, data}))});
    }
}

void node::on_relay(const relay& item, const std::string& link) {
    if (item.to != self_) {
        if (link == relay_link || !state_.nodes.contains(item.to)) return;
        out_.add(send{state_.node_name(item.to), datagram_of(wrap(item))});
        return;
    }
    auto inner = open_datagram(item.data);
    if (!inner || std::holds_alternative<relay>(inner->message.body)) {
        ++dropped_;
        return;
    }
    receive(*inner, relay_link);
}

// The name to send to: the node itself, or one that hears both when it can't hear us or we it.
node_id node::next_hop(node_id to) const {
    auto limit = times_.member_timeout / 2;
    bool reaches = peers_.direct(to, at_.now, limit) && peers_.direct_to(to, self_, limit);
    const auto* known = peers_.find(to);
    if (reaches || known == nullptr || known->echo == time_point::min()) return to;
    for (const auto& [other, heard] : peers_.all())
        if (other != to && peers_.direct(other, at_.now, limit) && peers_.direct_to(other, to, limit)) return other;
    return to;
}

envelope node::wrap(wire_body body) const { return {cluster_name(), self_, boot_, state_.lineage(), std::move(body)}; }

// R5: a history that was certified without us. Until our own log contains it this node neither votes nor stands.
void node::note_lineage(std::uint64_t heard) {
    auto known = [this](std::uint64_t lineage) {
        return lineage == 0 || std::any_of(state_.lineages.begin(), state_.lineages.end(),
                                           [lineage](const auto& item) { return item.first == lineage; });
    };
    if (foreign_lineage_ != 0 && known(foreign_lineage_)) foreign_lineage_ = 0;
    if (known(heard) || heard == foreign_lineage_ || !state_.formed()) return;
    foreign_lineage_ = heard;
    out_.say("error",
             "a history certified without this node is heard: it has no vote until it has caught up, or an "
             "administrator resets it (hactl node reset)");
}

void node::on_fragment(const envelope& around, const fragment& piece, const std::string& link) {
    auto whole = fragments_.add(around.from, around.boot, piece);
    if (!whole) return;
    auto inner = open_datagram(*whole);
    // A relay is put around each fragment, never inside: nesting would have no end.
    bool nested = inner && (std::holds_alternative<fragment>(inner->message.body) ||
                            std::holds_alternative<relay>(inner->message.body));
    if (!inner || nested) {
        ++dropped_;
        return;
    }
    receive(*inner, link);
}

void node::on_beat(node_id from, const beat& item, time_point sent) {
    if (!peers_.beat_heard(from, item, sent, at_.now)) return;
    auto echo = peers_.echoed(from, self_, boot_);
    raft_.beat_heard(from, {item.term, item.leader, item.commit, echo, store_of(from)}, at_.now);
    if (echo == time_point::min() || echo > at_.now) return;
    // R6: our lease is dated by our own send time of what the leader of our term acknowledged.
    if (item.leader && item.acknowledges && item.term == raft_.current_term())
        lease_.acknowledged(item.term, mutated(mutation::date_by_arrival) ? at_.now : echo, item.lease,
                            item.newest_package_entry);
}

void node::transmit(const std::string& to, wire_body body) {
    auto target = state_.find_node(to);
    auto hop = target ? next_hop(target) : target;
    auto add = [&](bytes data) {
        if (hop == target) return out_.add(send{to, std::move(data)});
        out_.add(send{state_.node_name(hop), datagram_of(wrap(relay{target, std::move(data)}))});
    };
    auto data = datagram_of(wrap(std::move(body)));
    auto limit = piece_size(state_.config.cluster);
    if (data.size() <= limit) return add(std::move(data));
    for (auto& piece : split(next_whole_++, data, limit - 32)) add(datagram_of(wrap(std::move(piece))));
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
    if (!cluster_name()) {
        out.data = datagram_of(envelope{{}, {}, boot_, 0, form_hello{name_, store_, kernel_, feature_level_}});
        out_.add(std::move(out));
        return;
    }
    beat item;
    if (life_to_tell()) item.life = own_life{store_, kernel_, watchdog_, feature_level_};
    item.term = raft_.stable_term();
    item.leader = raft_.leads() && raft_.stable_term() == raft_.current_term();
    item.acknowledges = item.leader && raft_.may_decide() && raft_.quorate(at_.now);
    item.commit = raft_.commit();
    item.lease = times_.lease;
    item.heard = peers_.entries(at_.now, times_.member_timeout / 2);
    if (item.leader && !mutated(mutation::lease_names_no_entry)) item.newest_package_entry = newest_package_entry();
    if (item.acknowledges) {
        // A lease runs from when the acknowledged beat was sent, which was before it came in. Who is silent is named
        // by every beat still, and gets nothing from it.
        for (const auto& [id, known] : peers_.all())
            if (known.echo != time_point::min())
                acknowledged_at_[id] = std::max(acknowledged_at_[id], known.echo_received);
        auto contact = raft_.quorum_contact(at_.now);
        lease_.acknowledged(raft_.current_term(), contact, times_.lease, item.newest_package_entry);
    }
    // A new leader's first acknowledgement lets the others start packages; so does a new term's beat
    // let it count contacts.
    out.urgent = item.leader != told_leader_ || item.acknowledges != told_acknowledges_;
    told_leader_ = item.leader;
    told_acknowledges_ = item.acknowledges;
    out.data = datagram_of(wrap(std::move(item)));
    out_.add(std::move(out));
}

}  // namespace mainstay::node
