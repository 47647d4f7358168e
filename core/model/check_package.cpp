// Rules for packages: where they may run, what they bring with them.
#include <algorithm>
#include <map>

#include "model/address.hpp"
#include "model/check.hpp"
#include "model/limits.hpp"
#include "model/value.hpp"

namespace mainstay::checking {

namespace {

using first_seen = std::map<std::string, std::pair<std::string, source_position>>;  // name -> package, where

std::string seen_text(const std::pair<std::string, source_position>& first) {
    return "first in package " + first.first + ", " + first.second.file + " line " + std::to_string(first.second.line);
}

// Addresses of packages and nodes together: each may stand once.
using address_book = std::map<ip_address, std::string>;

address_book node_addresses(const cluster_config& cluster) {
    address_book book;
    for (const auto& node : cluster.nodes) {
        for (const auto& interface : node.interfaces) {
            for (const auto* list : {&interface.heartbeat_ip, &interface.stationary_ip}) {
                for (const auto& text : *list) {
                    if (auto address = parse_subnet(text)) book.emplace(address->network, "node " + node.name);
                }
            }
        }
    }
    return book;
}

void check_subnet_of(const cluster_config& cluster, const package_config& package, const package_address& address,
                     problems& found) {
    auto subnet = parse_subnet(address.subnet);
    auto plain = parse_address(address.address);
    if (!plain) return;
    if (!subnet) {
        if (!address.subnet.empty()) return;  // an ip_subnet the parser refused
        add_missing(found, address.where, "ip_address", address.address + " stands under no ip_subnet",
                    "an ip_subnet line above it");
        return;
    }
    bool known = std::any_of(cluster.subnets.begin(), cluster.subnets.end(),
                             [&subnet](const std::string& text) { return parse_subnet(text) == subnet; });
    if (!known && !cluster.name.empty()) {
        auto network = subnet->network;
        auto where = position(package.lines, "ip_subnet " + address.subnet,
                              position(package.lines, "ip_subnet " + to_string(network), address.where));
        std::string list;
        for (const auto& text : cluster.subnets) (list += list.empty() ? "" : ", ") += text;
        add_error(found, where, "ip_subnet", address.subnet + " is no subnet of the cluster",
                  list.empty() ? "a heartbeat_ip, stationary_ip or subnet line for it in the cluster part"
                               : "one of " + list + ", or a subnet line for it in the cluster part");
    }
    if (!contains(*subnet, *plain)) {
        std::string right;
        for (const auto& text : cluster.subnets) {
            auto other = parse_subnet(text);
            if (other && contains(*other, *plain)) right = "ip_subnet " + text;
        }
        add_error(found, address.where, "ip_address",
                  address.address + " is outside " + address.subnet +
                      (right.empty() ? " and every other subnet of the cluster" : ""),
                  right.empty() ? "an address in " + address.subnet : right + " above it");
    } else if (is_reserved_in(*subnet, *plain)) {
        add_error(found, address.where, "ip_address", address.address + " names the subnet, not a host in it",
                  "an address inside " + address.subnet);
    }
}

void check_addresses(const configuration& config, const package_config& package, address_book& book, problems& found) {
    for (const auto& address : package.addresses) {
        check_subnet_of(config.cluster, package, address, found);
        auto plain = parse_address(address.address);
        if (!plain) continue;
        auto [first, fresh] = book.emplace(*plain, "package " + package.name);
        if (!fresh) {
            add_error(found, address.where, "ip_address",
                      address.address + " is already an address of " + first->second,
                      "an address that nobody else has");
        }
    }
}

void check_script(const package_config& package, const std::string& path, const char* keyword, problems& found) {
    if (path.empty() || path.front() == '/') return;
    add_error(found, position(package.lines, keyword, package.where), keyword, "'" + path + "' is no absolute path",
              "a path that starts with /");
}

// SG 3.12: the control script says command and restarts.
void check_scripted(const package_config& package, const service_config& service, problems& found) {
    if (package.run_script.empty()) {
        add_missing(found, service.where, "service_name",
                    "service " + service.name + " of package " + package.name + " has no command",
                    "a service_cmd line below, or a run_script that starts it with cmrunserv");
        return;
    }
    // A control script is one file for both; elsewhere the line was more likely forgotten.
    if (package.run_script != package.halt_script) {
        add_warning(found, service.where, "service_name",
                    "service " + service.name + " has no service_cmd: " + package.run_script +
                        " has to start it with cmrunserv");
    }
    auto restart = service.lines.find("service_restart");
    if (restart == service.lines.end()) return;
    add_warning(found, restart->second, "service_restart",
                "has no effect without service_cmd: the script says it, with cmrunserv -r");
}

void check_service(const package_config& package, const service_config& service, problems& found) {
    if (service.by_script()) return check_scripted(package, service, found);
    if (service.command.front() != '/') {
        add_warning(found, position(service.lines, "service_cmd", service.where), "service_cmd",
                    "the command does not start with an absolute path, and services get no PATH of yours");
    }
    if (service.fail_fast && !service.restart_max) {
        add_warning(found, position(service.lines, "service_fail_fast_enabled", service.where),
                    "service_fail_fast_enabled", "has no effect: restarts are unlimited, so the service never fails");
    }
}

// Scripts see them in capitals. Not for the parser: a log may have both.
void check_variables(const package_config& package, problems& found) {
    std::map<std::string, std::string> seen;
    for (const auto& [name, value] : package.variables) {
        auto capitals = name;
        for (char& c : capitals) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        auto [first, fresh] = seen.emplace(capitals, name);
        if (fresh) continue;
        auto at = [&package](const std::string& each) { return position(package.lines, "pev_" + each, package.where); };
        bool later = at(first->second).line <= at(name).line;
        add_error(found, at(later ? name : first->second), "pev_" + (later ? name : first->second),
                  "given twice: scripts see it as PEV_" + capitals + ", and so pev_" + (later ? first->second : name) +
                      " on line " + std::to_string(at(later ? first->second : name).line),
                  "one of the two lines");
    }
}

void check_contents(const package_config& package, problems& found) {
    bool empty = package.run_script.empty() && package.addresses.empty() && package.resources.empty() &&
                 package.services.empty() && package.external_scripts.empty() && package.external_pre_scripts.empty() &&
                 package.filesystems.empty() && package.volume_groups.empty();
    if (empty) {
        add_missing(found, package.where, "package_name", "package " + package.name + " has nothing to run",
                    "a run_script, external_script, vg, fs_name, ip_address, resource_name or service_name");
    }
    if (!package.run_script.empty() && package.halt_script.empty()) {
        add_warning(found, position(package.lines, "run_script", package.where), "run_script",
                    "there is no halt_script: what the script starts goes on when the package has moved");
        found.back().for_want = true;
    }
    check_script(package, package.run_script, "run_script", found);
    check_script(package, package.halt_script, "halt_script", found);
    check_script(package, package.script_log_file, "script_log_file", found);
    duration halting{0};
    for (const auto& service : package.services) halting += service.halt_timeout;
    if (package.halt_script_timeout && *package.halt_script_timeout <= halting) {
        add_warning(found, position(package.lines, "halt_script_timeout", package.where), "halt_script_timeout",
                    "is not longer than the service_halt_timeout of the services together, " + duration_text(halting));
    }
    auto limit = [&](std::size_t count, std::size_t max, const char* keyword) {
        if (count <= max) return;
        add_error(found, package.where, keyword,
                  "package " + package.name + " has " + std::to_string(count) + " of them",
                  "at most " + std::to_string(max));
    };
    limit(package.addresses.size(), limits::addresses_per_package, "ip_address");
    limit(package.resources.size(), limits::resources_per_package, "resource_name");
    limit(package.services.size(), limits::services_per_package, "service_name");
}

}  // namespace

void check_packages(const configuration& config, problems& found) {
    first_seen packages;
    first_seen services;
    auto book = node_addresses(config.cluster);
    if (config.packages.size() > limits::packages) {
        add_error(found, config.packages[limits::packages].where, "package_name",
                  std::to_string(config.packages.size()) + " packages", "at most " + std::to_string(limits::packages));
    }
    for (const auto& package : config.packages) {
        auto [first, fresh] = packages.emplace(package.name, std::pair(package.name, package.where));
        if (!fresh && !package.name.empty()) {
            const auto& where = first->second.second;
            add_error(found, package.where, "package_name",
                      "a second package " + package.name + "; the first is in " + where.file + " line " +
                          std::to_string(where.line),
                      "a name that no other package has, or one of the two taken out");
        }
        for (const auto& node : package.nodes) {
            if (config.cluster.name.empty()) break;
            require_node(config.cluster, node, position(package.lines, "node_name " + node, package.where), "node_name",
                         found);
        }
        check_contents(package, found);
        check_variables(package, found);
        check_addresses(config, package, book, found);
        std::map<std::string, source_position> resources;
        for (const auto& resource : package.resources) {
            auto [same, fresh_resource] = resources.emplace(resource.name, resource.where);
            if (!fresh_resource && !resource.name.empty()) {
                add_error(found, resource.where, "resource_name",
                          "a second resource " + resource.name + " in package " + package.name +
                              "; the first is on line " + std::to_string(same->second.line),
                          "a name of its own for each resource of a package");
            }
        }
        for (const auto& service : package.services) {
            check_service(package, service, found);
            auto [other, fresh_service] = services.emplace(service.name, std::pair(package.name, service.where));
            if (!fresh_service && !service.name.empty()) {
                add_error(found, service.where, "service_name",
                          "a second service " + service.name + "; " + seen_text(other->second),
                          "names of services that are unique in the cluster");
            }
        }
    }
}

}  // namespace mainstay::checking
