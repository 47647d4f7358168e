#include "runtime/host_addresses.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace mainstay::runtime {

namespace {

// As resources/relocatable-ip marks what it adds.
constexpr std::string_view own_mark = ":ms";

bool has_begun(const std::map<std::string, node::runner>& runners, const ip_address& address) {
    auto is_it = [&address](const std::string& text) { return parse_address(text) == address; };
    return std::any_of(runners.begin(), runners.end(), [&](const auto& item) {
        const auto& by_script = item.second.parts().addresses;
        const auto& own = item.second.own().addresses;
        return std::any_of(by_script.begin(), by_script.end(), [&](const auto& each) { return is_it(each.first); }) ||
               std::any_of(own.begin(), own.end(), [&](const auto& each) { return is_it(each.address); });
    });
}

}  // namespace

std::vector<host_address> host_addresses() {
    ifaddrs* raw = nullptr;
    if (::getifaddrs(&raw) != 0) return {};
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(raw, ::freeifaddrs);
    std::vector<host_address> out;
    for (const auto* item = raw; item != nullptr; item = item->ifa_next) {
        if (item->ifa_addr == nullptr) continue;
        host_address found{item->ifa_name, {}};
        if (item->ifa_addr->sa_family == AF_INET) {
            std::memcpy(found.address.octets.data(), &reinterpret_cast<const sockaddr_in*>(item->ifa_addr)->sin_addr,
                        4);
        } else if (item->ifa_addr->sa_family == AF_INET6) {
            found.address.v6 = true;
            std::memcpy(found.address.octets.data(), &reinterpret_cast<const sockaddr_in6*>(item->ifa_addr)->sin6_addr,
                        16);
        } else {
            continue;
        }
        out.push_back(std::move(found));
    }
    return out;
}

std::string against_host_address(const node::script_call& asked, const std::vector<host_address>& here,
                                 const std::map<std::string, node::runner>& runners) {
    bool about_address =
        asked.verb == node::script_verb::add_address || asked.verb == node::script_verb::remove_address;
    auto address = about_address ? parse_address(asked.name) : std::nullopt;
    if (!address) return {};
    auto found = std::find_if(here.begin(), here.end(), [&](const auto& item) {
        return item.address == *address && !item.label.ends_with(own_mark);
    });
    if (found == here.end() || has_begun(runners, *address)) return {};
    return asked.name + " is an address of this node's own, on " + found->label +
           ": a package can neither add nor remove it";
}

}  // namespace mainstay::runtime
