// Messages larger than a link's frame travel in pieces. Losing one piece loses the message: whoever
// sent it asks again by its own rules. Bounded memory whatever arrives.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "node/wire.hpp"

namespace mainstay::node {

inline constexpr std::size_t message_bytes_max = 4U << 20;  // a configuration of a large cluster fits

// The pieces of `message`, each at most `piece_bytes` of payload.
[[nodiscard]] std::vector<fragment> split(std::uint64_t whole, std::string_view message, std::size_t piece_bytes);

class reassembly {
public:
    // The whole message once its last piece is here. A number names a message within one life of its sender: what
    // an earlier life began and never finished is another message, of whatever number.
    [[nodiscard]] std::optional<bytes> add(node_id from, boot_id boot, const fragment& piece);

    static void fields(auto& self, auto&& visit) { visit("open", self.open_); }

private:
    struct partial {
        boot_id boot;
        std::uint64_t whole = 0;
        std::uint32_t count = 0;
        std::map<std::uint32_t, bytes> pieces;  // only what is here: a count is a claim
        std::uint64_t size = 0;
        static void fields(auto& self, auto&& visit) {
            visit("boot", self.boot);
            visit("whole", self.whole);
            visit("count", self.count);
            visit("pieces", self.pieces);
            visit("size", self.size);
        }
    };
    // A sender has few messages under way; the oldest gives way.
    static constexpr std::size_t open_per_sender_max = 4;
    static constexpr std::size_t senders_max = 64;
    std::map<node_id, std::vector<partial>> open_;
};

}  // namespace mainstay::node
