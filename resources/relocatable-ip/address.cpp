#include "address.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace mainstay::relocatable_ip {

std::size_t address::size() const { return family == AF_INET ? 4 : 16; }

bool subnet::contains(const address& host) const {
    if (host.family != network.family) return false;
    for (unsigned bit = 0; bit < prefix; ++bit) {
        const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
        if (((host.octets.at(bit / 8) ^ network.octets.at(bit / 8)) & mask) != 0) return false;
    }
    return true;
}

std::optional<address> parse_address(const std::string& text) {
    for (int family : {AF_INET, AF_INET6}) {
        address result;
        result.family = family;
        if (::inet_pton(family, text.c_str(), result.octets.data()) == 1) return result;
    }
    return std::nullopt;
}

namespace {
// Leading ones of a netmask; nothing when a one follows a zero.
std::optional<unsigned> mask_length(const address& mask) {
    unsigned length = 0;
    while (length < mask.size() * 8 && (mask.octets.at(length / 8) & 0x80U >> length % 8) != 0) ++length;
    for (unsigned bit = length; bit < mask.size() * 8; ++bit)
        if ((mask.octets.at(bit / 8) & 0x80U >> bit % 8) != 0) return std::nullopt;
    return length;
}
}  // namespace

std::optional<subnet> parse_subnet(const std::string& text) {
    auto slash = text.find('/');
    if (slash == std::string::npos) return std::nullopt;
    auto network = parse_address(text.substr(0, slash));
    if (!network) return std::nullopt;
    if (auto mask = parse_address(text.substr(slash + 1)); mask && mask->family == network->family) {
        auto length = mask_length(*mask);
        return length ? std::optional(subnet{*network, *length}) : std::nullopt;
    }
    unsigned prefix = 0;
    const char* end = text.data() + text.size();
    auto [stop, problem] = std::from_chars(text.data() + slash + 1, end, prefix);
    if (problem != std::errc{} || stop != end || prefix > network->size() * 8) return std::nullopt;
    return subnet{*network, prefix};
}

std::string to_string(const address& value) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(value.family, value.octets.data(), text.data(), text.size());
    return text.data();
}

std::string to_string(const mac& value) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (auto octet : value) {
        if (!text.empty()) text += ':';
        text += digits[octet >> 4U];
        text += digits[octet & 0xfU];
    }
    return text;
}

}  // namespace mainstay::relocatable_ip
