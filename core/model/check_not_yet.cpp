// What is read and understood but nothing acts on yet. Refused by name: a cluster that silently
// passes over a dependency is worse than one that does not start.
#include "model/check.hpp"

namespace mainstay::checking {

namespace {

class refusals {
public:
    refusals(const package_config& package, problems& found) : package_(package), found_(found) {}
    void when(bool used, const char* keyword, const source_position& where, const char* instead) {
        if (used)
            add_error(found_, position(package_.lines, keyword, where), keyword, "not supported by this version yet",
                      instead);
    }

private:
    const package_config& package_;
    problems& found_;
};

template <class Items>
source_position first_of(const Items& items, const source_position& otherwise) {
    return items.empty() ? otherwise : items.front().where;
}

}  // namespace

void check_not_yet(const configuration& config, problems& found) {
    for (const auto& node : config.cluster.nodes)
        if (!node.capacities.empty())
            add_error(found, node.where, "capacity_name", "not supported by this version yet", "the line taken out");
    for (const auto& package : config.packages) {
        refusals refuse(package, found);
        const auto& here = package.where;
        refuse.when(package.everywhere(), "package_type", here, "package_type failover");
        refuse.when(package.node_fail_fast, "node_fail_fast_enabled", here,
                    "service_fail_fast_enabled of its services");
        refuse.when(package.failover_policy != package_config::failover::configured_node, "failover_policy", here,
                    "failover_policy configured_node");
        refuse.when(package.failback_policy != package_config::failback::manual, "failback_policy", here,
                    "failback_policy manual");
        refuse.when(!package.dependencies.empty(), "dependency_name", first_of(package.dependencies, here),
                    "the lines taken out");
        refuse.when(!package.weight.empty(), "weight_name", here, "the lines taken out");
        refuse.when(!package.monitored_subnets.empty(), "monitored_subnet", here, "the line taken out");
        refuse.when(!package.generic_resources.empty(), "generic_resource_name",
                    first_of(package.generic_resources, here), "a service that ends when the resource is down");
        refuse.when(!package.filesystems.empty(), "fs_name", first_of(package.filesystems, here),
                    "mount in an external_pre_script");
        refuse.when(!package.external_pre_scripts.empty(), "external_pre_script", here, "run_script");
        refuse.when(!package.external_scripts.empty(), "external_script", here, "run_script");
        refuse.when(!package.variables.empty(), "pev_*", here, "the values in the script");
    }
}

}  // namespace mainstay::checking
