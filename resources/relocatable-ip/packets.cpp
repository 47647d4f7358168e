#include "packets.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace mainstay::relocatable_ip {

namespace {

constexpr std::size_t ethernet_size = 14;
constexpr std::size_t arp_size = 28;
constexpr std::uint8_t solicitation = 135;
constexpr std::uint8_t advertisement = 136;
constexpr mac everybody{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

class builder {
public:
    void byte(unsigned value) { out.push_back(static_cast<std::uint8_t>(value)); }
    void word(unsigned value) {
        byte(value >> 8U & 0xffU);
        byte(value & 0xffU);
    }
    void add(std::span<const std::uint8_t> octets) { out.insert(out.end(), octets.begin(), octets.end()); }
    void ethernet(const mac& to, const mac& from, unsigned type) {
        add(to);
        add(from);
        word(type);
    }
    frame out;
};

std::span<const std::uint8_t> octets_of(const address& value) { return std::span(value.octets).first(value.size()); }

frame arp(unsigned operation, const address& sender, const mac& hardware, const mac& target_hardware,
          const address& target) {
    builder packet;
    packet.ethernet(everybody, hardware, 0x0806);
    packet.word(1);       // Ethernet
    packet.word(0x0800);  // IPv4
    packet.byte(6);
    packet.byte(4);
    packet.word(operation);
    packet.add(hardware);
    packet.add(octets_of(sender));
    packet.add(target_hardware);
    packet.add(octets_of(target));
    return packet.out;
}

// ICMPv6 checksum over pseudo header and message; both have an even length here.
unsigned checksum(const address& from, const address& to, std::span<const std::uint8_t> message) {
    std::uint32_t sum = static_cast<std::uint32_t>(message.size()) + 58;
    auto add = [&sum](std::span<const std::uint8_t> octets) {
        for (std::size_t i = 0; i + 1 < octets.size(); i += 2) sum += octets[i] << 8U | octets[i + 1];
    };
    add(from.octets);
    add(to.octets);
    add(message);
    while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
    return ~sum & 0xffffU;
}

// A neighbour discovery message with one link-layer option (or none, option 0).
frame discovery(unsigned type, unsigned flags, unsigned option, const address& from, const address& to,
                const address& target, const mac& hardware) {
    builder message;
    message.byte(type);
    message.byte(0);
    message.word(0);  // checksum, below
    message.byte(flags);
    message.byte(0);
    message.word(0);
    message.add(target.octets);
    if (option != 0) {
        message.byte(option);
        message.byte(1);
        message.add(hardware);
    }
    const auto sum = checksum(from, to, message.out);
    message.out[2] = static_cast<std::uint8_t>(sum >> 8U);
    message.out[3] = static_cast<std::uint8_t>(sum & 0xffU);

    builder packet;
    const mac multicast{0x33, 0x33, to.octets[12], to.octets[13], to.octets[14], to.octets[15]};
    packet.ethernet(multicast, hardware, 0x86dd);
    packet.byte(0x60);
    packet.byte(0);
    packet.word(0);
    packet.word(static_cast<unsigned>(message.out.size()));
    packet.byte(58);   // ICMPv6
    packet.byte(255);  // hop limit: proves that it was not routed
    packet.add(from.octets);
    packet.add(to.octets);
    packet.add(message.out);
    return packet.out;
}

address all_nodes() {
    address result{AF_INET6, {0xff, 0x02}};
    result.octets[15] = 1;
    return result;
}

address solicited_node(const address& who) {
    address result{AF_INET6, {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}};
    std::copy(who.octets.begin() + 13, who.octets.end(), result.octets.begin() + 13);
    return result;
}

mac read_mac(std::span<const std::uint8_t> from) {
    mac result{};
    std::copy_n(from.begin(), result.size(), result.begin());
    return result;
}

}  // namespace

std::vector<frame> announcements(const address& who, const mac& hardware) {
    if (who.family == AF_INET) return {arp(1, who, hardware, mac{}, who), arp(2, who, hardware, hardware, who)};
    constexpr unsigned override_flag = 0x20;
    return {discovery(advertisement, override_flag, 2, who, all_nodes(), who, hardware)};
}

frame probe_frame(const address& who, const mac& hardware) {
    const address nobody{who.family, {}};
    if (who.family == AF_INET) return arp(1, nobody, hardware, mac{}, who);
    return discovery(solicitation, 0, 0, nobody, solicited_node(who), who, hardware);
}

std::optional<mac> arp_owner(std::span<const std::uint8_t> packet, const address& who, const mac& own) {
    if (packet.size() < ethernet_size + arp_size) return std::nullopt;
    auto body = packet.subspan(ethernet_size);
    if (body[2] != 0x08 || body[3] != 0x00 || body[4] != 6 || body[5] != 4) return std::nullopt;
    const auto sender = read_mac(body.subspan(8));
    if (sender == own || !std::equal(body.begin() + 14, body.begin() + 18, who.octets.begin())) return std::nullopt;
    return sender;
}

std::optional<mac> advertised_owner(std::span<const std::uint8_t> message, const address& who, const mac& own) {
    if (message.size() < 24 || message[0] != advertisement) return std::nullopt;
    if (!std::equal(who.octets.begin(), who.octets.end(), message.begin() + 8)) return std::nullopt;
    // Without a link-layer option the owner is there all the same, only nameless.
    if (message.size() < 32 || message[24] != 2) return mac{};
    const auto sender = read_mac(message.subspan(26));
    if (sender == own) return std::nullopt;
    return sender;
}

}  // namespace mainstay::relocatable_ip
