// Cluster-wide rules: names, number of voters, times, links, fencing.
#include <algorithm>
#include <map>
#include <set>

#include "model/address.hpp"
#include "model/check.hpp"
#include "model/limits.hpp"
#include "model/timing.hpp"
#include "model/value.hpp"

namespace mainstay::checking {

namespace {

std::string line_text(const source_position& where) {
    return "the first is in " + where.file + " line " + std::to_string(where.line);
}

template <class Item>
void check_unique(const std::vector<Item>& items, const std::string& keyword, const std::string& what,
                  problems& found) {
    std::map<std::string, source_position> seen;
    for (const auto& item : items) {
        auto [first, fresh] = seen.emplace(item.name, item.where);
        if (!fresh && !item.name.empty()) {
            add_error(found, item.where, keyword,
                      "a second " + what + " " + item.name + "; " + line_text(first->second),
                      "a name of its own for each " + what);
        }
    }
}

void check_voters(const cluster_config& cluster, problems& found) {
    auto count = cluster.nodes.size();
    if (count == 0) {
        add_missing(found, cluster.where, "node_name", "the cluster has no nodes", "at least one node_name");
    } else if (count > limits::nodes) {
        add_error(found, cluster.nodes[limits::nodes].where, "node_name", std::to_string(count) + " nodes",
                  "at most " + std::to_string(limits::nodes) + " nodes");
    } else if (count % 2 == 0 && tie_break_of(cluster) == cluster_config::tie::none) {
        constexpr const char* remedy =
            "tie_break arbitrator or proof, or an odd number of nodes (a small third one needs no packages)";
        if (count == 2) {
            add_missing(found, cluster.nodes.back().where, "node_name",
                        "two nodes without a tie-break: when one is lost the other may not go on", remedy);
        } else {
            add_warning(found, cluster.nodes.back().where, "node_name",
                        std::to_string(count) +
                            " nodes without a tie-break can split into halves of which neither may go on: one of "
                            "them will have no vote; better is " +
                            remedy);
        }
    }
}

// R4: one kind, and it has to be able to decide.
void check_tie_break(const cluster_config& cluster, problems& found) {
    auto at = [&cluster](const char* keyword) { return position(cluster.lines, keyword, cluster.where); };
    bool fences = cluster.fencing == cluster_config::fencing_mode::required;
    if (cluster.tie_break == cluster_config::tie::proof) {
        if (!fences)
            add_error(found, at("tie_break"), "tie_break",
                      "with fencing none there is no proof of death that could break a tie", "arbitrator or none");
        for (const auto& node : cluster.nodes) {
            if (!fences || !fence_levels(cluster, node.name).empty()) continue;
            add_missing(found, at("tie_break"), "tie_break",
                        "no fencing device can switch off node " + node.name + ", so its half could never be passed by",
                        "a stonith_name section that covers it, or tie_break arbitrator");
        }
    }
    bool asks = cluster.tie_break == cluster_config::tie::arbitrator;
    if (asks && cluster.arbitrators.empty())
        add_missing(found, at("tie_break"), "tie_break", "there is no arbitrator that could be asked",
                    "an arbitrator_name section");
    if (!asks && !cluster.arbitrators.empty())
        add_warning(
            found, cluster.arbitrators.front().where, "arbitrator_name",
            "arbitrator " + cluster.arbitrators.front().name + " is never asked: that needs `tie_break arbitrator`");
    auto plain = cluster;
    plain.tie_break_delay.reset();
    plain.tie_break_timeout.reset();
    auto least = tie_times_of(plain);
    if (cluster.tie_break_delay && *cluster.tie_break_delay < least.delay)
        add_error(found, at("tie_break_delay"), "tie_break_delay",
                  duration_text(*cluster.tie_break_delay) + " is shorter than the slowest device may take to confirm",
                  "at least " + duration_text(least.delay));
    auto needed = least.timeout - least.delay + cluster.tie_break_delay.value_or(least.delay);
    if (cluster.tie_break_timeout && *cluster.tie_break_timeout < needed)
        add_error(found, at("tie_break_timeout"), "tie_break_timeout",
                  duration_text(*cluster.tie_break_timeout) +
                      " is shorter than all levels of fencing, with their tries, and tie_break_delay together",
                  "at least " + duration_text(needed));
}

void check_times(const cluster_config& cluster, problems& found) {
    auto t = timings_of(cluster);
    auto at = [&cluster](const char* keyword) { return position(cluster.lines, keyword, cluster.where); };
    if (cluster.member_timeout < limits::member_timeout_min) {
        add_error(found, at("member_timeout"), "member_timeout",
                  duration_text(cluster.member_timeout) + " is shorter than pauses that healthy machines make",
                  "at least " + duration_text(limits::member_timeout_min));
    }
    if (limits::beats_per_timeout_min * t.heartbeat_interval > t.member_timeout) {
        add_error(found, at("heartbeat_interval"), "heartbeat_interval",
                  duration_text(t.heartbeat_interval) + " leaves fewer than " +
                      std::to_string(limits::beats_per_timeout_min) + " beats in a member_timeout of " +
                      duration_text(t.member_timeout) + ", so that a few lost datagrams look like a dead node",
                  "at most " + duration_text(t.member_timeout / limits::beats_per_timeout_min));
    }
    if (cluster.lines.count("lease_halt_timeout") != 0 &&
        cluster.on_quorum_loss == cluster_config::quorum_loss::reset && cluster.lines.count("on_quorum_loss") != 0) {
        add_warning(found, at("lease_halt_timeout"), "lease_halt_timeout",
                    "has no effect with on_quorum_loss reset: nothing is halted, the node resets");
    }
}

void check_addresses(const cluster_config& cluster, problems& found) {
    std::map<ip_address, std::string> owner;
    for (const auto& node : cluster.nodes) {
        std::set<std::string> interfaces;
        for (const auto& interface : node.interfaces) {
            if (!interfaces.insert(interface.name).second) {
                add_error(found, position(node.lines, "network_interface " + interface.name, node.where),
                          "network_interface", "interface " + interface.name + " stands twice in node " + node.name);
            }
            auto check = [&](const std::string& text, const char* keyword) {
                auto address = parse_subnet(text);
                if (!address) return;
                auto plain = to_string(address->network);
                auto where = position(node.lines, std::string(keyword) + ' ' + text,
                                      position(node.lines, std::string(keyword) + ' ' + plain, node.where));
                if (is_reserved_in(*address, address->network)) {
                    add_error(found, where, keyword, plain + " names the subnet, not a node in it",
                              "an address inside " + to_string(network_of(*address)));
                }
                auto [first, fresh] = owner.emplace(address->network, node.name);
                if (!fresh) add_error(found, where, keyword, plain + " is already an address of node " + first->second);
            };
            for (const auto& text : interface.heartbeat_ip) check(text, "heartbeat_ip");
            for (const auto& text : interface.stationary_ip) check(text, "stationary_ip");
        }
        if (node.interfaces.size() > limits::interfaces_per_node) {
            add_error(found, node.where, "network_interface", "too many interfaces in node " + node.name,
                      "at most " + std::to_string(limits::interfaces_per_node));
        }
    }
}

void check_power_sources(const cluster_config& cluster, problems& found) {
    std::vector<std::string_view> sources;
    for (const auto& source : cluster.event_sources) sources.push_back(source.name);
    auto check = [&](const auto& item, const std::string& keyword) {
        if (item.power_source.empty()) return;
        if (std::find(sources.begin(), sources.end(), item.power_source) != sources.end()) return;
        add_missing(found, position(item.lines, keyword, item.where), keyword,
                    "there is no event source " + item.power_source, "the event_name of a UPS");
        found.back().nearest = nearest_word(item.power_source, sources);
    };
    for (const auto& node : cluster.nodes) check(node, "power_source");
    for (const auto& device : cluster.stonith) check(device, "stonith_power_source");
    for (const auto& item : cluster.arbitrators) check(item, "arbitrator_power_source");
}

bool carries(const plugin_instance& link, const std::string& node) {
    return link.nodes.empty() || std::find(link.nodes.begin(), link.nodes.end(), node) != link.nodes.end();
}

// Rounded up, for people.
std::string milliseconds(duration value) { return duration_text(duration{(value.count() + 999) / 1'000 * 1'000}); }

// D7: a link too slow for the member timeout cannot count; say what would make it count.
void check_link_speed(const cluster_config& cluster, const plugin_instance& link, problems& found) {
    auto speed = timing_of(cluster, link);
    if (speed.counts) return;
    auto where = link.where;
    for (const auto& param : link.params) {
        if (param.name == "baud") where = param.where;
    }
    add_warning(found, where, "heartbeat_param",
                "link " + link.name + " takes " + milliseconds(speed.frame) + " for one beat: with member_timeout " +
                    duration_text(cluster.member_timeout) +
                    " it only vetoes fencing and does not count for quorum; it counts from member_timeout " +
                    milliseconds(speed.member_timeout_min));
}

void check_link_nodes(const cluster_config& cluster, const plugin_instance& link, bool implicit, problems& found) {
    if (implicit) {
        for (const auto& node : cluster.nodes) {
            if (carries(link, node.name)) continue;
            add_missing(found, node.where, "heartbeat_ip",
                        "node " + node.name + " has no heartbeat_ip on heartbeat link " + link.name +
                            ", where other nodes have one",
                        "a heartbeat_ip of every node on every heartbeat subnet (stationary_ip carries no heartbeats)");
        }
        return;
    }
    auto nodes = link.nodes.empty() ? cluster.nodes.size() : link.nodes.size();
    if (link.plugin == "heartbeat-serial" && nodes != 2) {
        add_missing(found, link.where, "heartbeat_node",
                    "a serial cable joins two nodes, link " + link.name + " has " + std::to_string(nodes),
                    "two heartbeat_node lines");
    } else if (nodes < 2 && cluster.nodes.size() > 1) {
        add_error(found, link.where, "heartbeat_node", "link " + link.name + " has only one node",
                  "two or more, or no heartbeat_node line for all");
    }
}

}  // namespace

void check_cluster(const configuration& config, problems& found) {
    const auto& cluster = config.cluster;
    if (cluster.name.empty()) {
        auto where = config.packages.empty() ? cluster.where : source_position{config.packages.front().where.file, 0};
        add_error(found, where, "cluster_name",
                  "no file names the cluster: all files of the cluster are wanted together",
                  "cluster.conf, and the files of all packages: a package that is in none would be removed");
        return;
    }
    check_unique(cluster.nodes, "node_name", "node", found);
    check_unique(cluster.heartbeats, "heartbeat_name", "heartbeat link", found);
    check_unique(cluster.stonith, "stonith_name", "fencing device", found);
    check_unique(cluster.arbitrators, "arbitrator_name", "arbitrator", found);
    check_unique(cluster.event_sources, "event_name", "event source", found);
    check_unique(cluster.notifiers, "notifier_name", "notifier", found);
    check_voters(cluster, found);
    check_tie_break(cluster, found);
    check_times(cluster, found);
    check_addresses(cluster, found);
    check_power_sources(cluster, found);
}

// D5, proof (3): T + L + W after it was last acknowledged nothing runs on a lost node, if its watchdog is armed.
void check_watchdogs(const cluster_config& cluster, problems& found) {
    auto times = timings_of(cluster);
    for (const auto& node : cluster.nodes) {
        auto where = position(node.lines, "watchdog_timeout", node.where);
        bool timed = node.lines.count("watchdog_timeout") != 0;
        if (node.watchdog_device.empty()) {
            if (timed)
                add_missing(found, where, "watchdog_timeout", "node " + node.name + " has no watchdog",
                            "a watchdog_device line above it");
            continue;
        }
        if (!fence_levels(cluster, node.name).empty() || cluster.nodes.size() < 2) continue;
        if (cluster.fencing == cluster_config::fencing_mode::none) continue;
        add_warning(found, position(node.lines, "watchdog_device", node.where), "watchdog_device",
                    "no fencing device can switch off node " + node.name + ": when it is lost, its packages wait " +
                        milliseconds(lease_proof_of(times, node.watchdog_timeout).total()) +
                        " or more for its lease and its watchdog (hactl timing)");
    }
}

void check_links(const cluster_config& cluster, problems& found) {
    if (cluster.name.empty() || cluster.nodes.size() < 2) return;
    auto links = effective_links(cluster);
    if (links.size() > limits::links) {
        add_error(found, cluster.where, "heartbeat_name", std::to_string(links.size()) + " heartbeat links",
                  "at most " + std::to_string(limits::links));
    }
    auto before = found.size();
    for (std::size_t i = 0; i < links.size(); ++i) {
        check_link_nodes(cluster, links[i], i >= cluster.heartbeats.size(), found);
        check_link_speed(cluster, links[i], found);
    }
    // What is missing on a link was said; saying it again for each pair would bury it.
    if (has_errors(std::span(found).subspan(before))) return;
    // Every pair needs a way that counts, or one of the two can never be told from a dead node.
    for (const auto& a : cluster.nodes) {
        for (const auto& b : cluster.nodes) {
            if (a.name >= b.name) continue;
            bool joined = std::any_of(links.begin(), links.end(), [&](const plugin_instance& link) {
                return carries(link, a.name) && carries(link, b.name) && timing_of(cluster, link).counts;
            });
            if (!joined) {
                add_missing(found, b.where, "node_name",
                            "no heartbeat link that counts joins " + a.name + " and " + b.name,
                            "heartbeat_ip lines on one subnet, or a heartbeat_name section");
            }
        }
    }
}

void check_fencing(const cluster_config& cluster, problems& found) {
    if (cluster.name.empty()) return;
    if (cluster.fencing == cluster_config::fencing_mode::none) {
        add_warning(found, position(cluster.lines, "fencing", cluster.where), "fencing",
                    "without fencing a package may run on two nodes at once when a node is only cut off; "
                    "never with shared disks");
        return;
    }
    if (cluster.nodes.size() < 2) return;
    for (const auto& node : cluster.nodes) {
        bool covered = std::any_of(cluster.stonith.begin(), cluster.stonith.end(),
                                   [&node](const stonith_device& device) { return carries(device, node.name); });
        if (covered || !node.watchdog_device.empty()) continue;
        add_missing(
            found, node.where, "node_name",
            "no fencing device can switch off node " + node.name + ", so its packages could never move when it is lost",
            "a stonith_name section that covers it, a watchdog_device, or `fencing none` (then a package may run "
            "twice)");
    }
}

}  // namespace mainstay::checking
