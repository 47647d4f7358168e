// Where this node's files are and how it is called.
#pragma once

#include <string>

namespace mainstay::runtime {

struct options {
    std::string config_dir = "/etc/mainstay";
    std::string state_dir = "/var/lib/mainstay";
    std::string run_dir = "/run/mainstay";
    std::string log_dir = "/var/log/mainstay";
    std::string plugin_dir;
    std::string plugin_host;  // program; empty = beside the daemon
    std::string node;         // own name
    int guard_fd = -1;        // socket to mainstay-guard
    // As the guard's: should it die, the daemon fails the node on purpose (D9).
    std::string reset_command;
    bool allow_reboot = false;
};

}  // namespace mainstay::runtime
