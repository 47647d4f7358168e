// The replicated cluster state: what the log adds up to. Every node folds the same entries into
// the same value. Plain values with a byte form; the parsed configuration is derived from its text.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/commands.hpp"
#include "model/config.hpp"
#include "model/package_steps.hpp"
#include "model/timing.hpp"

namespace mainstay::cluster {

// D2: the newest feature level whose entries this software reads. An entry kind that an older one does not know gets a
// new level, and is written only once the cluster's has been raised to it.
inline constexpr std::uint32_t own_feature_level = 4;
// From here on a package may have services that its control script starts (service_config::by_script).
inline constexpr std::uint32_t script_services_level = 2;
// ... and the services and addresses of a running package may change.
inline constexpr std::uint32_t online_parts_level = 3;

// ... and the state keeps the largest T and lease_halt_timeout.
inline constexpr std::uint32_t waits_level = 3;
// ... and packages may be pinned.
inline constexpr std::uint32_t pins_level = 4;
// ... and nodes be at sites.
inline constexpr std::uint32_t sites_level = 4;

// ... and nodes may be detached.
inline constexpr std::uint32_t detach_level = 4;
// ... a package in maintenance may be started partly, and restarts of services are reset.
inline constexpr std::uint32_t partial_starts_level = 4;
// ... and the external scripts of a running package may change.
inline constexpr std::uint32_t online_scripts_level = 4;
// ... and volume groups and file systems be added to it.
inline constexpr std::uint32_t online_storage_level = 4;

// ... and `package enable` with a node switches the instance of a multi-node package there on.
inline constexpr std::uint32_t instance_switching_level = 4;
// ... and nodes call external scripts with `validate` for each other.
inline constexpr std::uint32_t validations_level = 4;

// Who set a flag, and when.
struct provenance {
    std::string actor;
    wall_time when;
    std::string reason;
    static void fields(auto& self, auto&& visit) {
        visit("actor", self.actor);
        visit("when", self.when);
        visit("reason", self.reason);
    }
};

enum class node_status : std::uint8_t {
    unseen,  // configured, no boot accepted yet
    up,      // its present boot is in the log
    lost,    // not heard for T by a majority
    fenced,  // a device confirmed power-off of its newest boot
    count_
};
[[nodiscard]] constexpr const char* to_string(node_status value) {
    switch (value) {
        case node_status::unseen:
            return "unseen";
        case node_status::up:
            return "up";
        case node_status::lost:
            return "lost";
        default:
            return "fenced";
    }
}

struct node_state {
    std::string name;
    node_status status = node_status::unseen;
    boot_id boot;  // newest accepted life
    store_id store;
    std::uint32_t feature_level = 0;
    duration watchdog{0};
    bool halted = false;      // hactl node halt: runs no packages
    bool power_away = false;  // drained or halted by power policy
    provenance status_by;
    provenance halted_by;
    std::uint64_t kernel = 0;             // random name of the machine's newest life
    std::string fence_asked_by;           // hactl node fence, until it is done
    std::vector<wall_time> fenced_times;  // of the last fence_limit_time, newest last
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("status", self.status);
        visit("boot", self.boot);
        visit("store", self.store);
        visit("feature_level", self.feature_level);
        visit("watchdog", self.watchdog);
        visit("halted", self.halted);
        visit("power_away", self.power_away);
        visit("status_by", self.status_by);
        visit("halted_by", self.halted_by);
        visit("kernel", self.kernel);
        visit("fence_asked_by", self.fence_asked_by);
        visit("fenced_times", self.fenced_times);
    }
};

// SG 7.4: the node's packages run on without their cluster. Only the end of its machine proves that they are over: it
// holds to no lease. It stays so until the node has said that it does again.
struct detachment {
    provenance by;
    log_index since;              // of the entry, which names it
    bool let_go = false;          // the node has said that it leaves its packages alone
    std::string attach_asked_by;  // hactl node attach, until the node has answered
    static void fields(auto& self, auto&& visit) {
        visit("by", self.by);
        visit("since", self.since);
        visit("let_go", self.let_go);
        visit("attach_asked_by", self.attach_asked_by);
    }
};

enum class package_phase : std::uint8_t { down, starting, running, halting, halt_failed, count_ };
[[nodiscard]] constexpr const char* to_string(package_phase value) {
    switch (value) {
        case package_phase::down:
            return "down";
        case package_phase::starting:
            return "starting";
        case package_phase::running:
            return "running";
        case package_phase::halting:
            return "halting";
        default:
            return "halt_failed";
    }
}

// SG 7.2: failures are ignored, and nothing but a command starts, halts or moves the package.
struct maintenance {
    node_id node;   // the one it may run on
    provenance by;  // with the administrator's reason
    std::optional<wall_time> until;
    std::set<std::string> services_down;  // ended meanwhile
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("by", self.by);
        visit("until", self.until);
        visit("services_down", self.services_down);
    }
};

// hactl package pin: the one node on which the package may be started. It halts nothing.
struct pin {
    node_id node;
    provenance by;  // with the administrator's reason
    std::optional<wall_time> until;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("by", self.by);
        visit("until", self.until);
    }
};

struct package_state {
    package_phase phase = package_phase::down;
    mainstay::generation generation;  // newest ever started
    node_id owner;                    // of that generation
    boot_id owner_boot;
    // Why the newest generation is certainly over. In phase down it always is; a package whose
    // owner is lost keeps its phase until there is a proof.
    proof_kind proof = proof_kind::never_started;
    bool switching = true;                   // AUTO_RUN at run time
    std::map<node_id, provenance> node_off;  // node switching disabled there, by whom
    provenance switching_by;
    node_id target;             // of a move or a start by command, until it ran or failed
    bool target_any = false;    // started by command, node by policy
    node_id avoid;              // a move without a target: not here
    std::string asked_by;       // who asked for target, target_any or avoid
    std::string stop_asked_by;  // hactl package halt: not yet down
    provenance start_by;        // why the newest generation was started there
    provenance phase_by;
    std::map<std::string, std::uint32_t> restarts;  // of services, this generation
    bool failing = false;  // failed, and halts as soon as what depends on it has halted (SG 5.9)
    std::optional<maintenance> maintained;
    bool failed = false;               // the newest generation: its end, a failure, makes the next start a failover
    std::vector<wall_time> failovers;  // of the last failover_limit_time, newest last
    // How long its last start and its last halt took that went well: for forecasts, nothing is decided by them.
    std::optional<duration> start_took;
    std::optional<duration> halt_took;
    static void fields(auto& self, auto&& visit) {
        visit("phase", self.phase);
        visit("generation", self.generation);
        visit("owner", self.owner);
        visit("owner_boot", self.owner_boot);
        visit("proof", self.proof);
        visit("switching", self.switching);
        visit("node_off", self.node_off);
        visit("switching_by", self.switching_by);
        visit("target", self.target);
        visit("target_any", self.target_any);
        visit("avoid", self.avoid);
        visit("asked_by", self.asked_by);
        visit("stop_asked_by", self.stop_asked_by);
        visit("start_by", self.start_by);
        visit("phase_by", self.phase_by);
        visit("restarts", self.restarts);
        visit("failing", self.failing);
        visit("maintained", self.maintained);
        visit("failed", self.failed);
        visit("failovers", self.failovers);
        visit("start_took", self.start_took);
        visit("halt_took", self.halt_took);
    }
    [[nodiscard]] bool active() const { return phase != package_phase::down; }
};

// SG 7.2: the one generation of a package that takes these steps and no others.
struct partial_start {
    mainstay::generation generation;  // the next one while it is asked for, then the newest
    std::vector<package_step> steps;
    static void fields(auto& self, auto&& visit) {
        visit("generation", self.generation);
        visit("steps", self.steps);
    }
};

struct fence_state {
    fence_request request;
    bool done = false;
    fence_result result;
    wall_time requested;
    wall_time confirmed;
    static void fields(auto& self, auto&& visit) {
        visit("request", self.request);
        visit("done", self.done);
        visit("result", self.result);
        visit("requested", self.requested);
        visit("confirmed", self.confirmed);
    }
};

// Newest submission of one node that has been counted.
struct submission_mark {
    boot_id boot;
    std::uint64_t serial = 0;
    static void fields(auto& self, auto&& visit) {
        visit("boot", self.boot);
        visit("serial", self.serial);
    }
};

// Power as the newest event of a source says.
struct power_state {
    bool on_battery = false;
    bool low = false;
    wall_time since;
    log_index entry;
    static void fields(auto& self, auto&& visit) {
        visit("on_battery", self.on_battery);
        visit("low", self.low);
        visit("since", self.since);
        visit("entry", self.entry);
    }
};

// A generic resource on one node, as it was last set in this life of its machine.
struct resource_value {
    std::int32_t value = 0;  // of a simple resource: 1 = up, 0 = down
    provenance by;
    static void fields(auto& self, auto&& visit) {
        visit("value", self.value);
        visit("by", self.by);
    }
};

// A monitored subnet as one node sees it.
struct subnet_status {
    bool up = false;
    wall_time since;
    static void fields(auto& self, auto&& visit) {
        visit("up", self.up);
        visit("since", self.since);
    }
};

// Something that a package relies on and that is not there.
struct lacking {
    report what = report::subnet_down;  // how the package fails if it runs
    std::string text;                   // "generic resource lun is down"
    // Nobody has said anything about it in this life of the node: it can't start; nothing that runs fails by it.
    bool unknown = false;
};

struct alarm {
    std::string text;
    wall_time since;
    static void fields(auto& self, auto&& visit) {
        visit("text", self.text);
        visit("since", self.since);
    }
};

// A notification that waits for its delivery to be logged.
struct pending_notice {
    log_index entry;
    std::string event;
    std::string text;
    std::vector<std::pair<std::string, std::string>> details;
    std::vector<std::string> notifiers;  // that have not answered yet
    static void fields(auto& self, auto&& visit) {
        visit("entry", self.entry);
        visit("event", self.event);
        visit("text", self.text);
        visit("details", self.details);
        visit("notifiers", self.notifiers);
    }
};

struct state {
    log_index applied;
    mainstay::cluster_id cluster;
    std::string configuration_text;
    std::map<std::string, node_id> ids;
    std::map<node_id, node_state> nodes;
    std::map<std::string, package_state> packages;
    std::map<node_id, fence_state> fences;  // the newest request for each node
    std::uint64_t fence_ids = 0;
    std::map<node_id, submission_mark> submissions;
    std::map<std::string, power_state> power;
    std::map<std::string, alarm> alarms;  // by subject
    std::vector<pending_notice> notices;
    std::uint32_t feature_level = 1;
    bool halted = false;  // hactl cluster halt
    provenance halted_by;
    log_index newest_package_entry;
    duration lease_max{0};           // the largest L ever committed
    duration member_timeout_max{0};  // the same of T and lease_halt_timeout; from waits_level on as replicated
    duration halt_timeout_max{0};
    node_id next_node{1};  // R1: ids are given once
    // Newest first: the certified histories this one contains (R5), and where each began.
    std::vector<std::pair<std::uint64_t, log_index>> lineages;
    std::vector<wall_time> fence_times;                                  // confirmed fences, for the storm brake
    std::map<std::string, std::map<node_id, resource_value>> resources;  // a node that is missing: unknown
    std::map<node_id, std::map<std::string, subnet_status>> subnets;     // a subnet that is missing: unknown
    // Newest of all packages that were taken out: one that is put in again goes on from there (invariant 4).
    generation generation_floor;
    std::map<node_id, detachment> detached;  // from detach_level on
    std::map<std::string, pin> pins;         // by package; from pins_level on
    // By package, while such a start is asked for or its generation is active; from partial_starts_level on.
    std::map<std::string, partial_start> partial_starts;
    static void fields(auto& self, auto&& visit) {
        visit("applied", self.applied);
        visit("cluster", self.cluster);
        visit("configuration_text", self.configuration_text);
        visit("ids", self.ids);
        visit("nodes", self.nodes);
        visit("packages", self.packages);
        visit("fences", self.fences);
        visit("fence_ids", self.fence_ids);
        visit("submissions", self.submissions);
        visit("power", self.power);
        visit("alarms", self.alarms);
        visit("notices", self.notices);
        visit("feature_level", self.feature_level);
        visit("halted", self.halted);
        visit("halted_by", self.halted_by);
        visit("newest_package_entry", self.newest_package_entry);
        visit("lease_max", self.lease_max);
        visit("next_node", self.next_node);
        visit("lineages", self.lineages);
        visit("fence_times", self.fence_times);
        visit("resources", self.resources);
        visit("subnets", self.subnets);
        visit("generation_floor", self.generation_floor);
        if (self.feature_level >= waits_level) {
            visit("member_timeout_max", self.member_timeout_max);
            visit("halt_timeout_max", self.halt_timeout_max);
        }
        if (self.feature_level >= detach_level) visit("detached", self.detached);
        if (self.feature_level >= pins_level) visit("pins", self.pins);
        if (self.feature_level >= partial_starts_level) visit("partial_starts", self.partial_starts);
    }

    configuration config;  // parsed from configuration_text whenever that changes

    // What a node that was lost may still go by: each time as large as any that was ever committed.
    [[nodiscard]] timings longest(timings now) const;
    [[nodiscard]] std::uint64_t lineage() const { return lineages.empty() ? 0 : lineages.front().first; }
    [[nodiscard]] bool formed() const { return static_cast<bool>(cluster); }
    // By the name of the package or of one of its instances.
    [[nodiscard]] const package_config* find_package(const std::string& name) const;
    // The keys in `packages`: the name of a failover package, NAME@NODE for each node of another.
    [[nodiscard]] std::vector<std::string> instances(const package_config& package) const;
    // Where that instance may run, first choice first.
    [[nodiscard]] std::vector<node_id> candidates(const std::string& instance, const package_config& package) const;
    // Packages that need this instance to be up and are active.
    [[nodiscard]] std::vector<std::string> active_dependents(const std::string& instance) const;
    // Why a command may not start the package there as things stand: dependencies, exclusions, room
    // (SG 5.2: a command never drags or halts another package). Empty = nothing.
    [[nodiscard]] std::string against_start(const std::string& instance, node_id node) const;
    // What would fail the running package now that the configuration is another one than in `before` (SG 3.11);
    // what stood against it already is not counted. Empty = nothing.
    [[nodiscard]] std::string against_staying(const std::string& instance, const state& before) const;
    // SG 3.11: services and addresses come and go where it runs, but not in the middle of its start or its end.
    [[nodiscard]] bool parts_may_change(const package_state& item) const;
    // ... and its external scripts.
    [[nodiscard]] bool scripts_may_change(const package_state& item) const;
    // ... and volume groups and file systems may come.
    [[nodiscard]] bool storage_may_come(const package_state& item) const;
    // The steps that its newest generation, which is active, was started with; null = all of them.
    [[nodiscard]] const partial_start* runs_partly(const std::string& instance) const;
    // What speaks against ending its maintenance; empty = nothing.
    [[nodiscard]] std::string against_leaving_maintenance(const std::string& instance) const;
    // Subnets and generic resources of the package that are not up on the node.
    [[nodiscard]] std::vector<lacking> lacks(const package_config& package, node_id node) const;
    // The first of them that has to be up before the package starts; empty = none.
    [[nodiscard]] std::string lacks_to_start(const package_config& package, node_id node) const;
    // A node that is in the cluster has not said yet what a monitored subnet of the package is like; it will at once.
    [[nodiscard]] bool subnets_untold(const package_config& package, node_id node) const;
    // Its failover_limit is used up, and it is down by a failure: when it may start again by itself.
    [[nodiscard]] std::optional<wall_time> failover_waits_until(const package_config& package,
                                                                const package_state& item) const;
    // Null when no package uses it. All uses agree on whether it is up or down, or has a value.
    [[nodiscard]] const generic_resource_config* find_resource(const std::string& name) const;
    // up, down, unknown or a number.
    [[nodiscard]] std::string resource_text(const std::string& name, node_id node) const;
    // Of all packages, sorted.
    [[nodiscard]] std::vector<std::string> monitored_subnets() const;
    [[nodiscard]] node_id find_node(const std::string& name) const;  // 0 = unknown
    [[nodiscard]] std::string node_name(node_id node) const;
    // The pin of that package, or null.
    [[nodiscard]] const pin* find_pin(const std::string& package) const;
    // Why a command may not start the package there: it is pinned elsewhere. Empty = nothing.
    [[nodiscard]] std::string against_pin(const std::string& package, node_id node) const;
    // Name of the node's site; empty = it has none.
    [[nodiscard]] std::string site_of(node_id node) const;
    // SG: the site where the package was last started; empty = nowhere yet, or that node was removed.
    [[nodiscard]] std::string current_site(const std::string& package) const;
    // SG site_preferred_manual: that node is at another site than the current one, where only a command that names
    // it, or a pin, starts the package.
    [[nodiscard]] bool across_sites(const package_config& package, node_id node) const;
    // The node list of a package: "*" and an absent list mean all nodes, in cluster order.
    [[nodiscard]] std::vector<node_id> node_list(const package_config& package) const;
    // SG 7.4; its packages are where they are, whatever is heard of it.
    [[nodiscard]] bool is_detached(node_id node) const { return detached.contains(node); }
    // It is about to leave: halted, or detached, so that its service may end at any time. Where all are detached the
    // votes stay where they are: who comes back first must not be one without.
    [[nodiscard]] bool gives_vote_up(node_id node) const;
    // What speaks against asking something of the package where it is: it is detached there; empty = nothing.
    [[nodiscard]] std::string against_touching(const std::string& instance) const;
    // Fencing is in order: alive, in the cluster, not halted, not drained, not detached and not too old.
    [[nodiscard]] bool may_host(node_id node) const;
    // D2: the lowest level that any node's newest life has announced; 0 while one has never been in the cluster.
    [[nodiscard]] std::uint32_t common_feature_level() const;
    // D2: its newest life can't read what others may write by now: it has a vote and does nothing else.
    [[nodiscard]] bool too_old(node_id node) const;
};

// mail of mail@node1; a name that is no instance's is its own package.
[[nodiscard]] std::string package_of(const std::string& instance);
[[nodiscard]] std::string instance_name(const package_config& package, const std::string& node);

// What is named in it exists, as folding the log would have it. False: it was not made by folding.
[[nodiscard]] bool coherent(const state& value);

// Reads a state back from its byte form, configuration included; nothing when the bytes are bad or not coherent.
[[nodiscard]] std::optional<state> decode_state(std::string_view in);

}  // namespace mainstay::cluster
