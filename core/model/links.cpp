// effective_links: the explicit links, and one UDP link for each heartbeat subnet of the
// interfaces (Serviceguard names no links, only addresses).
#include <algorithm>

#include "model/address.hpp"
#include "model/config.hpp"

namespace mainstay {

namespace {

std::string free_name(const std::vector<plugin_instance>& links, const std::string& wanted) {
    auto taken = [&links](const std::string& name) {
        return std::any_of(links.begin(), links.end(), [&name](const auto& link) { return link.name == name; });
    };
    auto name = wanted;
    for (int number = 2; taken(name); ++number) name = wanted + '_' + std::to_string(number);
    return name;
}

}  // namespace

std::vector<plugin_instance> effective_links(const cluster_config& cluster) {
    auto links = cluster.heartbeats;
    std::vector<std::pair<ip_subnet, std::size_t>> known;  // subnet -> index in links
    for (const auto& node : cluster.nodes) {
        for (const auto& interface : node.interfaces) {
            for (const auto& text : interface.heartbeat_ip) {
                auto address = parse_subnet(text);
                if (!address) continue;
                auto network = network_of(*address);
                auto found = std::find_if(known.begin(), known.end(),
                                          [&network](const auto& entry) { return entry.first == network; });
                if (found == known.end()) {
                    plugin_instance link;
                    link.name = free_name(links, interface.name);
                    link.plugin = "heartbeat-udp";
                    link.where = node.where;
                    link.params.push_back({"port", std::to_string(cluster.heartbeat_port), node.where});
                    links.push_back(std::move(link));
                    found = known.insert(known.end(), {network, links.size() - 1});
                }
                auto& link = links[found->second];
                auto& params = link.node_params[node.name];
                // A second address of one node on one subnet adds no second way.
                if (!params.empty()) continue;
                params.push_back({"address", to_string(address->network), node.where});
                link.nodes.push_back(node.name);
            }
        }
    }
    // Serviceguard names no cable. Two addresses may be joined by one, and then a lost carrier may be the peer's
    // death (D5): taken for a reason of this node it would keep the survivor from ever going on.
    for (auto i = cluster.heartbeats.size(); i < links.size(); ++i)
        if (links[i].nodes.size() == 2) links[i].params.push_back({"direct_cable", "yes", links[i].where});
    return links;
}

const network_interface* interface_on(const node_config& node, const std::string& subnet) {
    auto wanted = parse_subnet(subnet);
    auto there = [&wanted](const std::string& text) {
        auto address = parse_subnet(text);
        return address && wanted && contains(*wanted, address->network);
    };
    auto found = std::find_if(node.interfaces.begin(), node.interfaces.end(), [&](const auto& item) {
        return std::any_of(item.heartbeat_ip.begin(), item.heartbeat_ip.end(), there) ||
               std::any_of(item.stationary_ip.begin(), item.stationary_ip.end(), there);
    });
    return found == node.interfaces.end() ? nullptr : &*found;
}

bool is_on(const node_config& node, const std::string& subnet) { return interface_on(node, subnet) != nullptr; }

std::string switch_of(const cluster_config& cluster, const plugin_instance& link, const std::string& node) {
    if (!link.network_switch.empty()) return link.network_switch;
    auto own = link.node_params.find(node);
    auto config = std::find_if(cluster.nodes.begin(), cluster.nodes.end(),
                               [&node](const auto& item) { return item.name == node; });
    if (own == link.node_params.end() || config == cluster.nodes.end()) return {};
    for (const auto& param : own->second) {
        auto address = parse_address(param.value);
        if (param.name != "address" || !address) continue;
        // As a subnet of its own: the interface that has this very address.
        const auto* found = interface_on(*config, to_string(*address) + (address->v6 ? "/128" : "/32"));
        if (found != nullptr) return found->network_switch;
    }
    return {};
}

}  // namespace mainstay
