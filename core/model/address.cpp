#include "model/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace mainstay {

namespace {

unsigned bits_of(const ip_address& address) { return address.v6 ? 128 : 32; }

std::uint8_t mask_octet(unsigned prefix, std::size_t index) {
    auto first = static_cast<unsigned>(index) * 8;
    if (prefix >= first + 8) return 0xff;
    if (prefix <= first) return 0;
    return static_cast<std::uint8_t>(0xffU << (8 - (prefix - first)));
}

// 255.255.255.0 -> 24; nothing when ones follow zeros.
std::optional<unsigned> prefix_of_netmask(const ip_address& mask) {
    unsigned prefix = 0;
    bool ended = false;
    for (unsigned bit = 0; bit < 32; ++bit) {
        bool one = (mask.octets[bit / 8] >> (7 - bit % 8) & 1) != 0;
        if (one && ended) return std::nullopt;
        if (one) ++prefix;
        ended = ended || !one;
    }
    return prefix;
}

}  // namespace

std::optional<ip_address> parse_address(std::string_view text) {
    ip_address value;
    std::string copy(text);  // inet_pton wants a terminating zero
    if (copy.find('\0') != std::string::npos) return std::nullopt;
    if (inet_pton(AF_INET, copy.c_str(), value.octets.data()) == 1) return value;
    value.v6 = true;
    if (inet_pton(AF_INET6, copy.c_str(), value.octets.data()) == 1) return value;
    return std::nullopt;
}

std::optional<ip_subnet> parse_subnet(std::string_view text) {
    auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    auto address = parse_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    auto tail = text.substr(slash + 1);
    unsigned prefix = 0;
    auto [end, code] = std::from_chars(tail.data(), tail.data() + tail.size(), prefix);
    if (code != std::errc{} || end != tail.data() + tail.size()) {
        auto mask = parse_address(tail);
        if (!mask || mask->v6 || address->v6) return std::nullopt;
        auto derived = prefix_of_netmask(*mask);
        if (!derived) return std::nullopt;
        prefix = *derived;
    }
    if (prefix == 0 || prefix > bits_of(*address)) return std::nullopt;
    return ip_subnet{*address, prefix};
}

std::string to_string(const ip_address& value) {
    char buffer[INET6_ADDRSTRLEN] = {};
    inet_ntop(value.v6 ? AF_INET6 : AF_INET, value.octets.data(), buffer, sizeof buffer);
    return buffer;
}

std::string to_string(const ip_subnet& value) { return to_string(value.network) + '/' + std::to_string(value.prefix); }

ip_subnet network_of(const ip_subnet& value) {
    auto out = value;
    for (std::size_t i = 0; i < out.network.octets.size(); ++i) {
        out.network.octets[i] = static_cast<std::uint8_t>(out.network.octets[i] & mask_octet(out.prefix, i));
    }
    return out;
}

bool contains(const ip_subnet& subnet, const ip_address& address) {
    if (subnet.network.v6 != address.v6) return false;
    return network_of(ip_subnet{address, subnet.prefix}) == network_of(subnet);
}

bool is_special(const ip_address& address) {
    const auto& o = address.octets;
    if (!address.v6) return o[0] == 0 || o[0] == 127 || o[0] >= 224 || (o[0] == 169 && o[1] == 254);
    bool short_form = std::all_of(o.begin(), o.end() - 1, [](auto octet) { return octet == 0; });
    return o[0] == 0xff || (o[0] == 0xfe && (o[1] & 0xc0) == 0x80) || (short_form && o[15] <= 1);
}

bool is_reserved_in(const ip_subnet& subnet, const ip_address& address) {
    if (subnet.prefix + 1 >= bits_of(address)) return false;  // /31, /32, /127, /128: every address is a host
    if (network_of(subnet).network == address) return true;
    if (address.v6) return false;
    for (std::size_t i = 0; i < 4; ++i) {
        if ((address.octets[i] | mask_octet(subnet.prefix, i)) != 0xff) return false;
    }
    return true;
}

}  // namespace mainstay
