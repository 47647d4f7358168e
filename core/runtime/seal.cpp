#include "runtime/seal.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace mainstay::runtime {

namespace {

constexpr char long_mark = 0;
constexpr char short_mark = 1;
constexpr std::size_t short_counter_bytes = 4;
constexpr std::size_t challenged_max = 64;

using nonce_bytes = std::array<unsigned char, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES>;

nonce_bytes nonce_of(const session_id& session, std::uint64_t counter) {
    nonce_bytes nonce{};
    std::memcpy(nonce.data(), session.data(), session_bytes);
    for (std::size_t i = 0; i < counter_bytes; ++i)
        nonce[session_bytes + i] = static_cast<unsigned char>(counter >> (8 * i));
    return nonce;
}

std::uint64_t read_little(std::string_view data) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < data.size(); ++i)
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(data[i])) << (8 * i);
    return value;
}

const unsigned char* raw(std::string_view data) { return reinterpret_cast<const unsigned char*>(data.data()); }

}  // namespace

sealer::sealer(const seal_key& key, const session_id& own, std::string name)
    : key_(key), session_(own), name_(std::move(name)) {}

bytes sealer::seal(frame_kind kind, bytes body) {
    bool short_one = kind == frame_kind::data || kind == frame_kind::beat;
    auto plain = encode(frame{kind, short_one ? std::string() : name_, std::move(body)});
    auto nonce = nonce_of(session_, ++counter_);
    bytes out(session_bytes + counter_bytes + plain.size() + tag_bytes, '\0');
    std::memcpy(out.data(), nonce.data(), nonce.size());
    unsigned long long size = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(out.data()) + nonce.size(), &size,
                                               raw(plain), plain.size(), nullptr, 0, nullptr, nonce.data(),
                                               key_.data());
    return out;
}

bytes sealer::long_form(std::string_view sealed) {
    bytes out(1, long_mark);
    out += sealed;
    return out;
}

bytes sealer::short_form(std::string_view sealed) {
    bytes out(1, short_mark);
    out += sealed.substr(session_bytes, short_counter_bytes);
    out += sealed.substr(session_bytes + counter_bytes);
    return out;
}

bool unsealer::window::accept(std::uint64_t counter) {
    constexpr std::uint64_t span = 1024;
    auto bit = [this](std::uint64_t at) -> std::pair<std::uint64_t&, std::uint64_t> {
        return {seen[(at % span) / 64], std::uint64_t{1} << (at % 64)};
    };
    if (counter > newest) {
        auto from = counter - newest > span ? counter - span : newest;
        for (auto at = from + 1; at <= counter; ++at) {
            auto [word, mask] = bit(at);
            word &= ~mask;
        }
        newest = counter;
    } else if (newest - counter >= span) {
        return false;
    }
    auto [word, mask] = bit(counter);
    if ((word & mask) != 0) return false;
    word |= mask;
    return true;
}

std::optional<unsealer::opened> unsealer::open(std::string_view datagram, std::optional<session_id>& link_session) {
    opened out;
    std::string_view sealed;
    auto bad = [this]() -> std::optional<opened> {
        ++failures_;
        return std::nullopt;
    };
    if (datagram.size() > 1 + session_bytes + counter_bytes + tag_bytes && datagram[0] == long_mark) {
        std::memcpy(out.session.data(), datagram.data() + 1, session_bytes);
        out.counter = read_little(datagram.substr(1 + session_bytes, counter_bytes));
        sealed = datagram.substr(1 + session_bytes + counter_bytes);
    } else if (datagram.size() > 1 + short_counter_bytes + tag_bytes && datagram[0] == short_mark && link_session) {
        out.session = *link_session;
        auto low = read_little(datagram.substr(1, short_counter_bytes));
        auto known = trusted_.find(out.session);
        auto newest = known == trusted_.end() ? 0 : known->second.newest;
        // The counter nearest to the newest one known that ends in these 32 bits.
        out.counter = (newest & ~std::uint64_t{0xffffffffU}) | low;
        constexpr std::uint64_t whole = std::uint64_t{1} << 32;
        if (out.counter + whole / 2 < newest) {
            out.counter += whole;
        } else if (out.counter >= newest + whole / 2 && out.counter >= whole) {
            out.counter -= whole;
        }
        sealed = datagram.substr(1 + short_counter_bytes);
    } else {
        return bad();
    }
    auto nonce = nonce_of(out.session, out.counter);
    bytes plain(sealed.size() - tag_bytes, '\0');
    unsigned long long size = 0;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(plain.data()), &size, nullptr,
                                                   raw(sealed), sealed.size(), nullptr, 0, nonce.data(),
                                                   key_.data()) != 0)
        return bad();
    auto content = decode<frame>(plain);
    if (!content) return bad();
    if (datagram[0] == long_mark) link_session = out.session;
    out.content = std::move(*content);
    auto known = trusted_.find(out.session);
    if (known != trusted_.end()) {
        out.trusted = true;
        out.content.sender = known->second.sender;
        out.first_copy = known->second.accept(out.counter);
    }
    return out;
}

bytes unsealer::challenge_for(const session_id& session, const std::array<unsigned char, 8>& random) {
    if (!challenged_.contains(session) && challenged_.size() >= challenged_max) challenged_.erase(challenged_.begin());
    auto [found, fresh] = challenged_.emplace(session, random);
    bytes body(reinterpret_cast<const char*>(session.data()), session.size());
    body.append(reinterpret_cast<const char*>(found->second.data()), found->second.size());
    return body;
}

bool unsealer::echoed(const opened& item) {
    auto asked = challenged_.find(item.session);
    if (asked == challenged_.end()) return false;
    std::string_view wanted(reinterpret_cast<const char*>(asked->second.data()), asked->second.size());
    if (item.content.body.size() < wanted.size() || !item.content.body.ends_with(wanted)) return false;
    std::erase_if(trusted_, [&](const auto& known) { return known.second.sender == item.content.sender; });
    window fresh;
    fresh.sender = item.content.sender;
    fresh.accept(item.counter);
    trusted_.emplace(item.session, fresh);
    challenged_.erase(asked);
    return true;
}

}  // namespace mainstay::runtime
