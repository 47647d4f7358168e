// Ethernet frames of ARP and of IPv6 neighbour discovery, as bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "address.hpp"

namespace mainstay::relocatable_ip {

using frame = std::vector<std::uint8_t>;

// What tells everybody that `who` is now at `hardware`: for IPv4 a gratuitous ARP as request and as
// reply (some listen to one only), for IPv6 an unsolicited neighbour advertisement.
[[nodiscard]] std::vector<frame> announcements(const address& who, const mac& hardware);

// Asks who has `who` without claiming it: ARP probe (sender 0.0.0.0) or neighbour solicitation
// from the unspecified address.
[[nodiscard]] frame probe_frame(const address& who, const mac& hardware);

// The hardware address of the one who says it has `who`, in an ARP frame of another machine.
[[nodiscard]] std::optional<mac> arp_owner(std::span<const std::uint8_t> packet, const address& who, const mac& own);

// The same for a neighbour advertisement without its IPv6 header (as raw sockets give it).
[[nodiscard]] std::optional<mac> advertised_owner(std::span<const std::uint8_t> message, const address& who,
                                                  const mac& own);

}  // namespace mainstay::relocatable_ip
