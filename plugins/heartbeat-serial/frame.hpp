// Frames on a line that loses and flips bytes:
//     sync 0xA7 | length, 2 bytes little endian | check of the length | CRC-32 | datagram
// CRC-32 (IEEE) covers length and datagram. After anything wrong the reader goes on with the byte
// after the sync byte, so one bad frame never hides the good one behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace mainstay::heartbeat_serial {

inline constexpr std::size_t frame_overhead = 8;
inline constexpr std::size_t datagram_limit = 1024;

[[nodiscard]] std::string make_frame(std::span<const std::uint8_t> datagram);

class frame_reader {
public:
    void feed(std::span<const std::uint8_t> data, std::int64_t now);
    // `stale_after`: microseconds of silence after which a frame that began can't be completed any
    // more; a flipped length would otherwise hold back what is behind it.
    [[nodiscard]] std::optional<std::string> next(std::int64_t now, std::int64_t stale_after);
    void clear() { buffer_.clear(); }

    [[nodiscard]] std::uint64_t bad_frames() const { return bad_frames_; }  // CRC or length wrong
    [[nodiscard]] std::uint64_t skipped_bytes() const { return skipped_bytes_; }

private:
    void skip(std::size_t count);

    std::string buffer_;
    std::int64_t last_byte_ = 0;
    std::uint64_t bad_frames_ = 0;
    std::uint64_t skipped_bytes_ = 0;
};

}  // namespace mainstay::heartbeat_serial
