// Sealing of everything that nodes say to each other (D7): XChaCha20-Poly1305 with one key per
// cluster. Nonce = 16 random bytes of the daemon's start (the session) + an 8-byte counter, so a
// sender needs no memory of former starts. A receiver takes data of a session only after that
// session has echoed a fresh challenge of its own, or old sessions could be replayed to a
// restarted receiver. Wrong key, old counter, foreign bytes: one failed tag check, counted.
//
// Pure but for the random bytes handed in. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/codec.hpp"
#include "secret/key.hpp"

namespace mainstay::runtime {

using seal_key = secret::key;
using session_id = std::array<unsigned char, 16>;

enum class frame_kind : std::uint8_t { data, beat, challenge, echo, ping, pong, count_ };

struct frame {
    frame_kind kind = frame_kind::data;
    std::string sender;  // node name; left out of data, which is read only from known sessions
    bytes body;
    static void fields(auto& self, auto&& visit) {
        visit("kind", self.kind);
        visit("sender", self.sender);
        visit("body", self.body);
    }
};

// Sealed bytes before they are cut for a link: [session 16][counter 8][ciphertext with tag].
inline constexpr std::size_t session_bytes = 16;
inline constexpr std::size_t counter_bytes = 8;
inline constexpr std::size_t tag_bytes = 16;

// What a link puts on the wire. A fast link sends [0][session][counter][ciphertext]; a slow
// point-to-point one sends the session with the first and every 16th frame and else
// [1][low 4 bytes of the counter][ciphertext].
class sealer {
public:
    sealer(const seal_key& key, const session_id& own, std::string name);
    [[nodiscard]] bytes seal(frame_kind kind, bytes body);
    [[nodiscard]] const session_id& session() const { return session_; }
    [[nodiscard]] static bytes long_form(std::string_view sealed);
    [[nodiscard]] static bytes short_form(std::string_view sealed);

private:
    seal_key key_;
    session_id session_;
    std::string name_;
    std::uint64_t counter_ = 0;
};

class unsealer {
public:
    explicit unsealer(const seal_key& key) : key_(key) {}

    struct opened {
        frame content;
        session_id session{};
        std::uint64_t counter = 0;
        bool trusted = false;     // its session has echoed our challenge
        bool first_copy = false;  // and this counter was not seen before
    };
    // `link_session` is the newest session heard in long form on this link, for short forms; it is
    // updated. Nothing (and a count) for anything that does not open.
    [[nodiscard]] std::optional<opened> open(std::string_view datagram, std::optional<session_id>& link_session);

    // The challenge an unknown session has to echo; random bytes for a new one are handed in.
    [[nodiscard]] bytes challenge_for(const session_id& session, const std::array<unsigned char, 8>& random);
    // An echo arrived: true when it makes the session trusted. A node has one trusted session.
    bool echoed(const opened& item);
    [[nodiscard]] std::uint64_t failures() const { return failures_; }

private:
    struct window {
        std::string sender;
        std::uint64_t newest = 0;
        std::array<std::uint64_t, 16> seen{};  // the last 1024 counters
        bool accept(std::uint64_t counter);
    };
    seal_key key_;
    std::map<session_id, window> trusted_;
    std::map<session_id, std::array<unsigned char, 8>> challenged_;
    std::uint64_t failures_ = 0;
};

}  // namespace mainstay::runtime
