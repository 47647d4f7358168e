#include "kernel.hpp"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <mainstay/values.hpp>
#include <stdexcept>

#include "common/text.hpp"

namespace mainstay::relocatable_ip {

namespace {

using clock = std::chrono::steady_clock;
// Since Linux 5.18; older kernels pass over it. Not in the headers of every build machine.
constexpr int attribute_protocol = 11;

template <class Object>
using cache = std::unique_ptr<nl_cache, Object>;

address to_address(nl_addr* raw) {
    address result;
    if (raw == nullptr) return result;
    result.family = nl_addr_get_family(raw);
    auto size = std::min<std::size_t>(nl_addr_get_len(raw), result.octets.size());
    std::memcpy(result.octets.data(), nl_addr_get_binary_addr(raw), size);
    return result;
}

void put(nl_msg* request, int type, const address& value) {
    nla_put(request, type, static_cast<int>(value.size()), value.octets.data());
}

// Walks one RTM_NEWADDR: is it `wanted`, and no longer tentative?
bool is_live(const nlmsghdr* head, const assigned_address& wanted) {
    if (head->nlmsg_type != RTM_NEWADDR) return false;
    const auto* body = static_cast<const ifaddrmsg*>(NLMSG_DATA(head));
    if (static_cast<int>(body->ifa_index) != wanted.link_index || body->ifa_family != wanted.local.family) return false;
    std::uint32_t flags = body->ifa_flags;
    bool same = false;
    auto left = static_cast<int>(IFA_PAYLOAD(head));
    for (const auto* item = IFA_RTA(body); RTA_OK(item, left); item = RTA_NEXT(item, left)) {
        if (item->rta_type == IFA_FLAGS) std::memcpy(&flags, RTA_DATA(item), sizeof flags);
        if (item->rta_type == IFA_LOCAL || (item->rta_type == IFA_ADDRESS && wanted.local.family == AF_INET6))
            same |= std::memcmp(RTA_DATA(item), wanted.local.octets.data(), wanted.local.size()) == 0;
    }
    return same && (flags & IFA_F_TENTATIVE) == 0;
}

bool wait_until_live(int events, const assigned_address& wanted, clock::time_point deadline) {
    alignas(nlmsghdr) std::array<char, 16 * 1024> buffer{};
    while (true) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
        pollfd readable{events, POLLIN, 0};
        if (left <= 0 || (::poll(&readable, 1, static_cast<int>(left)) <= 0 && errno != EINTR)) return false;
        auto size = ::recv(events, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size <= 0) continue;
        auto rest = static_cast<unsigned>(size);
        for (const auto* head = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(head, rest);
             head = NLMSG_NEXT(head, rest))
            if (is_live(head, wanted)) return true;
    }
}

kit::unique_fd open_events() {
    kit::unique_fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    sockaddr_nl name{};
    name.nl_family = AF_NETLINK;
    name.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if (fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) fd.reset();
    return fd;
}

void drain(int fd) {
    std::array<char, 16 * 1024> buffer{};
    while (::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT) > 0 || errno == ENOBUFS) errno = 0;
}

std::string words(int code) { return nl_geterror(code); }

}  // namespace

kernel::kernel() : socket_(nl_socket_alloc(), nl_socket_free), events_(open_events()) {
    if (!socket_ || !events_) throw sdk::refused("no netlink socket: " + kit::error_text(errno));
    if (int code = nl_connect(socket_.get(), NETLINK_ROUTE); code < 0)
        throw sdk::refused("can't connect to netlink: " + words(code));
}

std::vector<link> kernel::links() {
    nl_cache* raw = nullptr;
    if (int wrong = rtnl_link_alloc_cache(socket_.get(), AF_UNSPEC, &raw); wrong < 0)
        throw std::runtime_error(std::string("the interfaces can't be read: ") + nl_geterror(wrong));
    const std::unique_ptr<nl_cache, void (*)(nl_cache*)> owner(raw, nl_cache_free);
    std::vector<link> result;
    for (auto* object = nl_cache_get_first(raw); object != nullptr; object = nl_cache_get_next(object)) {
        auto* item = reinterpret_cast<rtnl_link*>(object);
        const auto flags = rtnl_link_get_flags(item);
        link entry{rtnl_link_get_ifindex(item), rtnl_link_get_name(item),    (flags & IFF_UP) != 0,
                   (flags & IFF_LOWER_UP) != 0, (flags & IFF_LOOPBACK) != 0, {}};
        if (auto* hardware = rtnl_link_get_addr(item);
            hardware != nullptr && nl_addr_get_len(hardware) == entry.hardware.size())
            std::memcpy(entry.hardware.data(), nl_addr_get_binary_addr(hardware), entry.hardware.size());
        result.push_back(std::move(entry));
    }
    return result;
}

std::vector<assigned_address> kernel::addresses(int family) {
    nl_cache* raw = nullptr;
    // Not having looked is not "it has none": an exception is answered as unknown.
    if (int wrong = rtnl_addr_alloc_cache(socket_.get(), &raw); wrong < 0)
        throw std::runtime_error(std::string("the addresses can't be read: ") + nl_geterror(wrong));
    const std::unique_ptr<nl_cache, void (*)(nl_cache*)> owner(raw, nl_cache_free);
    std::vector<assigned_address> result;
    for (auto* object = nl_cache_get_first(raw); object != nullptr; object = nl_cache_get_next(object)) {
        auto* item = reinterpret_cast<rtnl_addr*>(object);
        if (rtnl_addr_get_family(item) != family) continue;
        result.push_back({rtnl_addr_get_ifindex(item), to_address(rtnl_addr_get_local(item)),
                          static_cast<unsigned>(rtnl_addr_get_prefixlen(item))});
    }
    return result;
}

// 0, or a negative libnl error number.
int kernel::send(message request) {
    // nl_send_sync takes the message over, whatever comes out.
    return nl_send_sync(socket_.get(), request.release());
}

std::string kernel::add(const assigned_address& what, const std::string& link_name,
                        std::chrono::milliseconds patience) {
    drain(events_.get());
    message request(nlmsg_alloc_simple(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL), nlmsg_free);
    ifaddrmsg body{};
    body.ifa_family = static_cast<std::uint8_t>(what.local.family);
    body.ifa_prefixlen = static_cast<std::uint8_t>(what.prefix);
    body.ifa_index = static_cast<unsigned>(what.link_index);
    nlmsg_append(request.get(), &body, sizeof body, NLMSG_ALIGNTO);
    put(request.get(), IFA_LOCAL, what.local);
    put(request.get(), IFA_ADDRESS, what.local);
    // Duplicate address detection would keep an IPv6 address tentative for a second or two; whether
    // somebody else has it was the probe's question.
    if (what.local.family == AF_INET6) nla_put_u32(request.get(), IFA_FLAGS, IFA_F_NODAD);
    nla_put_u8(request.get(), attribute_protocol, own_protocol);
    if (what.local.family == AF_INET) {
        const auto label = link_name + ":ms";
        if (label.size() < IFNAMSIZ) nla_put_string(request.get(), IFA_LABEL, label.c_str());
    }
    const int code = send(std::move(request));
    if (code == -NLE_EXIST) return {};
    if (code < 0) return "can't be added to " + link_name + ": " + words(code);
    if (!wait_until_live(events_.get(), what, clock::now() + patience))
        return "was added to " + link_name + ", but the kernel did not report it as usable";
    return {};
}

std::string kernel::remove(const assigned_address& what) {
    message request(nlmsg_alloc_simple(RTM_DELADDR, 0), nlmsg_free);
    ifaddrmsg body{};
    body.ifa_family = static_cast<std::uint8_t>(what.local.family);
    body.ifa_prefixlen = static_cast<std::uint8_t>(what.prefix);
    body.ifa_index = static_cast<unsigned>(what.link_index);
    nlmsg_append(request.get(), &body, sizeof body, NLMSG_ALIGNTO);
    put(request.get(), IFA_LOCAL, what.local);
    const int code = send(std::move(request));
    if (code < 0 && code != -NLE_NOADDR && code != -NLE_NODEV) return "can't be removed: " + words(code);
    return {};
}

namespace {
void fill_default(nl_msg* request, const route& what) {
    rtmsg body{};
    body.rtm_family = static_cast<std::uint8_t>(what.gateway.family);
    body.rtm_table = RT_TABLE_MAIN;
    body.rtm_protocol = own_protocol;
    body.rtm_scope = RT_SCOPE_UNIVERSE;
    body.rtm_type = RTN_UNICAST;
    nlmsg_append(request, &body, sizeof body, NLMSG_ALIGNTO);
    put(request, RTA_GATEWAY, what.gateway);
    nla_put_u32(request, RTA_OIF, static_cast<std::uint32_t>(what.link_index));
    if (what.metric != 0) nla_put_u32(request, RTA_PRIORITY, what.metric);
    if (what.source) put(request, RTA_PREFSRC, *what.source);
}
}  // namespace

std::string kernel::add_default(const route& what) {
    message request(nlmsg_alloc_simple(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL), nlmsg_free);
    fill_default(request.get(), what);
    const int code = send(std::move(request));
    if (code == -NLE_EXIST)
        return has_own_default(what) ? std::string{}
                                     : "there is another default route with this metric; set route_metric";
    if (code < 0) return "the default route via " + to_string(what.gateway) + " can't be added: " + words(code);
    return {};
}

std::string kernel::remove_default(const route& what) {
    message request(nlmsg_alloc_simple(RTM_DELROUTE, 0), nlmsg_free);
    fill_default(request.get(), what);
    const int code = send(std::move(request));
    if (code < 0 && code != -NLE_OBJ_NOTFOUND && code != -NLE_NODEV)
        return "the default route via " + to_string(what.gateway) + " can't be removed: " + words(code);
    return {};
}

bool kernel::has_own_default(const route& what) {
    nl_cache* raw = nullptr;
    if (rtnl_route_alloc_cache(socket_.get(), what.gateway.family, 0, &raw) < 0) return false;
    const std::unique_ptr<nl_cache, void (*)(nl_cache*)> owner(raw, nl_cache_free);
    for (auto* object = nl_cache_get_first(raw); object != nullptr; object = nl_cache_get_next(object)) {
        auto* item = reinterpret_cast<rtnl_route*>(object);
        auto* hop = rtnl_route_get_nnexthops(item) > 0 ? rtnl_route_nexthop_n(item, 0) : nullptr;
        if (hop == nullptr || rtnl_route_get_protocol(item) != own_protocol) continue;
        if (to_address(rtnl_route_nh_get_gateway(hop)) == what.gateway &&
            rtnl_route_nh_get_ifindex(hop) == what.link_index && nl_addr_get_len(rtnl_route_get_dst(item)) == 0)
            return true;
    }
    return false;
}

}  // namespace mainstay::relocatable_ip
