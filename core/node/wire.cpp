#include "node/wire.hpp"

#include <algorithm>

namespace mainstay::node {

void append_send_time(bytes& data, time_point sent) {
    auto us = static_cast<std::uint64_t>(sent.time_since_epoch().count());
    for (std::size_t i = 0; i < send_time_size; ++i) data.push_back(static_cast<char>(us >> (8 * i)));
}

bytes beat_to_send(const bytes& published, duration waited, time_point sent) {
    bytes data;
    data.reserve(published.size() + send_time_size);
    auto older = std::chrono::duration_cast<std::chrono::milliseconds>(waited).count();
    auto message = older > 0 ? decode<envelope>(published) : std::nullopt;
    if (auto* item = message ? std::get_if<beat>(&message->body) : nullptr) {
        for (auto& entry : item->heard)
            entry.age_ms = static_cast<std::uint32_t>(std::min<std::int64_t>(entry.age_ms + older, age_max_ms));
        codec::writer(data).put(*message);
    } else {
        data = published;
    }
    append_send_time(data, sent);
    return data;
}

std::optional<opened> open_datagram(std::string_view data) {
    opened out;
    codec::reader reader(data);
    reader.get(out.message);
    if (!reader.ok()) return std::nullopt;
    bool timed = std::holds_alternative<beat>(out.message.body) || std::holds_alternative<form_hello>(out.message.body);
    auto rest = reader.rest();
    if (rest.size() != (timed ? send_time_size : 0)) return std::nullopt;
    if (timed) {
        std::uint64_t us = 0;
        for (std::size_t i = 0; i < send_time_size; ++i)
            us |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest[i])) << (8 * i);
        if (us > static_cast<std::uint64_t>(never.time_since_epoch().count())) return std::nullopt;
        out.sent = time_point{duration{static_cast<std::int64_t>(us)}};
    }
    return out;
}

}  // namespace mainstay::node
