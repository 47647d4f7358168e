// What a generation has begun here and not ended, as its record has it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/time.hpp"

namespace mainstay::node {

// What the control script of a generation has begun with cmrunserv and cmmodnet: nobody else knows it (SG 3.12).
struct script_parts {
    struct service {
        std::string command;
        std::optional<std::uint32_t> restart_max = 0;  // nullopt = unlimited
        std::uint32_t restarts = 0;                    // so far
        bool operator==(const service&) const = default;
        static void fields(auto& self, auto&& visit) {
            visit("command", self.command);
            visit("restart_max", self.restart_max);
            visit("restarts", self.restarts);
        }
    };
    std::map<std::string, service> services;
    std::map<std::string, std::string> addresses;  // address, subnet
    bool operator==(const script_parts&) const = default;
    [[nodiscard]] bool empty() const { return services.empty() && addresses.empty(); }
    static void fields(auto& self, auto&& visit) {
        visit("services", self.services);
        visit("addresses", self.addresses);
    }
};

// What of the configuration's services, addresses, external scripts and storage a generation has begun here and not
// ended, whatever the configuration says by now (SG 3.11): that is what has to be halted.
struct own_parts {
    struct service {
        std::string name;
        std::string command;
        duration halt_timeout{0};
        bool leaving = false;  // on record before it is told to end: its end is no failure
        bool operator==(const service&) const = default;
        static void fields(auto& self, auto&& visit) {
            visit("name", self.name);
            visit("command", self.command);
            visit("halt_timeout", self.halt_timeout);
            visit("leaving", self.leaving);
        }
    };
    struct ip_address {
        std::string address;
        std::string subnet;
        bool up = true;  // false: to be added, or on its way
        bool operator==(const ip_address&) const = default;
        static void fields(auto& self, auto&& visit) {
            visit("address", self.address);
            visit("subnet", self.subnet);
            visit("up", self.up);
        }
    };
    struct script {
        std::string path;
        bool pre = false;  // an external_pre_script
        bool up = true;    // false: its start is still to end
        bool operator==(const script&) const = default;
        static void fields(auto& self, auto&& visit) {
            visit("path", self.path);
            visit("pre", self.pre);
            visit("up", self.up);
        }
    };
    // A volume group by its name, or a file system by its directory.
    struct storage {
        std::string name;
        bool group = false;
        bool up = true;  // false: to be added, or on its way
        bool operator==(const storage&) const = default;
        static void fields(auto& self, auto&& visit) {
            visit("name", self.name);
            visit("group", self.group);
            visit("up", self.up);
        }
    };
    std::vector<service> services;
    std::vector<ip_address> addresses;
    std::optional<std::vector<script>> scripts;       // nothing: those of the configuration, which can't change
    std::optional<std::vector<storage>> stored = {};  // ... in the order of a start
    bool operator==(const own_parts&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("services", self.services);
        visit("addresses", self.addresses);
        visit("scripts", self.scripts);
        visit("stored", self.stored);
    }
};

}  // namespace mainstay::node
