// The command line of hactl: noun, verb, arguments. Everything outside comes in as `surroundings`,
// so that tests run whole commands against a scripted server.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hactl/connection.hpp"
#include "hactl/console.hpp"

namespace mainstay::hactl {

struct surroundings {
    console to;
    // Of the administration socket; hactl --socket and MAINSTAY_SOCKET choose the path.
    std::function<tl::expected<connection, call_error>(const std::string& path)> connect;
    std::string default_socket = "/run/mainstay/admin.sock";
    std::string config_dir = "/etc/mainstay";
    std::string state_dir = "/var/lib/mainstay";
    std::string node;         // name of this machine, for checks without a daemon
    std::string process;      // MAINSTAY_PROCESS: which script of a package calls; empty = none
    std::string plugin_dir;   // for the same
    std::string plugin_host;  // program that looks at them
    std::string version;
    std::vector<std::string> environment;  // NAME=VALUE, of cmgetpkgenv's caller
};

// What was asked for, after options were taken out.
struct invocation {
    std::vector<std::string> words;  // noun, verb, arguments; without the two once a command is found
    std::string socket;
    std::string node;
    std::string package;
    std::string reason;
    std::string until;
    std::string on;
    std::string at;
    std::string file;
    std::string plugin_dir;
    std::string state_dir;
    std::string certify_down;  // names of nodes, comma between
    std::string remove;        // names of packages, comma between, or all
    std::int64_t limit = 50;
    std::int64_t wait_ms = 30'000;
    bool json = false;
    bool offline = false;
    bool abandon = false;
    bool force = false;
    bool yes = false;
    std::uint16_t port = 5406;
    bool help = false;
    bool version = false;
    std::vector<std::string> options;  // names of those given
    bool plan = false;
    std::string plan_id;
    std::string to;                    // package start: the last step that is taken
    std::vector<std::string> without;  // package start: steps that are left out
    bool partial = false;              // package halt: only what was started partly
    std::vector<std::string> files;    // of simulate without mainstayd
    // Of simulate: what is to happen, in the order written. An --apply has several files.
    std::vector<std::pair<std::string, std::vector<std::string>>> happenings;
};

struct option_help {
    std::string name;  // without the dashes
    std::string text;
};

// The error is a sentence for the administrator.
[[nodiscard]] result<invocation> read_options(const std::vector<std::string>& arguments, const surroundings& around);
[[nodiscard]] std::vector<option_help> all_options();

// Runs one command; its exit code. `arguments` without the program's name.
[[nodiscard]] exit_code run(const std::vector<std::string>& arguments, const surroundings& around);

}  // namespace mainstay::hactl
