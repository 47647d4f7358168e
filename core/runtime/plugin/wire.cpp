#include "runtime/plugin/wire.hpp"

#include <array>

namespace mainstay::plugin {

namespace {

constexpr std::size_t head_size = 4;

template <class Message>
bytes with_length(const Message& message) {
    bytes body = encode(message);
    bytes out;
    out.reserve(body.size() + head_size);
    for (unsigned shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(body.size() >> shift & 0xff));
    return out + body;
}

std::size_t length_of(std::string_view head) {
    std::size_t size = 0;
    for (std::size_t i = head_size; i-- > 0;) size = size << 8 | static_cast<unsigned char>(head[i]);
    return size;
}

}  // namespace

std::string_view to_string(verb value) {
    static constexpr std::array<std::string_view, static_cast<std::size_t>(verb::count_)> names{
        "off", "on", "status", "start", "stop", "prepare", "notify", "grant", "told"};
    return names.at(static_cast<std::size_t>(value));
}

std::string_view to_string(outcome value) {
    static constexpr std::array<std::string_view, static_cast<std::size_t>(outcome::count_)> names{
        "unknown", "ok", "failed", "not_running", "on", "off", "off_assumed"};
    return names.at(static_cast<std::size_t>(value));
}

std::string_view to_string(severity value) {
    static constexpr std::array<std::string_view, static_cast<std::size_t>(severity::count_)> names{"debug", "info",
                                                                                                    "warning", "alarm"};
    return names.at(static_cast<std::size_t>(value));
}

bytes framed(const to_host& message) { return with_length(message); }
bytes framed(const from_host& message) { return with_length(message); }

template <class Message>
result<std::optional<Message>> frame_reader<Message>::next() {
    if (broken_) return fail("the stream was already broken");
    if (buffer_.size() < head_size) return std::optional<Message>{};
    auto size = length_of(buffer_);
    if (size > frame_limit) {
        broken_ = true;
        buffer_.clear();
        return fail("a message of " + std::to_string(size) + " bytes was announced, the limit is " +
                    std::to_string(frame_limit));
    }
    if (buffer_.size() < head_size + size) return std::optional<Message>{};
    auto message = decode<Message>(std::string_view(buffer_).substr(head_size, size));
    buffer_.erase(0, head_size + size);
    if (!message) {
        broken_ = true;
        buffer_.clear();
        return fail("a message of " + std::to_string(size) + " bytes can't be decoded");
    }
    return message;
}

template class frame_reader<to_host>;
template class frame_reader<from_host>;

}  // namespace mainstay::plugin
