#include "interface.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/ioctl.h>

#include <cstring>
#include <memory>

namespace mainstay::heartbeat_udp {

bool same_host(const sockaddr_storage& a, const sockaddr_storage& b) {
    if (a.ss_family != b.ss_family) return false;
    if (a.ss_family == AF_INET)
        return reinterpret_cast<const sockaddr_in&>(a).sin_addr.s_addr ==
               reinterpret_cast<const sockaddr_in&>(b).sin_addr.s_addr;
    return std::memcmp(&reinterpret_cast<const sockaddr_in6&>(a).sin6_addr,
                       &reinterpret_cast<const sockaddr_in6&>(b).sin6_addr, sizeof(in6_addr)) == 0;
}

socklen_t size_of(const sockaddr_storage& address) {
    return address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

bool parse_address(const std::string& text, std::uint16_t port, sockaddr_storage& address) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(text.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return false;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
    address = {};
    std::memcpy(&address, found->ai_addr, found->ai_addrlen);
    return address.ss_family == AF_INET || address.ss_family == AF_INET6;
}

interface_state find_interface(const sockaddr_storage& address) {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
    for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != address.ss_family) continue;
        sockaddr_storage candidate{};
        std::memcpy(&candidate, entry->ifa_addr,
                    address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        if (!same_host(candidate, address)) continue;
        return {entry->ifa_name, (entry->ifa_flags & IFF_UP) != 0, (entry->ifa_flags & IFF_RUNNING) != 0};
    }
    return {};
}

bool look_again(int socket, interface_state& known) {
    ifreq asked{};
    if (known.name.empty() || known.name.size() >= sizeof asked.ifr_name) return false;
    std::memcpy(asked.ifr_name, known.name.c_str(), known.name.size() + 1);
    if (::ioctl(socket, SIOCGIFFLAGS, &asked) != 0) return false;
    known.up = (asked.ifr_flags & IFF_UP) != 0;
    known.carrier = (asked.ifr_flags & IFF_RUNNING) != 0;
    return true;
}

}  // namespace mainstay::heartbeat_udp
