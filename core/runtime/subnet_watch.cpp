#include <utility>

#include "runtime/subnet_watch.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

#include "model/address.hpp"

namespace mainstay::runtime {

namespace asio = boost::asio;

namespace {

std::optional<ip_address> address_of(const sockaddr* from) {
    if (from == nullptr) return std::nullopt;
    ip_address out;
    if (from->sa_family == AF_INET) {
        std::memcpy(out.octets.data(), &reinterpret_cast<const sockaddr_in*>(from)->sin_addr, 4);
        return out;
    }
    if (from->sa_family != AF_INET6) return std::nullopt;
    out.v6 = true;
    std::memcpy(out.octets.data(), &reinterpret_cast<const sockaddr_in6*>(from)->sin6_addr, 16);
    return out;
}

// Messages about links and addresses; what they say is not read, they are the word to look.
int open_events() {
    int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0) return -1;
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    own.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0) return fd;
    int problem = errno;
    ::close(fd);
    errno = problem;
    return -1;
}

}  // namespace

std::optional<subnet_view> look_at_subnets(const std::vector<std::string>& subnets) {
    subnet_view seen;
    if (subnets.empty()) return seen;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return std::nullopt;
    for (const auto& text : subnets) {
        auto subnet = parse_subnet(text);
        bool up = false;
        for (const auto* item = all; item != nullptr && subnet && !up; item = item->ifa_next) {
            auto address = address_of(item->ifa_addr);
            // The kernel's word for carrier, and what a bond or a bridge makes of its parts.
            bool works = (item->ifa_flags & IFF_UP) != 0 && (item->ifa_flags & IFF_RUNNING) != 0;
            up = works && address && contains(*subnet, *address);
        }
        seen.emplace_back(text, up);
    }
    if (all != nullptr) ::freeifaddrs(all);
    return seen;
}

struct subnet_watch::inside {
    inside(asio::io_context& loop, changed_handler on_change, log_handler on_log)
        : events(loop), again(loop), changed(std::move(on_change)), log(std::move(on_log)) {}

    void open() {
        if (events.is_open()) return;
        int fd = open_events();
        if (fd < 0) {
            log("error", std::string("no word of interfaces from the kernel: ") + std::strerror(errno));
            return;
        }
        events.assign(fd);
        wait();
    }

    void wait() {
        events.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
            if (error) return;
            // Lost messages (ENOBUFS) mean the same as messages.
            std::array<char, 16384> ignored;
            while (::recv(events.native_handle(), ignored.data(), ignored.size(), MSG_DONTWAIT) > 0 || errno == EINTR) {
            }
            look();
            wait();
        });
    }

    void look() {
        auto seen = look_at_subnets(subnets);
        if (!seen) {
            // Not having looked is no word about them: what was told last holds.
            log("error", std::string("the interfaces can't be read: ") + std::strerror(errno));
            again.expires_after(std::chrono::seconds(1));
            again.async_wait([this](boost::system::error_code failed) {
                if (!failed) look();
            });
            return;
        }
        if (*seen == told) return;
        told = *seen;
        changed(*seen);
    }

    asio::posix::stream_descriptor events;
    asio::steady_timer again;
    changed_handler changed;
    log_handler log;
    std::vector<std::string> subnets;
    subnet_view told;
};

subnet_watch::subnet_watch(asio::io_context& loop, changed_handler changed, log_handler log)
    : inside_(std::make_unique<inside>(loop, std::move(changed), std::move(log))) {}
subnet_watch::~subnet_watch() = default;

void subnet_watch::watch(std::vector<std::string> subnets) {
    inside_->subnets = std::move(subnets);
    if (!inside_->subnets.empty()) inside_->open();
    inside_->look();
}

}  // namespace mainstay::runtime
