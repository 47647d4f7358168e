// Which interface carries an address, and is it fit to send. Kernel queries that never block.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

namespace mainstay::heartbeat_udp {

struct interface_state {
    std::string name;  // empty: no interface has the address
    bool up = false;
    bool carrier = false;
};

[[nodiscard]] interface_state find_interface(const sockaddr_storage& address);
// The cheap question, for every beat: is the interface found before still up? False when it can't be asked.
[[nodiscard]] bool look_again(int socket, interface_state& known);

// Compares family and address, not ports.
[[nodiscard]] bool same_host(const sockaddr_storage& a, const sockaddr_storage& b);

// "10.0.0.1", "fd00::1", "fe80::1%eth0" with a port. False when it is no numeric address.
[[nodiscard]] bool parse_address(const std::string& text, std::uint16_t port, sockaddr_storage& address);
[[nodiscard]] socklen_t size_of(const sockaddr_storage& address);

}  // namespace mainstay::heartbeat_udp
