#include "probe.hpp"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "common/text.hpp"
#include "packets.hpp"

namespace mainstay::relocatable_ip {

namespace {

using clock = std::chrono::steady_clock;
constexpr int questions = 3;

kit::unique_fd listen_arp(int link_index) {
    kit::unique_fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_ll name{};
    name.sll_family = AF_PACKET;
    name.sll_protocol = htons(ETH_P_ARP);
    name.sll_ifindex = link_index;
    if (fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) fd.reset();
    return fd;
}

kit::unique_fd listen_neighbours() {
    kit::unique_fd fd(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &filter);
    if (fd && ::setsockopt(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) != 0) fd.reset();
    return fd;
}

std::optional<mac> read_owner(int fd, const address& who, const mac& own) {
    std::array<std::uint8_t, 2048> buffer{};
    while (true) {
        auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (size <= 0) return std::nullopt;
        auto packet = std::span<const std::uint8_t>(buffer).first(static_cast<std::size_t>(size));
        auto owner = who.family == AF_INET ? arp_owner(packet, who, own) : advertised_owner(packet, who, own);
        if (owner) return owner;
    }
}

}  // namespace

probe_result probe(frame_sender& sender, const address& who, int link_index, const mac& own,
                   std::chrono::milliseconds patience) {
    const auto listener = who.family == AF_INET ? listen_arp(link_index) : listen_neighbours();
    if (!listener) return {std::nullopt, "no socket to listen for answers: " + kit::error_text(errno)};
    const auto question = probe_frame(who, own);
    for (int i = 0; i < questions; ++i) {
        if (auto problem = sender.send(link_index, question); !problem.empty()) return {std::nullopt, problem};
        const auto deadline = clock::now() + patience / questions;
        while (true) {
            auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
            if (left <= 0) break;
            pollfd readable{listener.get(), POLLIN, 0};
            if (::poll(&readable, 1, static_cast<int>(left)) <= 0) continue;
            if (auto owner = read_owner(listener.get(), who, own)) return {owner, {}};
        }
    }
    return {};
}

}  // namespace mainstay::relocatable_ip
