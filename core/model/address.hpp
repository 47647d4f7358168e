// IPv4 and IPv6 addresses and subnets as values. Text in, canonical text out; no name is looked up.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay {

struct ip_address {
    bool v6 = false;
    std::array<std::uint8_t, 16> octets{};  // the first 4 are used when !v6
    auto operator<=>(const ip_address&) const = default;
};

struct ip_subnet {
    ip_address network;  // host bits may be set: `10.77.0.1/24` names an address and its subnet
    unsigned prefix = 0;
    auto operator<=>(const ip_subnet&) const = default;
};

[[nodiscard]] std::optional<ip_address> parse_address(std::string_view text);

// `10.77.0.0/24`, `10.77.0.0/255.255.255.0`, `fd00:77::/64`. Nothing without a prefix.
[[nodiscard]] std::optional<ip_subnet> parse_subnet(std::string_view text);

[[nodiscard]] std::string to_string(const ip_address& value);
[[nodiscard]] std::string to_string(const ip_subnet& value);

// The subnet with all host bits cleared.
[[nodiscard]] ip_subnet network_of(const ip_subnet& value);
[[nodiscard]] bool contains(const ip_subnet& subnet, const ip_address& address);
// 169.254/16, fe80::/10, loopback, multicast, unspecified: nothing that a package can carry.
[[nodiscard]] bool is_special(const ip_address& address);
// All host bits one (IPv4 only), or all zero: not an address of a host.
[[nodiscard]] bool is_reserved_in(const ip_subnet& subnet, const ip_address& address);

}  // namespace mainstay
