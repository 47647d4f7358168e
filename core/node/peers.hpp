// Who hears whom: when each other node was last heard by us, and what its beats say it hears.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/wire.hpp"

namespace mainstay::node {

struct peer {
    boot_id boot;  // newest life heard
    store_id store;
    std::uint64_t kernel = 0;
    std::uint32_t feature_level = 0;
    std::optional<duration> watchdog;              // as its newest beat tells; nothing when that leaves it out
    time_point heard = time_point::min();          // our clock, any datagram of that life
    time_point heard_direct = time_point::min();   // the same, not through another node
    std::map<std::string, time_point> links;       // the same per link
    time_point echo = time_point::min();           // send time of its newest beat, its clock
    time_point echo_received = time_point::min();  // our clock
    beat last;                                     // its newest beat
    time_point last_received = time_point::min();  // our clock
    static void fields(auto& self, auto&& visit) {
        visit("boot", self.boot);
        visit("store", self.store);
        visit("kernel", self.kernel);
        visit("feature_level", self.feature_level);
        visit("watchdog", self.watchdog);
        visit("heard", self.heard);
        visit("heard_direct", self.heard_direct);
        visit("links", self.links);
        visit("echo", self.echo);
        visit("echo_received", self.echo_received);
        visit("last", self.last);
        visit("last_received", self.last_received);
    }
};

// Link name under which relayed datagrams are heard.
inline constexpr const char* relay_link = "relay";

// Who of the voters hears a node, by their own words.
struct hearing {
    bool by_majority = false;       // it is never shot (invariant 5)
    bool majority_is_deaf = false;  // and says so itself, lately
    time_point changes = never;     // when the first of those words is too old, if nothing more comes
};

class peers {
public:
    // False for a datagram of an older life than one already heard: it counts for nothing.
    bool heard(node_id from, boot_id boot, const std::string& link, time_point now);
    // A beat in order; false when an equal or newer one was seen (another link's copy).
    bool beat_heard(node_id from, const beat& item, time_point sent, time_point now);

    [[nodiscard]] const peer* find(node_id node) const;
    [[nodiscard]] bool silent(node_id node, boot_id boot, time_point now, duration limit) const;
    // Our send time of the newest beat of this life of ours that the peer had heard; min = none.
    [[nodiscard]] time_point echoed(node_id node, node_id self, boot_id own) const;
    // Until when it counts, if nothing more comes, that `witness`, itself heard within `limit`, says that it heard this
    // life of `node` (or a newer one) within `limit`; min = it does not say so.
    [[nodiscard]] time_point witnesses_until(node_id witness, node_id node, boot_id boot, duration limit) const;
    // Directly heard by us within `limit`.
    [[nodiscard]] bool direct(node_id node, time_point now, duration limit) const;
    // `witness` said lately that it hears `node` directly.
    [[nodiscard]] bool direct_to(node_id witness, node_id node, duration limit) const;
    [[nodiscard]] std::vector<heard_entry> entries(time_point now, duration direct_limit) const;
    [[nodiscard]] const std::map<node_id, peer>& all() const { return peers_; }

    static void fields(auto& self, auto&& visit) { visit("peers", self.peers_); }

private:
    std::map<node_id, peer> peers_;
};

}  // namespace mainstay::node
