// What mainstayd and mainstay-guard say to each other (D9): one message per datagram of a
// SOCK_SEQPACKET socket pair, encoded by model/codec.hpp. The daemon finds its end at --guard-fd.
// The daemon starts with `hello`; before that the guard says nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/codec.hpp"
#include "model/ids.hpp"
#include "model/time.hpp"

namespace mainstay::guard {

// Raised when a message changes; both programs come from one package, so they must be equal.
inline constexpr std::uint32_t protocol_version = 4;
inline constexpr std::size_t message_bytes_max = 1U << 20U;
inline constexpr std::size_t tail_bytes_max = 4096;

// ---- daemon to guard -------------------------------------------------------------------------

struct daemon_hello {
    std::uint32_t version = protocol_version;
    static void fields(auto& self, auto&& visit) { visit("version", self.version); }
};

// Answered by `started` or `start_failed`, later by `exited`. A shell command is
// {"/bin/sh", "-c", command}.
struct start_process {
    request_id request;   // never used twice, not by a later daemon either
    std::string label;    // run_script, service:probe, plugin:strip
    std::string package;  // ends with the lease; empty = belongs to no package
    std::vector<std::string> argv;
    // The whole environment; PATH is added when it is missing, and MAINSTAY_PROCESS always.
    std::vector<std::pair<std::string, std::string>> environment;
    std::string directory = "/";
    std::string log_file;             // absolute; empty = LOG_DIR/LABEL.log
    std::optional<duration> timeout;  // then SIGTERM, and SIGKILL after `grace`
    duration grace{5'000'000};
    // File descriptor 3 of the process is one end of a stream socket pair; the other end comes
    // with `started`.
    bool wants_socket = false;
    // When its first process has ended, whatever it left behind is killed (services). Otherwise
    // what it left goes on running (a script that starts a server).
    bool ends_whole = false;
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("label", self.label);
        visit("package", self.package);
        visit("argv", self.argv);
        visit("environment", self.environment);
        visit("directory", self.directory);
        visit("log_file", self.log_file);
        visit("timeout", self.timeout);
        visit("grace", self.grace);
        visit("wants_socket", self.wants_socket);
        visit("ends_whole", self.ends_whole);
    }
};

// SIGTERM, then SIGKILL after `grace`. Its end arrives as `exited`. Nothing happens when the
// process is gone.
struct kill_process {
    request_id request;
    duration grace{0};
    // False: a plugin host. It is killed at once with what the call under way has started; servers that
    // earlier calls started go on.
    bool whole_tree = true;
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("grace", self.grace);
        visit("whole_tree", self.whole_tree);
    }
};

// Past `end` (CLOCK_BOOTTIME) the guard kills all package processes and resets the node, unless a
// later lease came or no package runs here. The last one binds even when the daemon is gone.
struct set_lease {
    time_point end;
    bool packages = false;
    // Packages run here and are to run on, whatever becomes of the daemon and of the guard: no lease binds them.
    bool detached = false;
    static void fields(auto& self, auto&& visit) {
        visit("end", self.end);
        visit("packages", self.packages);
        visit("detached", self.detached);
    }
};

// The result of `request` is safe with the daemon. What was not acknowledged is told again to the
// next daemon: a crash must not lose the end of a script.
struct got_exit {
    request_id request;
    static void fields(auto& self, auto&& visit) { visit("request", self.request); }
};

// The plugin host that was at this call is gone: what the call has started is killed. Answered by
// `call_ended` when nothing of it is left.
struct end_call {
    request_id call;  // as in MAINSTAY_CALL
    static void fields(auto& self, auto&& visit) { visit("call", self.call); }
};

struct reset_node {
    std::string reason;
    static void fields(auto& self, auto&& visit) { visit("reason", self.reason); }
};

// The daemon is about to exit for good: it is not started again, what it left is killed (unless packages are
// detached), and the guard ends.
struct shut_down {
    static void fields(auto&, auto&&) {}
};

// Which watchdog this node has. It is armed, and from then on fed as long as the lease holds or no package runs here,
// until an orderly end. Answered by `watchdog_is`, again whenever that changes.
struct arm_watchdog {
    std::string path;
    duration timeout{0};
    static void fields(auto& self, auto&& visit) {
        visit("path", self.path);
        visit("timeout", self.timeout);
    }
};

// The package is said to be halted: whatever still carries its mark gets SIGTERM, later SIGKILL. Answered by
// `package_cleared`, at once when there is nothing.
struct clear_package {
    request_id request;
    std::string package;
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("package", self.package);
    }
};

// A line of the daemon's in a log that processes write to, dated here.
struct write_log {
    std::string path;
    std::string text;
    static void fields(auto& self, auto&& visit) {
        visit("path", self.path);
        visit("text", self.text);
    }
};

using to_guard = std::variant<daemon_hello, start_process, kill_process, set_lease, reset_node, shut_down, got_exit,
                              end_call, arm_watchdog, clear_package, write_log>;

// ---- guard to daemon -------------------------------------------------------------------------

struct living_process {
    request_id request;
    std::string label;
    std::string package;
    std::int32_t pid = 0;
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("label", self.label);
        visit("package", self.package);
        visit("pid", self.pid);
    }
};

// Answers daemon_hello. What ended and was not acknowledged follows as `exited`. A process that a
// former daemon started and that is in neither is gone, its result unknown.
struct guard_hello {
    std::uint32_t version = protocol_version;
    std::vector<living_process> living;
    time_point lease_end = time_point::min();  // what the guard was told last
    std::uint32_t daemon_starts = 0;           // 1 for the first one
    bool detached = false;                     // as it was told last, be it to the guard before this one
    static void fields(auto& self, auto&& visit) {
        visit("version", self.version);
        visit("living", self.living);
        visit("lease_end", self.lease_end);
        visit("daemon_starts", self.daemon_starts);
        visit("detached", self.detached);
    }
};

struct started {
    request_id request;
    std::int32_t pid = 0;
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("pid", self.pid);
    }
};

// Nothing runs, nothing follows.
struct start_failed {
    request_id request;
    std::string reason;
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("reason", self.reason);
    }
};

// The process has ended; after a timeout or a kill of the whole tree, the tree has. Answered by
// `got_exit`.
struct exited {
    request_id request;
    std::int32_t exit_code = 0;  // when signal is 0
    std::int32_t signal = 0;
    bool timed_out = false;
    std::string tail;  // end of its output
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("exit_code", self.exit_code);
        visit("signal", self.signal);
        visit("timed_out", self.timed_out);
        visit("tail", self.tail);
    }
};

struct call_ended {
    request_id call;
    static void fields(auto& self, auto&& visit) { visit("call", self.call); }
};

// Follows guard_hello as well.
struct watchdog_is {
    duration timeout{0};  // W, as the device says; zero when none is armed
    std::string trouble;
    static void fields(auto& self, auto&& visit) {
        visit("timeout", self.timeout);
        visit("trouble", self.trouble);
    }
};

// Processes in words: "812 nginx".
struct package_cleared {
    request_id request;
    std::vector<std::string> ended;   // were told to end, and have
    std::vector<std::string> living;  // SIGKILL has not ended them in time
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("ended", self.ended);
        visit("living", self.living);
    }
};

using from_guard = std::variant<guard_hello, started, start_failed, exited, call_ended, watchdog_is, package_cleared>;

}  // namespace mainstay::guard
