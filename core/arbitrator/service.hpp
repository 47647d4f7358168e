// One datagram in, at most one out: what mainstay-arbitrator does between its sockets and its records.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "arbitrator/records.hpp"

namespace mainstay::arbitrator {

using key_ring = std::map<key_id, secret::key>;

class service {
public:
    using clock = std::chrono::steady_clock;

    service(records kept, key_ring keys) : kept_(std::move(kept)), keys_(std::move(keys)) {}

    void set_keys(key_ring keys) { keys_ = std::move(keys); }
    // Nothing where the datagram deserves no answer. An error: a record is not safe, the program has to end.
    [[nodiscard]] result<std::optional<bytes>> handle(std::string_view datagram, clock::time_point now);
    [[nodiscard]] const counters& counts() const { return counts_; }

private:
    [[nodiscard]] result<reply> answer(const question& asked, const key_id& key, clock::time_point now);
    [[nodiscard]] result<void> decide(const question& asked, const key_id& key, reply& out);
    void report(const key_id& key, clock::time_point now, reply& out) const;
    [[nodiscard]] std::size_t clusters_of(const std::string& key) const;

    struct contact {
        node_id node;
        clock::time_point when;
    };
    records kept_;
    key_ring keys_;
    counters counts_;
    std::map<cluster_id, contact> contacts_;
};

}  // namespace mainstay::arbitrator
