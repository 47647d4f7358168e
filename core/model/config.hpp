// What a cluster is made of, as the administrator wrote it (D12). Plain values: the parser fills
// them (parse.hpp), check.hpp finds what is wrong, print.hpp writes the canonical text that the
// replicated log carries. Durations are already converted; names are unique per kind.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/config_package.hpp"
#include "model/config_plugin.hpp"
#include "model/time.hpp"

namespace mainstay {

struct stonith_device : plugin_instance {
    duration timeout{20'000'000};  // one attempt of off, on or status
    std::uint32_t tries = 2;
    // Devices of one level act together: all of them have to confirm (two strips of one node). The lowest
    // level is tried first. 0 = a level of its own, after the numbered ones, in the order of the file.
    std::uint32_t level = 0;
};

struct arbitrator_config : plugin_instance {
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
    std::string network_switch;              // what it is plugged into, or empty
};

struct node_config {
    std::string name;
    std::vector<network_interface> interfaces;
    std::string site;          // SG site: one of cluster_config::sites, or empty
    std::string power_source;  // name of an event source, or empty
    // D6: ends the node when its guard does not; the third proof of death needs it. Empty = none.
    std::string watchdog_device;
    duration watchdog_timeout{10'000'000};
    weights capacities;  // a name that is missing is no limit
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
    std::vector<std::string> sites;       // SG site_name
    std::vector<node_config> nodes;
    std::vector<plugin_instance> heartbeats;  // explicit links; implicit ones: see effective_links()
    std::vector<stonith_device> stonith;
    std::vector<arbitrator_config> arbitrators;
    std::vector<event_source> event_sources;
    std::vector<notifier> notifiers;
    std::vector<std::string> subnets;  // SUBNET lines and those derived from interfaces
    // SG weight_default: of packages that give no weight of that name. package_limit is 1 without.
    weights weight_defaults;
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

// The interface of the node that has an address on that subnet (`10.77.0.0/24`), or null.
[[nodiscard]] const network_interface* interface_on(const node_config& node, const std::string& subnet);

// A heartbeat_ip or stationary_ip of the node is on that subnet (`10.77.0.0/24`).
[[nodiscard]] bool is_on(const node_config& node, const std::string& subnet);

// The switch that the node's end of the link is plugged into, as far as it is declared; else empty.
[[nodiscard]] std::string switch_of(const cluster_config& cluster, const plugin_instance& link,
                                    const std::string& node);

// A volume group of a package as an instance of the lvm plugin.
[[nodiscard]] plugin_instance volume_group_instance(const cluster_config& cluster, const package_config& package,
                                                    const volume_group_config& item);
// vgchange, vgs and lvs of a package with volume groups, as the plugin calls them: absolute paths.
[[nodiscard]] std::vector<std::string> volume_group_tools(const package_config& package);

// A file system of a package as an instance of the filesystem plugin.
[[nodiscard]] plugin_instance filesystem_instance(const package_config& package, const filesystem_config& item);

}  // namespace mainstay
