// What nodes and mainstay-arbitrator say to each other: one sealed datagram each way. A question may be
// sent again, and an old one played back by anybody: each asks for what it got before, or for less.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arbitrator/request.hpp"
#include "secret/key.hpp"

namespace mainstay::arbitrator {

inline constexpr std::uint16_t port_default = 5406;
inline constexpr std::size_t datagram_max = 1400;

struct question_id {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    auto operator<=>(const question_id&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("high", self.high);
        visit("low", self.low);
    }
};

struct question {
    enum class kind : std::uint8_t { grant, told, status, count_ } what = kind::status;
    question_id id;     // random; the reply carries it back
    call_request call;  // of grant and told
    static void fields(auto& self, auto&& visit) {
        visit("what", self.what);
        visit("id", self.id);
        visit("call", self.call);
    }
};

// One cluster, for `hactl arbitrator status`.
struct cluster_view {
    consensus::arbiter_record record;
    node_id last_node;             // who asked last
    std::uint32_t last_age_s = 0;  // so long ago; counts from the server's start
    static void fields(auto& self, auto&& visit) {
        visit("record", self.record);
        visit("last_node", self.last_node);
        visit("last_age_s", self.last_age_s);
    }
};

// Since the server's start.
struct counters {
    std::uint64_t received = 0;
    std::uint64_t unknown_key = 0;  // sealed with a key that is not here, or no message at all
    std::uint64_t forged = 0;       // names a key, and does not open with it
    std::uint64_t senseless = 0;    // opens, and says nothing that is understood
    std::uint64_t granted = 0;
    std::uint64_t refused = 0;
    static void fields(auto& self, auto&& visit) {
        visit("received", self.received);
        visit("unknown_key", self.unknown_key);
        visit("forged", self.forged);
        visit("senseless", self.senseless);
        visit("granted", self.granted);
        visit("refused", self.refused);
    }
};

struct reply {
    question_id id;
    std::string problem;  // the question has no answer
    consensus::tie_answer granted;
    consensus::tie_told told;
    std::vector<cluster_view> clusters;  // of the asker's key
    std::uint32_t left_out = 0;          // did not fit
    counters counts;
    static void fields(auto& self, auto&& visit) {
        visit("id", self.id);
        visit("problem", self.problem);
        visit("granted", self.granted);
        visit("told", self.told);
        visit("clusters", self.clusters);
        visit("left_out", self.left_out);
        visit("counts", self.counts);
    }
};

using key_id = std::array<char, 8>;
[[nodiscard]] key_id id_of(const secret::key& key);

enum class direction : char { to_server = 'Q', to_node = 'A' };

// [magic][direction][key id][nonce][XChaCha20-Poly1305]; the head is authenticated too.
[[nodiscard]] bytes seal(const secret::key& key, direction way, std::string_view body);
// Whose key it is sealed with; nothing when it is no datagram of ours.
[[nodiscard]] std::optional<key_id> sealed_with(std::string_view datagram, direction way);
[[nodiscard]] std::optional<bytes> unseal(const secret::key& key, direction way, std::string_view datagram);

}  // namespace mainstay::arbitrator
