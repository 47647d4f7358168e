#include "arbitrator/service.hpp"

#include <sodium.h>

namespace mainstay::arbitrator {

namespace {

// A key that got into wrong hands must not fill the disk.
constexpr std::size_t clusters_per_key = 64;
constexpr std::size_t sealing_bytes = 64;

store_id random_store() {
    store_id out;
    while (!out) randombytes_buf(&out.value, sizeof out.value);
    return out;
}

std::string text_of(const key_id& key) { return {key.data(), key.size()}; }

}  // namespace

result<std::optional<bytes>> service::handle(std::string_view datagram, clock::time_point now) {
    ++counts_.received;
    auto named = sealed_with(datagram, direction::to_server);
    auto key = named ? keys_.find(*named) : keys_.end();
    if (key == keys_.end()) {
        ++counts_.unknown_key;
        return std::optional<bytes>{};
    }
    auto body = unseal(key->second, direction::to_server, datagram);
    if (!body) {
        ++counts_.forged;
        return std::optional<bytes>{};
    }
    auto asked = decode<question>(*body);
    if (!asked) {
        ++counts_.senseless;
        return std::optional<bytes>{};
    }
    auto out = answer(*asked, key->first, now);
    if (!out) return tl::make_unexpected(out.error());
    return std::optional<bytes>{seal(key->second, direction::to_node, encode(*out))};
}

result<reply> service::answer(const question& asked, const key_id& key, clock::time_point now) {
    reply out;
    out.id = asked.id;
    if (asked.what == question::kind::status) {
        report(key, now, out);
        return out;
    }
    auto done = decide(asked, key, out);
    if (!done) return tl::make_unexpected(done.error());
    if (out.problem.empty()) contacts_[asked.call.request.cluster] = {asked.call.node, now};
    return out;
}

result<void> service::decide(const question& asked, const key_id& key, reply& out) {
    const auto& request = asked.call.request;
    auto found = kept_.all().find(request.cluster);
    kept_record item;
    bool fresh = found == kept_.all().end();
    if (!fresh) {
        item = found->second;
    } else {
        item.record.cluster = request.cluster;
        item.record.store = random_store();
        item.key = text_of(key);
    }
    if (!request.cluster || item.key != text_of(key)) {
        out.problem = "the arbitrator knows this cluster by another key";
    } else if (fresh && clusters_of(item.key) >= clusters_per_key) {
        out.problem = "the arbitrator keeps " + std::to_string(clusters_per_key) + " clusters for this key already";
    } else if (fresh && asked.what == question::kind::grant) {
        out.problem = "the arbitrator was not told of any voter set of this cluster yet";
    }
    if (!out.problem.empty()) {
        ++counts_.refused;
        return {};
    }
    bool changed = fresh;
    if (asked.what == question::kind::grant) {
        out.granted = consensus::grant(item.record, request);
        ++(out.granted.granted ? counts_.granted : counts_.refused);
        changed = changed || out.granted.changed;
    } else {
        out.told = consensus::told(item.record, request.version, request.store);
        changed = changed || out.told.changed;
    }
    return changed ? kept_.save(item) : result<void>{};
}

std::size_t service::clusters_of(const std::string& key) const {
    std::size_t count = 0;
    for (const auto& [cluster, item] : kept_.all()) count += item.key == key ? 1 : 0;
    return count;
}

// As many clusters as one datagram holds.
void service::report(const key_id& key, clock::time_point now, reply& out) const {
    out.counts = counts_;
    for (const auto& [cluster, item] : kept_.all()) {
        if (item.key != text_of(key)) continue;
        cluster_view view{item.record, {}, 0};
        auto last = contacts_.find(cluster);
        if (last != contacts_.end()) {
            view.last_node = last->second.node;
            view.last_age_s = static_cast<std::uint32_t>(
                std::chrono::duration_cast<std::chrono::seconds>(now - last->second.when).count());
        }
        out.clusters.push_back(std::move(view));
        if (encode(out).size() + sealing_bytes <= datagram_max) continue;
        out.clusters.pop_back();
        ++out.left_out;
    }
}

}  // namespace mainstay::arbitrator
