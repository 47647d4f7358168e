// Sites: where nodes stand, and packages that ask for it (SG 2, 5.4).
#include <algorithm>

#include "model/check.hpp"

namespace mainstay::checking {

namespace {

bool may_run_on(const package_config& package, const std::string& node) {
    return package.nodes.empty() || std::find(package.nodes.begin(), package.nodes.end(), node) != package.nodes.end();
}

std::string joined(const std::vector<std::string>& list) {
    std::string out;
    for (const auto& item : list) (out += out.empty() ? "" : ", ") += item;
    return out;
}

// SG 5.4: site_preferred and site_preferred_manual ask at which site a node is.
void check_policy(const configuration& config, const package_config& package, problems& found) {
    if (config.cluster.name.empty() || package.everywhere() || !package.by_site()) return;
    auto where = position(package.lines, "failover_policy", package.where);
    auto policy = std::string(to_string(package.failover_policy));
    if (config.cluster.sites.empty())
        return add_error(found, where, "failover_policy", policy + ", and the cluster has no sites",
                         "site_name lines in the cluster part and a site under each node, or configured_node");
    for (const auto& node : config.cluster.nodes) {
        if (!node.site.empty() || !may_run_on(package, node.name)) continue;
        add_error(found, where, "failover_policy",
                  policy + ", and node " + node.name + " of package " + package.name + " is at no site",
                  "a site line under node_name " + node.name + ": one of " + joined(config.cluster.sites));
    }
}

void check_names(const cluster_config& cluster, problems& found) {
    const auto& sites = cluster.sites;
    for (const auto& node : cluster.nodes) {
        if (node.site.empty() || std::find(sites.begin(), sites.end(), node.site) != sites.end()) continue;
        std::vector<std::string_view> known(sites.begin(), sites.end());
        add_error(found, position(node.lines, "site", node.where), "site", "there is no site " + node.site,
                  sites.empty() ? "site_name " + node.site + " in the cluster part" : "one of " + joined(sites),
                  nearest_word(node.site, known));
    }
    for (const auto& site : sites) {
        bool used = std::any_of(cluster.nodes.begin(), cluster.nodes.end(),
                                [&site](const auto& node) { return node.site == site; });
        if (!used)
            add_warning(found, position(cluster.lines, "site_name " + site, cluster.where), "site_name",
                        "no node is at site " + site);
    }
}

}  // namespace

void check_sites(const configuration& config, problems& found) {
    check_names(config.cluster, found);
    for (const auto& package : config.packages) check_policy(config, package, found);
}

}  // namespace mainstay::checking
