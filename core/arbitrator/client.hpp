// Asks a mainstay-arbitrator and waits for the answer. For plugins and hactl.
#pragma once

#include <chrono>
#include <string>

#include "arbitrator/message.hpp"

namespace mainstay::arbitrator {

struct server_place {
    std::string hosts;  // names or addresses of one server, blank between: all are asked, the first answer counts
    std::uint16_t port = port_default;
    secret::key key{};
    std::chrono::milliseconds resend{200};  // a lost datagram costs this
};

// `asked.id` is made here. The error says that there was no answer, and why that may be.
[[nodiscard]] result<reply> ask(const server_place& where, question asked, std::chrono::milliseconds patience);

}  // namespace mainstay::arbitrator
