#include "node/fragment.hpp"

#include <algorithm>

namespace mainstay::node {

std::vector<fragment> split(std::uint64_t whole, std::string_view message, std::size_t piece_bytes) {
    std::vector<fragment> pieces;
    auto count = static_cast<std::uint32_t>((message.size() + piece_bytes - 1) / piece_bytes);
    for (std::uint32_t i = 0; i < count; ++i)
        pieces.push_back({whole, i, count, bytes(message.substr(i * piece_bytes, piece_bytes))});
    return pieces;
}

std::optional<bytes> reassembly::add(node_id from, boot_id boot, const fragment& piece) {
    if (piece.count == 0 || piece.index >= piece.count || piece.data.empty()) return std::nullopt;
    if (piece.count > message_bytes_max / 64) return std::nullopt;
    // Before there is a cluster a sender may call itself anything; liars must not lock others out.
    if (!open_.contains(from) && open_.size() >= senders_max) open_.erase(open_.begin());
    auto& list = open_[from];
    auto found = std::find_if(list.begin(), list.end(),
                              [&](const auto& item) { return item.boot == boot && item.whole == piece.whole; });
    if (found == list.end()) {
        if (list.size() >= open_per_sender_max) list.erase(list.begin());
        partial fresh;
        fresh.boot = boot;
        fresh.whole = piece.whole;
        fresh.count = piece.count;
        found = list.insert(list.end(), std::move(fresh));
    }
    if (found->count != piece.count || found->pieces.contains(piece.index)) return std::nullopt;
    found->size += piece.data.size();
    if (found->size > message_bytes_max) {
        list.erase(found);
        return std::nullopt;
    }
    found->pieces[piece.index] = piece.data;
    if (found->pieces.size() < found->count) return std::nullopt;
    bytes whole;
    whole.reserve(found->size);
    for (const auto& [index, part] : found->pieces) whole += part;
    list.erase(found);
    return whole;
}

}  // namespace mainstay::node
