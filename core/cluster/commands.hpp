// What the cluster writes down: every configuration, decision, report and admin command is one of
// these, an entry of the replicated log (D2). The list is append-only; a new kind is written only
// once the feature level allows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/codec.hpp"
#include "model/ids.hpp"

namespace mainstay::cluster {

// The founding or a later configuration, as canonical text (D12). Ids are given here once (R1).
struct configure {
    static constexpr const char* name_ = "configure";
    std::string text;
    std::vector<std::pair<std::string, node_id>> ids;
    static void fields(auto& self, auto&& visit) {
        visit("text", self.text);
        visit("ids", self.ids);
    }
};

// First entry of every cluster's log after its voter set.
struct found_cluster {
    static constexpr const char* name_ = "found_cluster";
    mainstay::cluster_id cluster;
    configure first;
    static void fields(auto& self, auto&& visit) {
        visit("cluster", self.cluster);
        visit("first", self.first);
    }
};

// The leader has not heard this life of a node for T, nor has a majority.
struct node_lost {
    static constexpr const char* name_ = "node_lost";
    node_id node;
    boot_id boot;
    std::string reason;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("boot", self.boot);
        visit("reason", self.reason);
    }
};

// The same life of a lost node is heard again.
struct node_back {
    static constexpr const char* name_ = "node_back";
    node_id node;
    boot_id boot;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("boot", self.boot);
    }
};

// D5: `boot` is the newest boot of `node` known when the request is made; the executor asks the
// devices in order and reads the state back.
struct fence_request {
    static constexpr const char* name_ = "fence_request";
    std::uint64_t id = 0;  // grows; names the request
    node_id node;
    boot_id boot;
    node_id executor;
    boot_id executor_boot;
    std::string reason;
    static void fields(auto& self, auto&& visit) {
        visit("id", self.id);
        visit("node", self.node);
        visit("boot", self.boot);
        visit("executor", self.executor);
        visit("executor_boot", self.executor_boot);
        visit("reason", self.reason);
    }
};

// Unknown means not fenced.
enum class fence_outcome : std::uint8_t { off_confirmed, failed, unknown, cancelled, count_ };
[[nodiscard]] constexpr const char* to_string(fence_outcome value) {
    switch (value) {
        case fence_outcome::off_confirmed:
            return "off_confirmed";
        case fence_outcome::failed:
            return "failed";
        case fence_outcome::cancelled:
            return "cancelled";
        default:
            return "unknown";
    }
}

struct fence_result {
    static constexpr const char* name_ = "fence_result";
    std::uint64_t id = 0;
    fence_outcome outcome = fence_outcome::unknown;
    std::string device;
    std::string detail;
    static void fields(auto& self, auto&& visit) {
        visit("id", self.id);
        visit("outcome", self.outcome);
        visit("device", self.device);
        visit("detail", self.detail);
    }
};

// D5: why the former owner is certainly gone. Stored with every start.
enum class proof_kind : std::uint8_t {
    never_started,  // the package has never run
    halted,         // its node said that it halted it
    fenced,         // a device confirmed power-off of a boot not older than the start's
    rebooted,       // the node came back with a new machine boot
    start_failed,   // its node said that the start failed and everything was undone
    assumed,        // fencing none: nothing was proven, the lease has passed (weak, shown red)
    lease_expired,  // its lease and its armed watchdog have surely run out
    certified,      // an administrator certified it to be off
    count_
};
[[nodiscard]] constexpr const char* to_string(proof_kind value) {
    switch (value) {
        case proof_kind::never_started:
            return "never_started";
        case proof_kind::halted:
            return "halted";
        case proof_kind::fenced:
            return "fenced";
        case proof_kind::rebooted:
            return "rebooted";
        case proof_kind::start_failed:
            return "start_failed";
        case proof_kind::lease_expired:
            return "lease_expired";
        case proof_kind::certified:
            return "certified";
        default:
            return "assumed";
    }
}

// A node obeys only when `boot` is its own machine's life ("Packages").
struct package_start {
    static constexpr const char* name_ = "package_start";
    std::string package;
    mainstay::generation generation;
    node_id node;
    boot_id boot;
    proof_kind proof = proof_kind::never_started;
    std::string reason;
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("generation", self.generation);
        visit("node", self.node);
        visit("boot", self.boot);
        visit("proof", self.proof);
        visit("reason", self.reason);
    }
};

struct package_halt {
    static constexpr const char* name_ = "package_halt";
    std::string package;
    mainstay::generation generation;
    std::string reason;
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("generation", self.generation);
        visit("reason", self.reason);
    }
};

// What a node says of a generation it runs. The flags' consequences are SG's matrix (4.9).
enum class report : std::uint8_t {
    running,               // all steps done
    start_exit_1,          // run script exit 1: no restart anywhere
    start_exit_2,          // run script exit 2 or a failed step: another node may try
    start_timeout,         // run script did not end in time
    service_failed,        // a service died with no restarts left; being halted
    halted,                // halt steps done, nothing of it is left
    halt_exit_1,           // halt script failed: switching off
    halt_timeout,          // halt script did not end in time: switching off
    lease_ended,           // the lease passed; processes were killed and the halt steps run
    halt_exit_2,           // halt script exit 2: down, may run anywhere again
    halt_exit_3,           // halt script exit 3: stopped where it failed, to be halted again after repair
    failing_fast,          // node_fail_fast_enabled: the node resets, and its new boot is the proof
    subnet_down,           // a monitored subnet was lost there; being halted
    before_resource_down,  // a generic resource of before_package_start; being halted
    during_resource_down,  // ... of during_package_start
    count_
};
[[nodiscard]] constexpr const char* to_string(report value) {
    switch (value) {
        case report::running:
            return "running";
        case report::start_exit_1:
            return "start_exit_1";
        case report::start_exit_2:
            return "start_exit_2";
        case report::start_timeout:
            return "start_timeout";
        case report::service_failed:
            return "service_failed";
        case report::halted:
            return "halted";
        case report::halt_exit_1:
            return "halt_exit_1";
        case report::halt_timeout:
            return "halt_timeout";
        case report::halt_exit_2:
            return "halt_exit_2";
        case report::halt_exit_3:
            return "halt_exit_3";
        case report::failing_fast:
            return "failing_fast";
        case report::subnet_down:
            return "subnet_down";
        case report::before_resource_down:
        case report::during_resource_down:
            return "resource_down";
        default:
            return "lease_ended";
    }
}

struct package_report {
    static constexpr const char* name_ = "package_report";
    std::string package;
    mainstay::generation generation;
    node_id node;
    report what = report::running;
    std::string detail;
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("generation", self.generation);
        visit("node", self.node);
        visit("what", self.what);
        visit("detail", self.detail);
    }
};

struct service_restarted {
    static constexpr const char* name_ = "service_restarted";
    std::string package;
    mainstay::generation generation;
    std::string service;
    std::uint32_t count = 0;
    std::string detail;
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("generation", self.generation);
        visit("service", self.service);
        visit("count", self.count);
        visit("detail", self.detail);
    }
};

// ---- what an administrator asks for; refused or accepted when applied, the same on every node ----

struct package_run {  // hactl package start P [--node N]
    static constexpr const char* name_ = "package_run";
    std::string package;
    std::string node;  // empty = by policy
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("node", self.node);
    }
};

struct package_stop {  // hactl package halt P: switching off (SG 5.3), then halted
    static constexpr const char* name_ = "package_stop";
    std::string package;
    static void fields(auto& self, auto&& visit) { visit("package", self.package); }
};

struct package_stop_on {  // hactl package halt P --node N: only there, the others go on
    static constexpr const char* name_ = "package_stop_on";
    std::string package;
    std::string node;
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("node", self.node);
    }
};

struct package_move {  // hactl package move P N: an action, leaves nothing behind
    static constexpr const char* name_ = "package_move";
    std::string package;
    std::string node;  // empty = next by policy
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("node", self.node);
    }
};

struct package_switching {  // hactl package enable|disable P [--node N]
    static constexpr const char* name_ = "package_switching";
    std::string package;
    std::string node;  // empty = the package flag (AUTO_RUN)
    bool enabled = true;
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("node", self.node);
        visit("enabled", self.enabled);
    }
};

struct node_admin {  // hactl node run|halt N
    static constexpr const char* name_ = "node_admin";
    std::string node;
    bool run = true;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("run", self.run);
    }
};

struct cluster_admin {  // hactl cluster run|halt
    static constexpr const char* name_ = "cluster_admin";
    bool run = true;
    static void fields(auto& self, auto&& visit) { visit("run", self.run); }
};

// From an event source plugin or from a node about itself (D5 alarms, UPS, conflicts).
struct cluster_event {
    static constexpr const char* name_ = "cluster_event";
    node_id node;          // who saw it
    std::string source;    // event source instance, or empty
    std::string event;     // ups_on_battery, address_conflict, power_on_failed, ...
    std::string severity;  // info | warning | alarm
    std::vector<std::pair<std::string, std::string>> details;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("source", self.source);
        visit("event", self.event);
        visit("severity", self.severity);
        visit("details", self.details);
    }
};

// Policy on power: a node fed by a UPS on battery gives its packages away (drain) or is halted.
struct power_action {
    static constexpr const char* name_ = "power_action";
    node_id node;
    bool away = true;  // false = taken back, mains is back
    std::string reason;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("away", self.away);
        visit("reason", self.reason);
    }
};

struct feature_level {
    static constexpr const char* name_ = "feature_level";
    std::uint32_t level = 1;
    static void fields(auto& self, auto&& visit) { visit("level", self.level); }
};

// The one sender of a notification says that it was delivered, or gave up.
struct notified {
    static constexpr const char* name_ = "notified";
    std::string notifier;
    log_index entry;
    bool ok = true;
    std::string detail;
    static void fields(auto& self, auto&& visit) {
        visit("notifier", self.notifier);
        visit("entry", self.entry);
        visit("ok", self.ok);
        visit("detail", self.detail);
    }
};

// A node that was proven dead is heard in the life that was proven dead: the device lies, or feeds another
// machine. Nothing that rests on that proof may start.
struct proof_broken {
    static constexpr const char* name_ = "proof_broken";
    node_id node;
    boot_id boot;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("boot", self.boot);
    }
};

// hactl node fence NODE: an administrator wants it off, whatever is heard of it.
struct fence_node {
    static constexpr const char* name_ = "fence_node";
    std::string node;
    static void fields(auto& self, auto&& visit) { visit("node", self.node); }
};

// What an administrator asked for can't be had: the package stays where it is.
struct package_wish_over {
    static constexpr const char* name_ = "package_wish_over";
    std::string package;
    std::string reason;
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("reason", self.reason);
    }
};

// hactl resource set NAME up|down|VALUE [--node N]: what a monitor found (SG 3.7).
struct resource_set {
    static constexpr const char* name_ = "resource_set";
    std::string resource;
    std::string node;
    std::string value;  // up, down or a number, as it was written
    static void fields(auto& self, auto&& visit) {
        visit("resource", self.resource);
        visit("node", self.node);
        visit("value", self.value);
    }
};

// A node about its own interface on a monitored subnet; only changes are written down.
struct subnet_seen {
    static constexpr const char* name_ = "subnet_seen";
    node_id node;
    boot_id boot;
    std::string subnet;
    bool up = false;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("boot", self.boot);
        visit("subnet", self.subnet);
        visit("up", self.up);
    }
};

// hactl package maintenance on|off P (SG 7.2)
struct package_maintenance {
    static constexpr const char* name_ = "package_maintenance";
    std::string package;
    std::string node;  // where, when the package is down; empty = where it runs
    bool on = true;
    std::string reason;
    std::optional<wall_time> until;
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("node", self.node);
        visit("on", self.on);
        visit("reason", self.reason);
        visit("until", self.until);
    }
};

// A service of a package in maintenance has ended; nothing follows from it.
struct service_down {
    static constexpr const char* name_ = "service_down";
    std::string package;
    mainstay::generation generation;
    std::string service;
    std::string detail;
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("generation", self.generation);
        visit("service", self.service);
        visit("detail", self.detail);
    }
};

// One of these (not another `planned`) that an administrator asks for on condition that what its plan rested on is
// as it was (plan_id.hpp). Within its bytes, so that nodes without plans read the others as ever.
struct planned {
    static constexpr const char* name_ = "planned";
    std::string plan;  // the id that --plan showed
    bytes asked;       // an encoded command_body
    static void fields(auto& self, auto&& visit) {
        visit("plan", self.plan);
        visit("asked", self.asked);
    }
};

// hactl node detach N, hactl cluster detach (SG 7.4): its packages run on, nobody watches them and nothing ends them.
struct node_detach {
    static constexpr const char* name_ = "node_detach";
    std::string node;  // empty = every node
    std::string reason;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("reason", self.reason);
    }
};

// hactl node attach N, hactl cluster attach: to be watched again, as soon as the node holds to its lease.
struct node_attach {
    static constexpr const char* name_ = "node_attach";
    std::string node;  // empty = every node that is detached
    static void fields(auto& self, auto&& visit) { visit("node", self.node); }
};

// What a detached node says of itself: that it holds to no lease any more and lets its packages be, or that it holds to
// its lease again, so that its end proves something from here on.
struct detachment_report {
    static constexpr const char* name_ = "detachment_report";
    node_id node;
    boot_id boot;
    log_index detachment;  // which one: it may have been detached again before it heard of it
    bool attached = false;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("boot", self.boot);
        visit("detachment", self.detachment);
        visit("attached", self.attached);
    }
};

// hactl cluster run --certify-down NODE, of one that is detached: it is off for sure, and no device says so.
struct certify_detached {
    static constexpr const char* name_ = "certify_detached";
    std::string node;
    static void fields(auto& self, auto&& visit) { visit("node", self.node); }
};

// hactl package pin P N, hactl package unpin P; also the leader's word that a pin's time is over.
struct package_pin {
    static constexpr const char* name_ = "package_pin";
    std::string package;
    std::string node;  // empty = unpin
    std::string reason;
    std::optional<wall_time> until;  // of an unpin by the leader: the end of the pin that is meant
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("node", self.node);
        visit("reason", self.reason);
        visit("until", self.until);
    }
};

// hactl package start P [--node N] --to STEP --without STEP: only in maintenance (SG 7.2, cmrunpkg -m and -e). Steps as
// package_steps.hpp names them, as they were written.
struct package_run_partly {
    static constexpr const char* name_ = "package_run_partly";
    std::string package;
    std::string node;  // empty = where it is in maintenance
    std::string last;  // the last step that is taken; empty = all
    std::vector<std::string> without;
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("node", self.node);
        visit("last", self.last);
        visit("without", self.without);
    }
};

// hactl package halt P --partial (SG 7.2, cmhaltpkg -s): only what was started partly.
struct package_stop_partly {
    static constexpr const char* name_ = "package_stop_partly";
    std::string package;
    static void fields(auto& self, auto&& visit) { visit("package", self.package); }
};

// hactl package reset-restarts P [SERVICE] [--node N] (SG cmmodpkg -R -s): its restarts are counted from nothing again.
struct restarts_reset {
    static constexpr const char* name_ = "restarts_reset";
    std::string package;
    std::string node;     // of a multi-node package: the instance there; empty = all
    std::string service;  // empty = all
    static void fields(auto& self, auto&& visit) {
        visit("package", self.package);
        visit("node", self.node);
        visit("service", self.service);
    }
};

using command_body =
    std::variant<found_cluster, configure, node_lost, node_back, fence_request, fence_result, package_start,
                 package_halt, package_report, service_restarted, package_run, package_stop, package_move,
                 package_switching, node_admin, cluster_admin, cluster_event, power_action, feature_level, notified,
                 proof_broken, fence_node, package_wish_over, resource_set, subnet_seen, package_maintenance,
                 service_down, planned, package_stop_on, node_detach, node_attach, detachment_report, certify_detached,
                 package_pin, package_run_partly, package_stop_partly, restarts_reset>;

// `origin` and `serial` name a submission: the same one never counts twice, however often it is
// sent (a node's serials grow within one life; decisions of the leader itself have none).
struct command {
    wall_time when;
    std::string actor;  // "alice@node1", "policy", "node2"
    node_id origin;
    boot_id origin_boot;
    std::uint64_t serial = 0;
    command_body body;
    static void fields(auto& self, auto&& visit) {
        visit("when", self.when);
        visit("actor", self.actor);
        visit("origin", self.origin);
        visit("origin_boot", self.origin_boot);
        visit("serial", self.serial);
        visit("body", self.body);
    }
};

// "Packages": a lease acknowledgement names the newest of these in the leader's log.
[[nodiscard]] bool is_package_entry(const command& item);

}  // namespace mainstay::cluster

namespace mainstay {

// Made once, in commands.cpp: each of them is as much to compile as a small file.
extern template bytes encode(const cluster::command&);
extern template bytes encode(const cluster::command_body&);
extern template std::optional<cluster::command> decode(std::string_view);
extern template std::optional<cluster::command_body> decode(std::string_view);

}  // namespace mainstay
