// An IPv4 or IPv6 address and a subnet, as bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay::relocatable_ip {

struct address {
    int family = 0;                         // AF_INET or AF_INET6
    std::array<std::uint8_t, 16> octets{};  // the first size() count
    bool operator==(const address&) const = default;
    [[nodiscard]] std::size_t size() const;
};

struct subnet {
    address network;
    unsigned prefix = 0;
    [[nodiscard]] bool contains(const address& host) const;
};

[[nodiscard]] std::optional<address> parse_address(const std::string& text);
[[nodiscard]] std::optional<subnet> parse_subnet(const std::string& text);  // .../24 or .../255.255.255.0
[[nodiscard]] std::string to_string(const address& value);

using mac = std::array<std::uint8_t, 6>;
[[nodiscard]] std::string to_string(const mac& value);

}  // namespace mainstay::relocatable_ip
