// Addresses that this machine has apart from the cluster: a control script's cmmodnet may not touch them (SG 3.12).
#pragma once

#include <string>
#include <vector>

#include "model/address.hpp"
#include "node/io.hpp"
#include "node/runner.hpp"

namespace mainstay::runtime {

struct host_address {
    std::string label;  // eth0; eth0:ms of an IPv4 address that relocatable-ip has added
    ip_address address;
};

// Of all interfaces. Empty too when the kernel does not tell.
[[nodiscard]] std::vector<host_address> host_addresses();

// Why this call may not be carried out; empty = it may, or it is about no address. One that a generation here has
// begun is the package's, whoever has put it there.
[[nodiscard]] std::string against_host_address(const node::script_call& asked, const std::vector<host_address>& here,
                                               const std::map<std::string, node::runner>& runners);

}  // namespace mainstay::runtime
