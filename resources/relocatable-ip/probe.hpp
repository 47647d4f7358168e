// Is an address in use by another machine on this link? Asks a few times and listens.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "address.hpp"
#include "announcer.hpp"

namespace mainstay::relocatable_ip {

struct probe_result {
    std::optional<mac> owner;  // somebody else answered; all zero = without its hardware address
    std::string problem;       // the probe itself failed
};

[[nodiscard]] probe_result probe(frame_sender& sender, const address& who, int link_index, const mac& own,
                                 std::chrono::milliseconds patience);

}  // namespace mainstay::relocatable_ip
