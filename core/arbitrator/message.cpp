#include "arbitrator/message.hpp"

#include <sodium.h>

#include <algorithm>

namespace mainstay::arbitrator {

namespace {

constexpr std::string_view magic = "MSA1";
constexpr std::size_t key_at = magic.size() + 1;
constexpr std::size_t nonce_at = key_at + std::tuple_size_v<key_id>;
constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t body_at = nonce_at + nonce_bytes;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

const unsigned char* raw(std::string_view data) { return reinterpret_cast<const unsigned char*>(data.data()); }
unsigned char* raw(bytes& data) { return reinterpret_cast<unsigned char*>(data.data()); }

}  // namespace

key_id id_of(const secret::key& key) {
    constexpr std::string_view purpose = "mainstay-arbitrator key id";
    std::array<unsigned char, crypto_generichash_BYTES> hash{};
    crypto_generichash(hash.data(), hash.size(), raw(purpose), purpose.size(), key.data(), key.size());
    key_id out{};
    std::copy_n(hash.begin(), out.size(), out.begin());
    return out;
}

bytes seal(const secret::key& key, direction way, std::string_view body) {
    bytes out(magic);
    out.push_back(static_cast<char>(way));
    auto id = id_of(key);
    out.append(id.data(), id.size());
    out.resize(body_at + body.size() + tag_bytes);
    randombytes_buf(raw(out) + nonce_at, nonce_bytes);
    unsigned long long size = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw(out) + body_at, &size, raw(body), body.size(), raw(out), nonce_at,
                                               nullptr, raw(out) + nonce_at, key.data());
    return out;
}

std::optional<key_id> sealed_with(std::string_view datagram, direction way) {
    bool ours = datagram.size() >= body_at + tag_bytes && datagram.substr(0, magic.size()) == magic &&
                datagram[magic.size()] == static_cast<char>(way);
    if (!ours) return std::nullopt;
    key_id out{};
    datagram.copy(out.data(), out.size(), key_at);
    return out;
}

std::optional<bytes> unseal(const secret::key& key, direction way, std::string_view datagram) {
    if (sealed_with(datagram, way) != id_of(key)) return std::nullopt;
    bytes out(datagram.size() - body_at - tag_bytes, '\0');
    unsigned long long size = 0;
    int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(raw(out), &size, nullptr, raw(datagram) + body_at,
                                                            datagram.size() - body_at, raw(datagram), nonce_at,
                                                            raw(datagram) + nonce_at, key.data());
    if (opened != 0) return std::nullopt;
    return out;
}

}  // namespace mainstay::arbitrator
