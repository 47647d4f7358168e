// Addresses, links and routes of this network namespace, over netlink. One thread. Errors are
// sentences; empty = done.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "address.hpp"
#include "common/unique_fd.hpp"

struct nl_sock;
struct nl_msg;

namespace mainstay::relocatable_ip {

// Marks addresses and routes as ours (`ip addr` shows it as proto 0x4d, `ip route` as proto 77).
inline constexpr std::uint8_t own_protocol = 77;

struct link {
    int index = 0;
    std::string name;
    bool up = false;
    bool carrier = false;
    bool loopback = false;
    mac hardware{};
};

struct assigned_address {
    int link_index = 0;
    address local;
    unsigned prefix = 0;
};

struct route {
    address gateway;
    int link_index = 0;
    std::uint32_t metric = 0;
    std::optional<address> source;
};

class kernel {
public:
    kernel();  // throws sdk::refused when netlink is not there

    [[nodiscard]] std::vector<link> links();
    [[nodiscard]] std::vector<assigned_address> addresses(int family);

    // Adds and waits until the kernel says that the address is live. Being there already is fine.
    std::string add(const assigned_address& what, const std::string& link_name, std::chrono::milliseconds patience);
    std::string remove(const assigned_address& what);  // not being there is fine

    std::string add_default(const route& what);  // ours being there already is fine
    std::string remove_default(const route& what);

private:
    using message = std::unique_ptr<nl_msg, void (*)(nl_msg*)>;
    int send(message request);
    [[nodiscard]] bool has_own_default(const route& what);

    std::unique_ptr<nl_sock, void (*)(nl_sock*)> socket_;
    kit::unique_fd events_;  // RTM_NEWADDR of both families
};

}  // namespace mainstay::relocatable_ip
