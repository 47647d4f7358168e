// Folding a configuration: which nodes and packages there are from now on, and what may not change while
// something runs (SG 3.11).
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/change_refusals.hpp"
#include "cluster/configuration.hpp"
#include "cluster/fold.hpp"
#include "model/online_change.hpp"
#include "model/timing.hpp"

namespace mainstay::cluster {

void fold::on(const found_cluster& body) {
    if (state_.formed()) return refuse("the cluster exists already");
    state_.cluster = body.cluster;
    founding_ = true;
    on(body.first);
}

void fold::on(const configure& body) {
    auto parsed = parse_canonical(body.text);
    if (!parsed) return refuse(parsed.error().message);
    // SG 7.4: a node that does not listen would come back to another configuration than its packages were started with.
    if (auto wrong = against_detached(state_); !wrong.empty()) return refuse(wrong);
    if (!founding_ && (!nodes_may_go(parsed->cluster) || !packages_may_change(*parsed))) return;
    state_.configuration_text = body.text;
    auto former = std::exchange(state_.config, std::move(*parsed));
    outcome_.configuration_changed = true;
    // "Packages": waits use the largest L ever committed, and the largest of what else a node out of reach goes by.
    auto times = timings_of(state_.config.cluster);
    state_.lease_max = std::max(state_.lease_max, times.lease);
    state_.member_timeout_max = std::max(state_.member_timeout_max, times.member_timeout);
    state_.halt_timeout_max = std::max(state_.halt_timeout_max, times.halt_timeout);
    take_nodes(body);
    forget_services(former);
    std::set<std::string> kept;
    for (const auto& item : state_.config.packages) {
        auto names = state_.instances(item);
        kept.insert(names.begin(), names.end());
        add_instances(item, names);
    }
    std::erase_if(state_.packages, [&](const auto& entry) {
        if (kept.contains(entry.first)) return false;
        state_.generation_floor = std::max(state_.generation_floor, entry.second.generation);
        for (const auto& alarm :
             {"package " + entry.first, entry.first + " failover_limit", entry.first + " maintenance_overdue"})
            state_.alarms.erase(alarm);
        return true;
    });
    forget_sources(former);
    prune_conditions(former);
    prune_pins();
}

// SG 4.1: a package configured into a running cluster does not start by itself. One more instance of a package does as
// the others do, and a system_multi_node package always starts with its node (SG 3.1): no command would switch it on.
void fold::add_instances(const package_config& package, const std::vector<std::string>& names) {
    bool follows = !founding_ && state_.feature_level >= instances_follow_level && package.everywhere();
    bool always = follows && package.type == package_config::kind::system_multi_node;
    const package_state* sibling = nullptr;  // one that is switched on, if there is one
    for (const auto& name : names) {
        auto found = state_.packages.find(name);
        if (!follows || found == state_.packages.end()) continue;
        if (sibling == nullptr || (found->second.switching && !sibling->switching)) sibling = &found->second;
    }
    std::map<std::string, package_state> added;
    for (const auto& name : names) {
        if (state_.packages.contains(name)) continue;
        auto& fresh = added[name];
        fresh.generation = state_.generation_floor;
        fresh.switching = always || (sibling != nullptr ? sibling->switching : package.auto_run && founding_);
        fresh.switching_by =
            sibling != nullptr ? sibling->switching_by : by(package.auto_run ? "auto_run yes" : "auto_run no");
        fresh.phase_by = by("configured");
    }
    state_.packages.merge(added);
}

// A service that runs another command from now on has never been restarted.
void fold::forget_services(const configuration& former) {
    for (auto& [name, item] : state_.packages) {
        auto from = std::find_if(former.packages.begin(), former.packages.end(),
                                 [own = package_of(name)](const auto& each) { return each.name == own; });
        const auto* to = state_.find_package(name);
        if (from == former.packages.end() || to == nullptr || item.restarts.empty()) continue;
        for (const auto& service : changes_of_parts(*from, *to).services_halted) item.restarts.erase(service);
    }
}

// What an event source has said counts as long as it can take it back.
void fold::forget_sources(const configuration& former) {
    const auto& now = state_.config.cluster.event_sources;
    for (const auto& source : former.cluster.event_sources) {
        if (std::any_of(now.begin(), now.end(), [&](const auto& item) { return item.name == source.name; })) continue;
        state_.power.erase(source.name);
        state_.alarms.erase("power " + source.name);
        std::erase_if(state_.alarms, [&](const auto& entry) { return entry.first.starts_with(source.name + " "); });
    }
}

// What was started has to be halted by the same steps; the rest may change while it runs, if that would not
// fail it.
bool fold::packages_may_change(const configuration& wanted) {
    auto after = state_;
    after.config = wanted;
    for (const auto& [name, item] : state_.packages) {
        if (!item.active() && !item.maintained) continue;
        auto wrong = against_change(state_, name, item, after);
        if (wrong.empty()) continue;
        refuse(wrong);
        return false;
    }
    return true;
}

bool fold::nodes_may_go(const cluster_config& cluster) {
    auto wrong = against_nodes_going(state_, cluster);
    if (!wrong.empty()) refuse(wrong);
    return wrong.empty();
}

// R1: an id is given once; a node that is taken out and put in again is another one.
void fold::take_nodes(const configure& body) {
    for (const auto& [name, id] : body.ids) {
        state_.ids.emplace(name, id);
        state_.nodes[id].name = name;
        state_.next_node = std::max(state_.next_node, node_id{id.value + 1});
    }
    for (const auto& item : state_.config.cluster.nodes) {
        if (state_.ids.contains(item.name)) continue;
        auto id = state_.next_node;
        state_.next_node.value += 1;
        state_.ids.emplace(item.name, id);
        state_.nodes[id].name = item.name;
    }
    std::erase_if(state_.ids, [this](const auto& entry) {
        const auto& nodes = state_.config.cluster.nodes;
        bool stays =
            std::any_of(nodes.begin(), nodes.end(), [&entry](const auto& item) { return item.name == entry.first; });
        if (stays) return false;
        for (const char* about : {"fence ", "power_on_failed "}) state_.alarms.erase(about + entry.first);
        state_.nodes.erase(entry.second);
        state_.fences.erase(entry.second);
        state_.submissions.erase(entry.second);
        state_.subnets.erase(entry.second);
        for (auto& [name, values] : state_.resources) values.erase(entry.second);
        end_maintenance_on(state_, entry.second);
        for (auto& [name, item] : state_.packages) {
            item.node_off.erase(entry.second);
            if (item.target == entry.second) item.target = node_id{};
            if (item.avoid == entry.second) item.avoid = node_id{};
        }
        return true;
    });
}

}  // namespace mainstay::cluster
