// What a cluster is made of, as the administrator wrote it (D12). Plain values: the parser fills
// them (parse.hpp), check.hpp finds what is wrong, print.hpp writes the canonical text that the
// replicated log carries. Durations are already converted; names are unique per kind.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/time.hpp"

namespace mainstay {

// Where a value stood in a file, for error messages.
struct source_position {
    std::string file;
    std::uint32_t line = 0;
};

// Where each keyword of a section stood, for error messages: "member_timeout", or "node_name web2"
// when the keyword may repeat. Takes no part in comparisons or canonical text.
using keyword_lines = std::map<std::string, source_position>;

struct parameter {
    std::string name;
    std::string value;
    source_position where;
};

// One configured instance of a plugin: a heartbeat link, stonith device, event source, notifier,
// or resource of a package. `heartbeat_name ring0` + `heartbeat_plugin heartbeat-udp` + params.
struct plugin_instance {
    std::string name;
    std::string plugin;                                         // library name without ".so"
    std::vector<parameter> params;                              // <kind>_param NAME VALUE
    std::map<std::string, std::vector<parameter>> node_params;  // <kind>_node_param NODE NAME VALUE
    std::vector<std::string> nodes;                             // <kind>_node NODE; empty = all nodes
    source_position where;
    keyword_lines lines;
};

struct stonith_device : plugin_instance {
    duration timeout{20'000'000};  // one attempt of off, on or status
    std::uint32_t tries = 2;
    // Devices of one level act together: all of them have to confirm (two strips of one node). The lowest
    // level is tried first. 0 = a level of its own, after the numbered ones, in the order of the file.
    std::uint32_t level = 0;
};

struct arbitrator : plugin_instance {
    duration timeout{2'000'000};  // one question
};

struct event_source : plugin_instance {
    // `on_battery_after DURATION`: nodes fed by this source are halted or drained so long after
    // mains was lost; nothing when absent. Low battery acts at once.
    std::optional<duration> on_battery_after;
    enum class action { halt, drain, count_ } on_battery_action = action::drain;
};

struct notifier : plugin_instance {
    std::vector<std::string> events;  // event names it is called for; empty = all alarms
};

struct network_interface {
    std::string name;  // eth0
    // Addresses with their prefix, 10.77.0.1/24: the parser completes those that were written without.
    std::vector<std::string> heartbeat_ip;   // SG: on a heartbeat subnet; makes an implicit UDP link
    std::vector<std::string> stationary_ip;  // SG: monitored subnet without heartbeats
};

struct node_config {
    std::string name;
    std::vector<network_interface> interfaces;
    std::string power_source;  // name of an event source, or empty
    source_position where;
    keyword_lines lines;
};

struct cluster_config {
    std::string name;
    duration member_timeout{1'000'000};  // T
    duration heartbeat_interval{0};      // h; 0 = T/8
    duration auto_start_timeout{600'000'000};
    duration daemon_restart_time{3'000'000};
    enum class quorum_loss { reset, halt, count_ } on_quorum_loss = quorum_loss::reset;
    duration lease_halt_timeout{10'000'000};  // only with on_quorum_loss halt
    enum class fencing_mode { required, none, count_ } fencing = fencing_mode::required;
    enum class after_off { cycle, off, count_ } fence_action = after_off::cycle;
    // Who decides where exactly half of the voters are left (quorum.md R4). automatic: proof where an even
    // number of nodes can all be switched off, else none.
    enum class tie { automatic, none, arbitrator, proof, count_ } tie_break = tie::automatic;
    std::optional<duration> tie_break_delay;    // the half without the preferred node waits so long
    std::optional<duration> tie_break_timeout;  // a tie is surely broken, or not, after this
    std::uint32_t fence_limit = 0;              // at most so many fences in fence_limit_time; 0 = no limit
    duration fence_limit_time{600'000'000};
    std::uint32_t heartbeat_port = 5405;  // UDP port of implicit links
    std::vector<node_config> nodes;
    std::vector<plugin_instance> heartbeats;  // explicit links; implicit ones: see effective_links()
    std::vector<stonith_device> stonith;
    std::vector<arbitrator> arbitrators;
    std::vector<event_source> event_sources;
    std::vector<notifier> notifiers;
    std::vector<std::string> subnets;  // SUBNET lines and those derived from interfaces
    source_position where;
    keyword_lines lines;
};

struct service_config {
    std::string name;
    std::string command;
    // SG service_restart: none, a count, or unlimited.
    std::optional<std::uint32_t> restart_max = 0;  // nullopt = unlimited
    bool fail_fast = false;
    duration halt_timeout{0};  // between SIGTERM and SIGKILL
    source_position where;
    keyword_lines lines;
};

struct package_address {
    std::string address;  // 10.77.0.100 or fd00::100
    std::string subnet;   // 10.77.0.0/24: the ip_subnet it stood under
    source_position where;
};

struct package_config {
    std::string name;
    std::string description;
    std::vector<std::string> nodes;  // ordered; empty or "*" = all nodes in cluster order
    bool auto_run = true;
    enum class failover { configured_node, count_ } failover_policy = failover::configured_node;
    enum class failback { manual, count_ } failback_policy = failback::manual;
    std::string run_script;
    std::optional<duration> run_script_timeout;  // nullopt = no_timeout
    std::string halt_script;
    std::optional<duration> halt_script_timeout;
    std::string script_log_file;
    std::vector<package_address> addresses;
    std::vector<plugin_instance> resources;  // resource_name, resource_plugin, resource_param ...
    std::vector<service_config> services;
    source_position where;
    keyword_lines lines;
};

struct configuration {
    cluster_config cluster;
    std::vector<package_config> packages;
};

// All heartbeat links: the explicit ones and one heartbeat-udp per heartbeat subnet, named after
// the interface that carries it on the first node. node_params give each node's own address.
[[nodiscard]] std::vector<plugin_instance> effective_links(const cluster_config& cluster);

}  // namespace mainstay
