// Everything that goes into and comes out of a node (D1). Plain values with a byte form: a
// transcript, the flight recorder and an exact replay need nothing else. The lists are append-only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cluster/apply.hpp"
#include "cluster/commands.hpp"
#include "consensus/types.hpp"
#include "model/codec.hpp"
#include "model/programs.hpp"

namespace mainstay::node {

using string_pairs = std::vector<std::pair<std::string, std::string>>;

// The two clocks of one instant: the machine's (CLOCK_BOOTTIME) decides, the wall's is for people.
struct moment {
    time_point now;
    wall_time wall;
    static void fields(auto& self, auto&& visit) {
        visit("now", self.now);
        visit("wall", self.wall);
    }
};

// ---- inputs ------------------------------------------------------------------------------------

// Opened and authenticated; `link` is where the first copy came in.
struct datagram {
    static constexpr const char* name_ = "datagram";
    std::string link;
    bytes data;
    static void fields(auto& self, auto&& visit) {
        visit("link", self.link);
        visit("data", self.data);
    }
};

struct tick {
    static constexpr const char* name_ = "tick";
    static void fields(auto&, auto&&) {}
};

// The first `count` store outputs of this incarnation are durable.
struct stored {
    static constexpr const char* name_ = "stored";
    std::uint64_t count = 0;
    static void fields(auto& self, auto&& visit) { visit("count", self.count); }
};

// Answers clear_package. A process in words: "812 nginx".
struct package_cleared {
    static constexpr const char* name_ = "package_cleared";
    request_id request;
    std::vector<std::string> ended;   // what was told to end, and has
    std::vector<std::string> living;  // what not even SIGKILL has ended
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("ended", self.ended);
        visit("living", self.living);
    }
};

struct process_exited {
    static constexpr const char* name_ = "process_exited";
    request_id request;
    std::int32_t code = 0;  // exit status, or -signal; 127 with `tail` when it could not be started
    bool timed_out = false;
    std::string tail;  // end of its output
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("code", self.code);
        visit("timed_out", self.timed_out);
        visit("tail", self.tail);
    }
};

enum class call_outcome : std::uint8_t { ok, failed, unknown, not_running, on, off, off_assumed, count_ };
[[nodiscard]] constexpr const char* to_string(call_outcome value) {
    switch (value) {
        case call_outcome::ok:
            return "ok";
        case call_outcome::failed:
            return "failed";
        case call_outcome::not_running:
            return "not_running";
        case call_outcome::on:
            return "on";
        case call_outcome::off:
            return "off";
        case call_outcome::off_assumed:
            return "off_assumed";
        default:
            return "unknown";
    }
}

// A call that timed out or whose process died is `unknown` (D8).
struct plugin_answer {
    static constexpr const char* name_ = "plugin_answer";
    request_id request;
    call_outcome outcome = call_outcome::unknown;
    std::string text;
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("outcome", self.outcome);
        visit("text", self.text);
    }
};

struct plugin_event {
    static constexpr const char* name_ = "plugin_event";
    std::string instance;
    std::string event;
    std::string severity;
    string_pairs details;
    static void fields(auto& self, auto&& visit) {
        visit("instance", self.instance);
        visit("event", self.event);
        visit("severity", self.severity);
        visit("details", self.details);
    }
};

// What an administrator asks through the API of this node. `form` carries canonical text.
struct form_cluster {
    static constexpr const char* name_ = "form_cluster";
    std::string text;
    static void fields(auto& self, auto&& visit) { visit("text", self.text); }
};
// R5, hactl cluster run --certify-down: what the administrator promises holds for these nodes.
struct certify_down {
    static constexpr const char* name_ = "certify_down";
    std::vector<std::string> nodes;
    bool abandon = false;
    static void fields(auto& self, auto&& visit) {
        visit("nodes", self.nodes);
        visit("abandon", self.abandon);
    }
};
// SG 4.5: what a script of a package asks for while it is under way here: cmrunserv, cmhaltserv, cmmodnet. Concerns
// this node alone; nothing of it is written into the log.
enum class script_verb : std::uint8_t { run_service, halt_service, add_address, remove_address, count_ };
struct script_call {
    static constexpr const char* name_ = "script_call";
    request_id script;    // the process of the script: this run of it is who asks, and nobody else is heard
    std::string package;  // the instance, as its processes are called by
    script_verb verb = script_verb::run_service;
    std::string name;                              // of the service; the address
    std::string text;                              // the command; the subnet, with or without prefix
    std::optional<std::uint32_t> restart_max = 0;  // nullopt = unlimited
    static void fields(auto& self, auto&& visit) {
        visit("script", self.script);
        visit("package", self.package);
        visit("verb", self.verb);
        visit("name", self.name);
        visit("text", self.text);
        visit("restart_max", self.restart_max);
    }
};
using admin_body = std::variant<form_cluster, cluster::command_body, certify_down, script_call>;
struct admin_call {
    static constexpr const char* name_ = "admin_call";
    std::uint64_t id = 0;
    std::string actor;              // alice@node1
    duration patience{30'000'000};  // for the acceptance; the work itself takes what it takes
    admin_body body;
    static void fields(auto& self, auto&& visit) {
        visit("id", self.id);
        visit("actor", self.actor);
        visit("patience", self.patience);
        visit("body", self.body);
    }
};

// After a daemon restart: what the guard still has, and the lease it was last told (D9).
struct living_process {
    request_id request;
    std::string package;
    std::string label;
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("package", self.package);
        visit("label", self.label);
    }
};
struct guard_hello {
    static constexpr const char* name_ = "guard_hello";
    std::vector<living_process> living;
    time_point lease_end = time_point::min();
    bool detached = false;  // as it was told last
    static void fields(auto& self, auto&& visit) {
        visit("living", self.living);
        visit("lease_end", self.lease_end);
        visit("detached", self.detached);
    }
};

// The daemon was told to end for good. The packages move first; without a leader they are halted
// here. Answered by `left` when nothing is active any more; sent twice is sent once.
struct leave {
    static constexpr const char* name_ = "leave";
    duration patience{20'000'000};  // for the log to take the wish, and for others to start what has moved
    static void fields(auto& self, auto&& visit) { visit("patience", self.patience); }
};

// What the guard says of this node's watchdog, at the beginning and when it changes.
struct watchdog_armed {
    static constexpr const char* name_ = "watchdog_armed";
    duration timeout{0};  // W, read back; zero when none is armed
    std::string trouble;  // a sentence, when it is not as the configuration wants it
    static void fields(auto& self, auto&& visit) {
        visit("timeout", self.timeout);
        visit("trouble", self.trouble);
    }
};

// Of each monitored subnet: an interface of this machine that has an address in it is up, with carrier.
struct subnets_seen {
    static constexpr const char* name_ = "subnets_seen";
    std::vector<std::pair<std::string, bool>> subnets;
    static void fields(auto& self, auto&& visit) { visit("subnets", self.subnets); }
};

// All heartbeat links of this node. What is wrong with one here, on this machine (device gone, set down, nothing
// can be sent), in words; empty = nothing, whatever the peers are like (D5).
struct links_seen {
    static constexpr const char* name_ = "links_seen";
    string_pairs links;
    static void fields(auto& self, auto&& visit) { visit("links", self.links); }
};

// For `to`, what programs of packages are like there; at most survey_paths_max paths (survey.hpp). What comes back
// comes as programs_told, or not at all.
struct ask_programs {
    static constexpr const char* name_ = "ask_programs";
    std::string to;
    std::uint64_t id = 0;
    std::vector<std::string> paths;
    static void fields(auto& self, auto&& visit) {
        visit("to", self.to);
        visit("id", self.id);
        visit("paths", self.paths);
    }
};

// The answer to look_at_programs, in the order of its paths.
struct tell_programs {
    static constexpr const char* name_ = "tell_programs";
    std::string to;
    std::uint64_t id = 0;
    std::vector<program_seen> seen;
    static void fields(auto& self, auto&& visit) {
        visit("to", self.to);
        visit("id", self.id);
        visit("seen", self.seen);
    }
};

// On `to`, one external script of a package is to be called with `validate`. What comes back comes as validation_told,
// or not at all; asked twice under the same id is asked once.
struct ask_validation {
    static constexpr const char* name_ = "ask_validation";
    std::string to;
    std::uint64_t id = 0;
    std::string package;
    std::string path;
    string_pairs environment;
    static void fields(auto& self, auto&& visit) {
        visit("to", self.to);
        visit("id", self.id);
        visit("package", self.package);
        visit("path", self.path);
        visit("environment", self.environment);
    }
};

// The answer to validate_script.
struct tell_validation {
    static constexpr const char* name_ = "tell_validation";
    std::string to;
    std::uint64_t id = 0;
    validation_seen seen;
    static void fields(auto& self, auto&& visit) {
        visit("to", self.to);
        visit("id", self.id);
        visit("seen", self.seen);
    }
};

using input = std::variant<datagram, tick, stored, process_exited, plugin_answer, plugin_event, admin_call, guard_hello,
                           leave, watchdog_armed, subnets_seen, links_seen, ask_programs, tell_programs, ask_validation,
                           tell_validation, package_cleared>;

// ---- outputs -----------------------------------------------------------------------------------

// To one node by name, or to all; on every healthy link that can carry it (D7).
struct send {
    static constexpr const char* name_ = "send";
    std::string to;  // empty = all others
    bytes data;
    static void fields(auto& self, auto&& visit) {
        visit("to", self.to);
        visit("data", self.data);
    }
};

// The heartbeat thread appends its send time (8 bytes, little-endian microseconds), and repeats it
// every `period` until the next one or until the core's last turn is T/2 old.
struct publish_beat {
    static constexpr const char* name_ = "publish_beat";
    bytes data;
    duration period{0};
    duration stale_after{0};
    bool urgent = false;  // send it now: somebody waits for what has changed in it
    static void fields(auto& self, auto&& visit) {
        visit("data", self.data);
        visit("period", self.period);
        visit("stale_after", self.stale_after);
        visit("urgent", self.urgent);
    }
};

// One atomic, synced change of the store; stored in order, answered by `stored`.
struct store {
    static constexpr const char* name_ = "store";
    std::optional<consensus::write> log;
    std::optional<bytes> local;   // the node's own record (local_record), whole
    std::optional<boot_id> boot;  // given by a leader to an empty store; counters go on from here
    static void fields(auto& self, auto&& visit) {
        visit("log", self.log);
        visit("local", self.local);
        visit("boot", self.boot);
    }
};

struct run_process {
    static constexpr const char* name_ = "run_process";
    request_id request;
    std::string package;
    std::string label;  // run_script, halt_script, service:NAME
    std::vector<std::string> argv;
    string_pairs environment;
    std::string log_file;  // empty = the package's own
    std::optional<duration> timeout;
    bool service = false;  // outlives the daemon
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("package", self.package);
        visit("label", self.label);
        visit("argv", self.argv);
        visit("environment", self.environment);
        visit("log_file", self.log_file);
        visit("timeout", self.timeout);
        visit("service", self.service);
    }
};

// SIGTERM to the whole tree, SIGKILL after `grace`; its end arrives as process_exited.
struct kill_process {
    static constexpr const char* name_ = "kill_process";
    request_id request;
    duration grace{0};
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("grace", self.grace);
    }
};

// Of this package nothing may run here any more: whatever its scripts have left is ended, SIGTERM first. Answered by
// package_cleared, at once when there is nothing.
struct clear_package {
    static constexpr const char* name_ = "clear_package";
    request_id request;
    std::string package;
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("package", self.package);
    }
};

// A line of our own in the log that the package's scripts write to; dated where it is written.
struct write_log {
    static constexpr const char* name_ = "write_log";
    std::string package;
    std::string log_file;  // empty = the package's own
    std::string text;
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("log_file", self.log_file);
        visit("text", self.text);
    }
};

struct call_plugin {
    static constexpr const char* name_ = "call_plugin";
    request_id request;
    std::string instance;  // strip | web/address 10.77.0.100 | web/nginx
    std::string verb;      // off on status start stop prepare notify
    string_pairs arguments;
    duration timeout{0};
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("instance", self.instance);
        visit("verb", self.verb);
        visit("arguments", self.arguments);
        visit("timeout", self.timeout);
    }
};

// Exactly these event sources are to run on this node.
struct run_event_sources {
    static constexpr const char* name_ = "run_event_sources";
    std::vector<std::string> instances;
    static void fields(auto& self, auto&& visit) { visit("instances", self.instances); }
};

// For the guard (D6): past `end`, with packages, the node is reset even if no daemon comes back.
inline constexpr time_point lease_without_end{duration{std::int64_t{1} << 60}};
struct set_lease {
    static constexpr const char* name_ = "set_lease";
    time_point end;
    bool packages = false;
    bool detached = false;  // SG 7.4: packages run here, and neither a lease nor the service's end ends them
    static void fields(auto& self, auto&& visit) {
        visit("end", self.end);
        visit("packages", self.packages);
        visit("detached", self.detached);
    }
};

struct reset_node {
    static constexpr const char* name_ = "reset_node";
    std::string reason;
    static void fields(auto& self, auto&& visit) { visit("reason", self.reason); }
};

struct admin_progress {
    static constexpr const char* name_ = "admin_progress";
    std::uint64_t id = 0;
    std::string text;
    static void fields(auto& self, auto&& visit) {
        visit("id", self.id);
        visit("text", self.text);
    }
};
enum class admin_result : std::uint8_t { done, refused, failed, no_leader, unconfirmed, count_ };
[[nodiscard]] constexpr const char* to_string(admin_result value) {
    switch (value) {
        case admin_result::done:
            return "done";
        case admin_result::refused:
            return "refused";
        case admin_result::failed:
            return "failed";
        case admin_result::no_leader:
            return "no_leader";
        default:
            return "unconfirmed";
    }
}
struct admin_done {
    static constexpr const char* name_ = "admin_done";
    std::uint64_t id = 0;
    admin_result result = admin_result::done;
    std::string text;
    static void fields(auto& self, auto&& visit) {
        visit("id", self.id);
        visit("result", self.result);
        visit("text", self.text);
    }
};

// An applied entry, for the event stream and the history.
struct happened {
    static constexpr const char* name_ = "happened";
    log_index index;
    wall_time when;
    std::string actor;
    std::string event;
    std::string severity;
    std::string text;
    std::string package;
    std::string node;
    bool refused = false;
    string_pairs details;
    static void fields(auto& self, auto&& visit) {
        visit("index", self.index);
        visit("when", self.when);
        visit("actor", self.actor);
        visit("event", self.event);
        visit("severity", self.severity);
        visit("text", self.text);
        visit("package", self.package);
        visit("node", self.node);
        visit("refused", self.refused);
        visit("details", self.details);
    }
};

// Links, plugin hosts and own id follow the configuration now in the state.
struct configuration_changed {
    static constexpr const char* name_ = "configuration_changed";
    static void fields(auto&, auto&&) {}
};

struct trace {
    static constexpr const char* name_ = "trace";
    std::string severity;  // debug | info | warning | error
    std::string text;
    static void fields(auto& self, auto&& visit) {
        visit("severity", self.severity);
        visit("text", self.text);
    }
};

// Nothing of this node's packages is active but what failed to halt, or what is detached: the daemon may end.
struct left {
    static constexpr const char* name_ = "left";
    bool clean = true;  // false: `text` names what is active still
    std::string text;
    bool detached = false;  // the packages run on, the guard leaves them alone
    static void fields(auto& self, auto&& visit) {
        visit("clean", self.clean);
        visit("text", self.text);
        visit("detached", self.detached);
    }
};

// Another node asks what these files are like here; answered by tell_programs.
struct look_at_programs {
    static constexpr const char* name_ = "look_at_programs";
    std::string asker;
    std::uint64_t id = 0;
    std::vector<std::string> paths;
    static void fields(auto& self, auto&& visit) {
        visit("asker", self.asker);
        visit("id", self.id);
        visit("paths", self.paths);
    }
};

struct programs_told {
    static constexpr const char* name_ = "programs_told";
    std::string node;
    std::uint64_t id = 0;
    std::vector<program_seen> seen;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("id", self.id);
        visit("seen", self.seen);
    }
};

// Another node asks what this script says to `validate` here; answered by tell_validation.
struct validate_script {
    static constexpr const char* name_ = "validate_script";
    std::string asker;
    std::uint64_t id = 0;
    std::string package;
    std::string path;
    string_pairs environment;
    static void fields(auto& self, auto&& visit) {
        visit("asker", self.asker);
        visit("id", self.id);
        visit("package", self.package);
        visit("path", self.path);
        visit("environment", self.environment);
    }
};

struct validation_told {
    static constexpr const char* name_ = "validation_told";
    std::string node;
    std::uint64_t id = 0;
    validation_seen seen;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("id", self.id);
        visit("seen", self.seen);
    }
};

using output =
    std::variant<send, publish_beat, store, run_process, kill_process, call_plugin, run_event_sources, set_lease,
                 reset_node, admin_progress, admin_done, happened, configuration_changed, trace, left, look_at_programs,
                 programs_told, validate_script, validation_told, clear_package, write_log>;

}  // namespace mainstay::node
