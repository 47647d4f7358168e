#include "frame.hpp"

#include <array>
#include <string_view>

namespace mainstay::heartbeat_serial {

namespace {

constexpr char sync_byte = static_cast<char>(0xA7);

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? 0xEDB88320U ^ value >> 1U : value >> 1U;
        table[i] = value;
    }
    return table;
}

std::uint32_t crc32(std::string_view length, std::string_view datagram) {
    static constexpr auto table = make_table();
    std::uint32_t crc = 0xFFFFFFFFU;
    for (auto part : {length, datagram})
        for (char c : part) crc = table[(crc ^ static_cast<std::uint8_t>(c)) & 0xFFU] ^ crc >> 8U;
    return ~crc;
}

std::uint32_t little_endian(std::string_view octets) {
    std::uint32_t value = 0;
    for (std::size_t i = octets.size(); i-- > 0;) value = value << 8U | static_cast<std::uint8_t>(octets[i]);
    return value;
}

void append(std::string& out, std::uint32_t value, int octets) {
    for (int i = 0; i < octets; ++i, value >>= 8U) out.push_back(static_cast<char>(value & 0xFFU));
}

// Catches a flipped length at once, before its bytes have been waited for.
std::uint8_t length_check(std::uint32_t length) {
    return static_cast<std::uint8_t>(0x5AU ^ (length & 0xFFU) ^ (length >> 8U) * 29U);
}

}  // namespace

std::string make_frame(std::span<const std::uint8_t> datagram) {
    const auto length = static_cast<std::uint32_t>(datagram.size());
    const std::string_view body(reinterpret_cast<const char*>(datagram.data()), datagram.size());
    std::string frame(1, sync_byte);
    append(frame, length, 2);
    const auto crc = crc32(std::string_view(frame).substr(1, 2), body);
    append(frame, length_check(length), 1);
    append(frame, crc, 4);
    frame += body;
    return frame;
}

void frame_reader::feed(std::span<const std::uint8_t> data, std::int64_t now) {
    buffer_.append(reinterpret_cast<const char*>(data.data()), data.size());
    if (!data.empty()) last_byte_ = now;
}

void frame_reader::skip(std::size_t count) {
    buffer_.erase(0, count);
    skipped_bytes_ += count;
}

std::optional<std::string> frame_reader::next(std::int64_t now, std::int64_t stale_after) {
    while (true) {
        auto start = buffer_.find(sync_byte);
        if (start != 0) skip(start == std::string::npos ? buffer_.size() : start);
        if (buffer_.empty()) return std::nullopt;
        const std::string_view seen = buffer_;
        if (seen.size() >= frame_overhead) {
            const auto length = little_endian(seen.substr(1, 2));
            const bool plausible =
                length <= datagram_limit && static_cast<std::uint8_t>(seen[3]) == length_check(length);
            if (plausible && seen.size() >= frame_overhead + length) {
                auto datagram = std::string(seen.substr(frame_overhead, length));
                if (little_endian(seen.substr(4, 4)) == crc32(seen.substr(1, 2), datagram)) {
                    buffer_.erase(0, frame_overhead + length);
                    return datagram;
                }
            }
            if (!plausible || seen.size() >= frame_overhead + length) {
                ++bad_frames_;
                skip(1);
                continue;
            }
        }
        if (now - last_byte_ < stale_after) return std::nullopt;
        ++bad_frames_;
        skip(1);
    }
}

}  // namespace mainstay::heartbeat_serial
