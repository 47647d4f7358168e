// The canonical text of a package.
#include "model/lexer.hpp"
#include "model/page.hpp"
#include "model/print.hpp"

namespace mainstay {

namespace {

void print_timeout(page& out, std::string_view keyword, const std::optional<duration>& value) {
    out.line(keyword, value ? duration_text(*value) : "no_timeout");
}

void print_service(page& out, const service_config& service) {
    out.gap();
    out.word("service_name", service.name);
    out.indent(2);
    out.whole("service_cmd", service.command);
    bool none = service.restart_max && *service.restart_max == 0;
    auto restarts = !service.restart_max ? "unlimited" : none ? "none" : std::to_string(*service.restart_max);
    if (!service.by_script()) out.line("service_restart", restarts);
    if (service.restart_heal) out.time("service_restart_heal_time", *service.restart_heal);
    out.line("service_fail_fast_enabled", service.fail_fast ? "yes" : "no");
    out.time("service_halt_timeout", service.halt_timeout);
}

void print_policies(page& out, const package_config& package) {
    bool automatic = package.failback_policy == package_config::failback::automatic;
    if (package.everywhere()) return;
    out.line("failover_policy", to_string(package.failover_policy));
    out.line("failback_policy", automatic ? "automatic" : "manual");
    out.line("failover_limit", std::to_string(package.failover_limit));
    out.time("failover_limit_time", package.failover_limit_time);
}

void print_scripts(page& out, const package_config& package) {
    out.word("run_script", package.run_script);
    print_timeout(out, "run_script_timeout", package.run_script_timeout);
    out.word("halt_script", package.halt_script);
    print_timeout(out, "halt_script_timeout", package.halt_script_timeout);
    print_timeout(out, "successor_halt_timeout", package.successor_halt_timeout);
    out.word("script_log_file", package.script_log_file);
    out.line("log_level", std::to_string(package.log_level));
    for (const auto& script : package.external_pre_scripts) out.word("external_pre_script", script);
    for (const auto& script : package.external_scripts) out.word("external_script", script);
    for (const auto& [name, value] : package.variables) out.line("pev_" + name, quoted_whole(value));
}

void print_needs(page& out, const package_config& package) {
    for (const auto& [name, value] : package.weight) {
        out.word("weight_name", name);
        out.line("weight_value", weight_text(value));
    }
    for (const auto& item : package.monitored_subnets) {
        out.word("monitored_subnet", item.subnet);
        if (item.partial) out.line("monitored_subnet_access", "partial");
    }
    for (const auto& item : package.dependencies) {
        out.gap();
        out.word("dependency_name", item.name);
        out.indent(2);
        out.line("dependency_condition", item.package + (item.up ? " = UP" : " = DOWN"));
        out.line("dependency_location", to_string(item.location));
    }
    for (const auto& item : package.generic_resources) {
        out.gap();
        out.word("generic_resource_name", item.name);
        out.indent(2);
        out.line("generic_resource_evaluation_type",
                 item.before_start ? "before_package_start" : "during_package_start");
        if (item.up_when)
            out.line("generic_resource_up_criteria",
                     std::string(to_string(item.up_when->how)) + ' ' + std::to_string(item.up_when->value));
    }
}

void print_storage(page& out, const package_config& package) {
    const auto& storage = package.storage;
    if (!package.volume_groups.empty()) {
        out.gap();
        out.whole("vgchange_cmd", storage.activation);
        out.line("deactivation_retry_count", std::to_string(storage.deactivation_retries));
        out.line("kill_processes_accessing_raw_devices", storage.kill_openers ? "yes" : "no");
        for (const auto& item : package.volume_groups) out.word("vg", item.name);
    }
    if (package.filesystems.empty()) return;
    out.gap();
    out.line("fs_mount_retry_count", std::to_string(storage.mount_retries));
    out.line("fs_umount_retry_count", std::to_string(storage.umount_retries));
    for (const auto& item : package.filesystems) {
        out.gap();
        out.word("fs_name", item.name);
        out.indent(2);
        out.word("fs_server", item.server);
        out.word("fs_directory", item.directory);
        out.word("fs_type", item.type);
        out.whole("fs_mount_opt", item.mount_options);
        out.whole("fs_umount_opt", item.umount_options);
        out.whole("fs_fsck_opt", item.fsck_options);
    }
}

void print_addresses(page& out, const package_config& package) {
    std::string subnet;
    for (const auto& address : package.addresses) {
        if (address.subnet != subnet) {
            out.gap();
            out.word("ip_subnet", address.subnet);
            subnet = address.subnet;
        }
        out.indent(2);
        out.word("ip_address", address.address);
    }
}

}  // namespace

std::string print_package(const package_config& package) {
    page out;
    out.word("package_name", package.name);
    out.whole("description", package.description);
    out.line("package_type", to_string(package.type));
    if (package.nodes.empty()) out.line("node_name", "*");
    for (const auto& node : package.nodes) out.word("node_name", node);
    out.line("auto_run", package.auto_run ? "yes" : "no");
    out.line("node_fail_fast_enabled", package.node_fail_fast ? "yes" : "no");
    print_policies(out, package);
    out.line("priority", package.priority ? std::to_string(*package.priority) : "no_priority");
    print_scripts(out, package);
    print_needs(out, package);
    print_storage(out, package);
    print_addresses(out, package);
    for (const auto& resource : package.resources) {
        out.gap();
        print_instance(out, "resource", resource);
    }
    for (const auto& service : package.services) print_service(out, service);
    return out.take();
}

}  // namespace mainstay
