// heartbeat-udp: one nonblocking UDP socket, bound to the node's own address, unicast to each peer.
#include <mainstay/plugin.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "common/text.hpp"
#include "common/unique_fd.hpp"
#include "interface.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace kit = mainstay::kit;
namespace udp = mainstay::heartbeat_udp;

constexpr std::int64_t check_period_us = 500'000;
constexpr std::int64_t first_back_off_us = 50'000;
constexpr std::int64_t last_back_off_us = 2'000'000;

class udp_link {
public:
    static constexpr sdk::about about{"heartbeat-udp", "1.0", "heartbeats as UDP datagrams, unicast to each peer"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "address",
                   .type = sdk::type::address,
                   .scope = sdk::scope::node,
                   .required = true,
                   .help = "the node's own IPv4 or IPv6 address on this link"},
        sdk::param{.name = "port",
                   .type = sdk::type::integer,
                   .fallback = "5405",
                   .minimum = 1,
                   .maximum = 65535,
                   .help = "UDP port, the same on all nodes; another one for each link that shares an address"},
        sdk::param{.name = "interface",
                   .scope = sdk::scope::either,
                   .help = "send and receive through this interface only; default: as the routes say"},
        sdk::param{.name = "dscp",
                   .type = sdk::type::integer,
                   .fallback = "48",
                   .minimum = 0,
                   .maximum = 63,
                   .help = "DSCP mark of the datagrams (48 = network control)"},
        sdk::param{.name = "mtu",
                   .type = sdk::type::integer,
                   .unit = "bytes",
                   .fallback = "1400",
                   .minimum = 512,
                   .maximum = 65000,
                   .help = "largest datagram; what fits the network without fragments"},
        sdk::param{
            .name = "direct_cable",
            .type = sdk::type::boolean,
            .fallback = "no",
            .help = "the two nodes are joined by a cable without a switch: lost carrier may be the peer's death"}};

    explicit udp_link(const sdk::setup& setup) : params_(setup.params), host_(setup.host), own_(setup.own_index) {
        if (setup.find(setup.own_node) == nullptr)
            throw sdk::refused("this link does not serve the node " + setup.own_node);
        auto port = static_cast<std::uint16_t>(params_.integer("port"));
        for (const auto& node : setup.nodes) {
            peer entry;
            entry.name = node.name;
            if (!udp::parse_address(node.params.text("address"), port, entry.address))
                throw sdk::refused("node " + node.name + ": address '" + node.params.text("address") +
                                   "' is neither an IPv4 nor an IPv6 address");
            peers_.push_back(std::move(entry));
        }
        for (const auto& entry : peers_)
            if (entry.address.ss_family != peers_[own_].address.ss_family)
                throw sdk::refused("node " + entry.name +
                                   ": its address is of another IP version; one link has one version");
        interface_ = setup.nodes[own_].params.text("interface");
        if (params_.boolean("direct_cable") && peers_.size() != 2)
            throw sdk::refused("direct_cable joins two nodes, this link has " + std::to_string(peers_.size()));
    }

    sdk::answer open(std::int64_t now) {
        next_check_ = now;
        auto problem = open_socket();
        if (problem.empty()) {
            back_off_ = first_back_off_us;
            problem_.clear();
            return {sdk::outcome::ok, {}};
        }
        retry_at_ = now + back_off_;
        back_off_ = std::min(back_off_ * 2, last_back_off_us);
        if (problem != problem_) host_.log(sdk::severity::warning, problem);
        problem_ = problem;
        return {sdk::outcome::failed, std::move(problem)};
    }

    void close() { socket_.reset(); }
    [[nodiscard]] int fd() const { return socket_.get(); }
    [[nodiscard]] static bool wants_write() { return false; }

    std::int64_t tick(std::int64_t now) {
        if (!socket_ && now >= retry_at_) open(now);
        // With every beat: who is silent because of this interface must not take the others for dead.
        bool known = socket_ && udp::look_again(socket_.get(), carrier_);
        if (now >= next_check_ || (!known && !carrier_.name.empty())) {
            carrier_ = udp::find_interface(peers_[own_].address);
            next_check_ = now + check_period_us;
        }
        return socket_ ? next_check_ : std::min(next_check_, retry_at_);
    }

    bool send(std::int64_t now, std::uint32_t to, sdk::send_kind /*kind*/, std::span<const std::uint8_t> data) {
        if (!socket_ || data.size() > mtu()) return false;
        if (to != sdk::all_peers) return to < peers_.size() && send_one(now, peers_[to], data);
        bool any = false;
        for (std::size_t i = 0; i < peers_.size() && socket_; ++i)
            if (i != own_) any |= send_one(now, peers_[i], data);
        return any;
    }

    std::size_t receive(std::int64_t /*now*/, std::span<std::uint8_t> buffer) {
        // Foreign datagrams are passed over, a bounded number of them per call.
        for (int i = 0; socket_ && i < 64; ++i) {
            sockaddr_storage from{};
            socklen_t length = sizeof from;
            auto size = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC,
                                   reinterpret_cast<sockaddr*>(&from), &length);
            if (size < 0 && errno == EINTR) continue;
            if (size <= 0) return 0;
            if (static_cast<std::size_t>(size) > buffer.size()) {
                ++too_long_;
            } else if (std::none_of(peers_.begin(), peers_.end(),
                                    [&](const peer& known) { return udp::same_host(known.address, from); })) {
                ++foreign_;
            } else {
                ++received_;
                return static_cast<std::size_t>(size);
            }
        }
        return 0;
    }

    [[nodiscard]] std::size_t mtu() const { return static_cast<std::size_t>(params_.integer("mtu")); }
    [[nodiscard]] static std::int64_t frame_time_us(std::size_t /*size*/) { return 0; }
    [[nodiscard]] bool is_point_to_point() const { return params_.boolean("direct_cable"); }

    [[nodiscard]] sdk::link_report link_state() const {
        sdk::link_report report{sdk::link::ok, fault(), {}};
        if (!report.text.empty()) report.state = sdk::link::local_fault;
        report.counters = {{"sent", std::to_string(sent_)},
                           {"received", std::to_string(received_)},
                           {"send_errors", std::to_string(send_errors_)},
                           {"foreign", std::to_string(foreign_)},
                           {"too_long", std::to_string(too_long_)}};
        return report;
    }

private:
    struct peer {
        std::string name;
        sockaddr_storage address{};
        int last_error = 0;  // of the newest send to it
    };

    std::string open_socket() {
        const auto& own = peers_[own_].address;
        socket_.reset(::socket(own.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!socket_) return "no socket: " + kit::error_text(errno);
        auto set = [this](int level, int option, int value) {
            return ::setsockopt(socket_.get(), level, option, &value, sizeof value);
        };
        const int mark = static_cast<int>(params_.integer("dscp")) << 2;
        if (own.ss_family == AF_INET) {
            set(IPPROTO_IP, IP_TOS, mark);
        } else {
            set(IPPROTO_IPV6, IPV6_TCLASS, mark);
            set(IPPROTO_IPV6, IPV6_V6ONLY, 1);
        }
        set(SOL_SOCKET, SO_PRIORITY, 6);
        if (!interface_.empty() && ::setsockopt(socket_.get(), SOL_SOCKET, SO_BINDTODEVICE, interface_.data(),
                                                static_cast<socklen_t>(interface_.size())) != 0)
            return drop("can't use interface " + interface_ + ": " + kit::error_text(errno));
        if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), udp::size_of(own)) != 0)
            return drop("can't bind to the node's own address, port " + params_.text("port") + ": " +
                        kit::error_text(errno));
        return {};
    }

    std::string drop(std::string problem) {
        socket_.reset();
        return problem;
    }

    bool send_one(std::int64_t now, peer& to, std::span<const std::uint8_t> data) {
        auto size = ::sendto(socket_.get(), data.data(), data.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&to.address), udp::size_of(to.address));
        if (size >= 0) {
            to.last_error = 0;
            ++sent_;
            return true;
        }
        ++send_errors_;
        // A full queue says nothing about the link, and a neighbour that does not answer is the
        // peer's matter.
        if (errno == EAGAIN || errno == ENOBUFS || errno == EHOSTUNREACH) return false;
        to.last_error = errno;
        // The device is another one than the socket was bound to, or the address has gone.
        if (errno == ENODEV || errno == EADDRNOTAVAIL || errno == EINVAL || errno == ENXIO) {
            problem_ = "can't send: " + kit::error_text(errno);
            host_.log(sdk::severity::warning, problem_);
            socket_.reset();
            retry_at_ = now + back_off_;
        }
        return false;
    }

    // What is wrong on this node, empty = nothing.
    [[nodiscard]] std::string fault() const {
        if (!socket_) return problem_.empty() ? "not open" : problem_;
        if (carrier_.name.empty()) return "no interface has the node's own address";
        if (!carrier_.up) return "interface " + carrier_.name + " is set down";
        if (!carrier_.carrier && !is_point_to_point()) return "interface " + carrier_.name + " has no carrier";
        int error = 0;
        for (std::size_t i = 0; i < peers_.size(); ++i) {
            if (i == own_) continue;
            if (peers_[i].last_error == 0) return {};
            error = peers_[i].last_error;
        }
        return error == 0 ? std::string{} : "no datagram can be sent: " + kit::error_text(error);
    }

    sdk::values params_;
    sdk::host host_;
    std::size_t own_;
    std::vector<peer> peers_;
    std::string interface_;
    kit::unique_fd socket_;
    std::string problem_;
    udp::interface_state carrier_{"?", true, true};
    std::int64_t back_off_ = first_back_off_us;
    std::int64_t retry_at_ = 0;
    std::int64_t next_check_ = 0;
    std::uint64_t sent_ = 0, received_ = 0, send_errors_ = 0, foreign_ = 0, too_long_ = 0;
};

}  // namespace

MAINSTAY_HEARTBEAT_PLUGIN(udp_link)
