// A package in maintenance that is started partly (SG 7.2), and restarts of services that are counted anew.
#include <algorithm>
#include <utility>

#include "cluster/fold.hpp"

namespace mainstay::cluster {

void prune_partial_starts(state& current) {
    std::erase_if(current.partial_starts, [&current](const auto& entry) {
        const auto& [name, item] = entry;
        auto found = current.packages.find(name);
        if (found == current.packages.end()) return true;
        const auto& package = found->second;
        bool asked = !package.active() && package.maintained && package.target &&
                     item.generation.value == package.generation.value + 1;
        return !asked && current.runs_partly(name) == nullptr;
    });
}

void fold::on(const package_run_partly& body) {
    if (instances(body.package).empty()) return;
    const auto& name = body.package;
    const auto& config = *state_.find_package(name);
    if (config.everywhere())
        return refuse("package " + name + " is no failover package: only those are started partly, in maintenance");
    const auto& item = state_.packages[name];
    if (!item.maintained)
        return refuse("package " + name + " is not in maintenance, where alone it may be started partly: " +
                      (item.switching ? "hactl package disable " + name + ", then " : "") +
                      "hactl package maintenance on " + name + " --node NODE");
    if (item.active())
        return refuse("package " + name + " is " + to_string(item.phase) + " on " + state_.node_name(item.owner) +
                      ": hactl package halt " + name + " first");
    if (body.last.empty() && body.without.empty())
        return refuse("nothing is left out: hactl package start " + name + " starts all of it");
    auto steps = chosen_steps(config, body.last, body.without);
    if (!steps) return refuse(steps.error().message);
    if (!run_failover(name, body.node)) return;
    state_.partial_starts[name] = {{item.generation.value + 1}, std::move(*steps)};
}

void fold::on(const package_stop_partly& body) {
    auto list = instances(body.package);
    if (list.empty()) return;
    const auto& name = list.front();
    if (state_.runs_partly(name) == nullptr)
        return refuse("package " + body.package +
                      (state_.packages[name].active()
                           ? " was not started partly: hactl package halt " + body.package + " halts all of it"
                           : " is not active"));
    if (nothing_needs(name, *state_.find_package(body.package), false) && may_halt_there(name)) stop(name);
}

// SG 3.11: without that a smaller service_restart is refused until the package is halted.
void fold::on(const restarts_reset& body) {
    auto list = instances(body.package);
    if (list.empty()) return;
    const auto& config = *state_.find_package(body.package);
    std::string known;
    bool found = body.service.empty();
    for (const auto& service : config.services) {
        known += (known.empty() ? "" : ", ") + service.name;
        found = found || service.name == body.service;
    }
    if (!found || known.empty())
        return refuse("package " + body.package + " has no service" + (found ? "" : " " + body.service) +
                      (known.empty() ? "" : "; it has " + known));
    auto id = body.node.empty() ? node_id{} : state_.find_node(body.node);
    if (!body.node.empty() && !id) return refuse("there is no node " + body.node + " in the configuration");
    bool any = false;
    for (const auto& name : list) {
        auto& item = state_.packages[name];
        bool there = !id || (item.active() ? item.owner == id : name == instance_name(config, body.node));
        if (!there) continue;
        any = true;
        body.service.empty() ? item.restarts.clear() : static_cast<void>(item.restarts.erase(body.service));
    }
    if (!any) refuse("package " + body.package + " does not run on " + body.node);
}

}  // namespace mainstay::cluster
