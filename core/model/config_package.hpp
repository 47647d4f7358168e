// What a package is made of, and where it may run (SG 3.3 to 3.12). Plain values: see config.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/config_plugin.hpp"
#include "model/ids.hpp"
#include "model/time.hpp"

namespace mainstay {

struct service_config {
    std::string name;
    std::string command;  // empty: the package's script starts it with cmrunserv
    // SG service_restart: none, a count, or unlimited.
    std::optional<std::uint32_t> restart_max = 0;  // nullopt = unlimited
    bool fail_fast = false;
    duration halt_timeout{0};  // between SIGTERM and SIGKILL
    // After so long without a failure the restarts are forgotten; nullopt = never (Serviceguard).
    std::optional<duration> restart_heal;
    source_position where;
    keyword_lines lines;

    // SG 3.12, legacy: command and restarts are known only when the control script has said them.
    [[nodiscard]] bool by_script() const { return command.empty(); }
};

struct package_address {
    std::string address;  // 10.77.0.100 or fd00::100
    std::string subnet;   // 10.77.0.0/24: the ip_subnet it stood under
    source_position where;
};

// SG 3.4: UP has to hold to start and to keep running, DOWN is an exclusion.
struct dependency_config {
    enum class place { same_node, any_node, different_node, all_nodes, count_ };
    std::string name;
    std::string package;  // the one depended on
    bool up = true;
    place location = place::same_node;
    source_position where;
    keyword_lines lines;
};

// Whether one on `other` is where a package on `own` wants it.
[[nodiscard]] bool at_place(dependency_config::place location, node_id other, node_id own);

// SG 5.10: by capacity name, in thousandths (SG allows three decimals).
using weights = std::map<std::string, std::uint64_t>;
inline constexpr std::uint64_t weight_unit = 1000;
// Counts packages; stands alone, and every package weighs 1 unless it says otherwise.
inline constexpr const char* package_limit = "package_limit";

// SG 3.7: something that a monitor sets per node with `hactl resource set`.
struct generic_resource_config {
    enum class comparison { equal, not_equal, greater, less, greater_equal, less_equal, count_ };
    struct criterion {
        comparison how = comparison::equal;
        std::int32_t value = 0;
    };
    std::string name;
    bool before_start = false;         // evaluation_type before_package_start
    std::optional<criterion> up_when;  // absent: a simple resource, up or down
    source_position where;
    keyword_lines lines;
};

// SG 3.5: a node can run the package only while an interface of its own on that subnet is up.
struct monitored_subnet_config {
    std::string subnet;
    bool partial = false;  // monitored_subnet_access partial: nodes that are not on it do without
};

// SG vg: activated before file systems are mounted, deactivated after they are unmounted.
struct volume_group_config {
    std::string name;  // vg01
    source_position where;
};

// SG fs_*: mounted before the addresses are configured.
struct filesystem_config {
    std::string name;  // device, server:/path or what the type wants
    std::string server;
    std::string directory;
    std::string type;
    std::string mount_options;
    std::string umount_options;
    std::string fsck_options;
    source_position where;
    keyword_lines lines;
};

// Storage settings of a package as a whole (SG 3.9).
struct storage_config {
    std::uint32_t mount_retries = 0;   // fs_mount_retry_count
    std::uint32_t umount_retries = 1;  // fs_umount_retry_count
    std::uint32_t concurrent_fsck = 1;
    std::uint32_t concurrent_mount = 1;
    std::string activation = "vgchange -a y";  // vgchange_cmd: the name of the group comes after it
    std::uint32_t deactivation_retries = 0;    // deactivation_retry_count
    bool kill_openers = false;                 // kill_processes_accessing_raw_devices
    std::uint32_t concurrent_activation = 1;   // concurrent_vgchange_operations
};

struct package_config {
    enum class kind { failover, multi_node, system_multi_node, count_ };
    enum class failover { configured_node, min_package_node, site_preferred, site_preferred_manual, count_ };
    enum class failback { manual, automatic, count_ };

    std::string name;
    std::string description;
    kind type = kind::failover;
    std::vector<std::string> nodes;  // ordered; empty or "*" = all nodes in cluster order
    bool auto_run = true;
    bool node_fail_fast = false;
    failover failover_policy = failover::configured_node;
    failback failback_policy = failback::manual;
    std::uint32_t failover_limit = 0;  // at most so many failovers in failover_limit_time; 0 = no limit
    duration failover_limit_time{3'600'000'000};
    std::optional<std::uint32_t> priority;  // 1 to 3000, smaller is more important; nullopt = no_priority
    std::string run_script;
    std::optional<duration> run_script_timeout;  // nullopt = no_timeout
    std::string halt_script;
    std::optional<duration> halt_script_timeout;
    std::optional<duration> successor_halt_timeout;  // 0 = do not wait for dependents
    std::string script_log_file;
    std::uint32_t log_level = 0;
    std::map<std::string, std::string> variables;  // pev_NAME: name as written, without pev_
    std::vector<std::string> external_pre_scripts;
    std::vector<std::string> external_scripts;
    std::vector<dependency_config> dependencies;
    weights weight;
    std::vector<monitored_subnet_config> monitored_subnets;
    std::vector<generic_resource_config> generic_resources;
    storage_config storage;
    std::vector<volume_group_config> volume_groups;
    std::vector<filesystem_config> filesystems;
    std::vector<package_address> addresses;
    std::vector<plugin_instance> resources;  // resource_name, resource_plugin, resource_param ...
    std::vector<service_config> services;
    source_position where;
    keyword_lines lines;

    // Runs on several nodes at once, each instance by itself (SG 3.1).
    [[nodiscard]] bool everywhere() const { return type != kind::failover; }
    // Its failover policy asks at which site a node is.
    [[nodiscard]] bool by_site() const {
        return failover_policy == failover::site_preferred || failover_policy == failover::site_preferred_manual;
    }
};

[[nodiscard]] std::string_view to_string(dependency_config::place value);
[[nodiscard]] std::string_view to_string(generic_resource_config::comparison value);
[[nodiscard]] std::string_view to_string(package_config::kind value);
[[nodiscard]] std::string_view to_string(package_config::failover value);
// `2.5`, at most three decimals, below 1,000,000: SG's form of weights and capacities, in thousandths.
[[nodiscard]] std::optional<std::uint64_t> parse_weight(std::string_view text);
[[nodiscard]] std::string weight_text(std::uint64_t value);

}  // namespace mainstay
