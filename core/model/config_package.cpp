#include "model/config.hpp"
#include "model/value.hpp"

namespace mainstay {

plugin_instance volume_group_instance(const cluster_config& cluster, const package_config& package,
                                      const volume_group_config& item) {
    plugin_instance out;
    out.name = "vg " + item.name;
    out.plugin = "lvm";
    out.where = item.where;
    auto add = [&](const char* name, const std::string& value) { out.params.push_back({name, value, item.where}); };
    add("group", item.name);
    add("cluster", cluster.name);
    add("activation", package.storage.activation);
    add("deactivation_retries", std::to_string(package.storage.deactivation_retries));
    add("kill_openers", package.storage.kill_openers ? "yes" : "no");
    return out;
}

std::vector<std::string> volume_group_tools(const package_config& package) {
    auto program = package.storage.activation.substr(0, package.storage.activation.find(' '));
    if (program.empty() || program.front() != '/') program = "/sbin/vgchange";
    auto folder = program.substr(0, program.rfind('/') + 1);
    std::vector<std::string> list{program};
    for (const char* name : {"vgchange", "vgs", "lvs"})
        if (folder + name != program) list.push_back(folder + name);
    return list;
}

plugin_instance filesystem_instance(const package_config& package, const filesystem_config& item) {
    plugin_instance out;
    out.name = "filesystem " + item.directory;
    out.plugin = "filesystem";
    out.where = item.where;
    auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) out.params.push_back({name, value, item.where});
    };
    add("device", item.name);
    add("server", item.server);
    add("directory", item.directory);
    add("type", item.type);
    add("mount_options", item.mount_options);
    add("umount_options", item.umount_options);
    add("fsck_options", item.fsck_options);
    add("mount_retries", std::to_string(package.storage.mount_retries));
    add("umount_retries", std::to_string(package.storage.umount_retries));
    return out;
}

bool at_place(dependency_config::place location, node_id other, node_id own) {
    switch (location) {
        case dependency_config::place::same_node:
            return other == own;
        case dependency_config::place::different_node:
            return other != own;
        default:
            return true;
    }
}

std::string_view to_string(dependency_config::place value) {
    switch (value) {
        case dependency_config::place::any_node:
            return "any_node";
        case dependency_config::place::different_node:
            return "different_node";
        case dependency_config::place::all_nodes:
            return "all_nodes";
        default:
            return "same_node";
    }
}

std::string_view to_string(generic_resource_config::comparison value) {
    switch (value) {
        case generic_resource_config::comparison::not_equal:
            return "!=";
        case generic_resource_config::comparison::greater:
            return ">";
        case generic_resource_config::comparison::less:
            return "<";
        case generic_resource_config::comparison::greater_equal:
            return ">=";
        case generic_resource_config::comparison::less_equal:
            return "<=";
        default:
            return "==";
    }
}

std::string_view to_string(package_config::kind value) {
    switch (value) {
        case package_config::kind::multi_node:
            return "multi_node";
        case package_config::kind::system_multi_node:
            return "system_multi_node";
        default:
            return "failover";
    }
}

std::string_view to_string(package_config::failover value) {
    switch (value) {
        case package_config::failover::min_package_node:
            return "min_package_node";
        case package_config::failover::site_preferred:
            return "site_preferred";
        case package_config::failover::site_preferred_manual:
            return "site_preferred_manual";
        default:
            return "configured_node";
    }
}

std::optional<std::uint64_t> parse_weight(std::string_view text) {
    constexpr std::uint64_t max = 1'000'000;
    auto dot = text.find('.');
    auto whole = parse_count(text.substr(0, dot));
    if (!whole || *whole > max) return std::nullopt;
    std::uint64_t value = *whole * weight_unit;
    if (dot != std::string_view::npos) {
        auto fraction = std::string(text.substr(dot + 1));
        if (fraction.empty() || fraction.size() > 3) return std::nullopt;
        fraction.append(3 - fraction.size(), '0');
        auto thousandths = parse_count(fraction);
        if (!thousandths) return std::nullopt;
        value += *thousandths;
    }
    if (value > max * weight_unit) return std::nullopt;
    return value;
}

std::string weight_text(std::uint64_t value) {
    auto text = std::to_string(value / weight_unit);
    auto rest = value % weight_unit;
    if (rest == 0) return text;
    auto fraction = std::to_string(weight_unit + rest).substr(1);
    while (fraction.back() == '0') fraction.pop_back();
    return text + "." + fraction;
}

}  // namespace mainstay
