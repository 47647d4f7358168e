// What packages rely on, as monitors and nodes report it, and maintenance (SG 3.5, 3.7, 7.2).
#include <algorithm>
#include <charconv>
#include <limits>

#include "cluster/fold.hpp"

namespace mainstay::cluster {

namespace {

std::optional<std::int32_t> number_of(const std::string& text) {
    std::int32_t value = 0;
    const auto* end = text.data() + text.size();
    auto [at, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc{} || at != end || text.empty() || value < 0) return std::nullopt;
    return value;
}

}  // namespace

std::string against_reason(const std::string& reason) {
    constexpr std::size_t length_max = 200;
    bool fits = reason.size() <= length_max &&
                std::none_of(reason.begin(), reason.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    return fits ? "" : "a reason is one line of at most 200 characters";
}

void end_maintenance(state& current, const std::string& name, package_state& item) {
    if (!item.maintained) return;
    item.maintained.reset();
    // SG 7.2: what was started partly is good for maintenance only.
    if (current.runs_partly(name) != nullptr) {
        if (item.stop_asked_by.empty()) item.stop_asked_by = "the end of its maintenance, it runs partly";
    } else if (current.partial_starts.contains(name)) {
        item.target = node_id{};
        item.asked_by.clear();
    }
    current.alarms.erase(name + " maintenance_overdue");
}

void end_maintenance_on(state& current, node_id node) {
    for (auto& [name, item] : current.packages)
        if (item.maintained && item.maintained->node == node) end_maintenance(current, name, item);
}

void fold::on(const resource_set& body) {
    const auto* config = state_.find_resource(body.resource);
    if (config == nullptr) return refuse("no package has a generic resource " + body.resource);
    auto id = state_.find_node(body.node);
    if (!id) return refuse("there is no node " + body.node + " in the configuration");
    auto status = state_.nodes[id].status;
    if (status != node_status::up && status != node_status::lost)
        return refuse("node " + body.node + " is " + to_string(status) + ": its resources are unknown");
    std::optional<std::int32_t> value;
    if (config->up_when) {
        value = number_of(body.value);
        if (!value)
            return refuse("'" + body.value + "' is no value of " + body.resource + "; expected a number from 0 to " +
                          std::to_string(std::numeric_limits<std::int32_t>::max()));
    } else if (body.value == "up" || body.value == "down") {
        value = body.value == "up" ? 1 : 0;
    } else {
        return refuse("'" + body.value + "' is no value of " + body.resource +
                      "; expected up or down (it has no generic_resource_up_criteria)");
    }
    state_.resources[body.resource][id] = {*value, by("resource set")};
}

void fold::on(const subnet_seen& body) {
    if (life(body.node, body.boot) == nullptr) return;
    auto& now = state_.subnets[body.node][body.subnet];
    if (now.since.us == 0 || now.up != body.up) now.since = item_.when;
    now.up = body.up;
}

void fold::prune_conditions(const configuration& former) {
    auto watched = state_.monitored_subnets();
    for (auto& [node, seen] : state_.subnets)
        std::erase_if(seen, [&](const auto& item) {
            return std::find(watched.begin(), watched.end(), item.first) == watched.end();
        });
    auto valued = [](const configuration& config, const std::string& name) -> std::optional<bool> {
        for (const auto& package : config.packages)
            for (const auto& item : package.generic_resources)
                if (item.name == name) return item.up_when.has_value();
        return std::nullopt;
    };
    std::erase_if(state_.resources, [&](const auto& item) {
        auto now = valued(state_.config, item.first);
        return !now || now != valued(former, item.first);
    });
}

// ---- maintenance -----------------------------------------------------------------------------------

node_id fold::maintenance_node(const std::string& name, const package_state& item, const std::string& node) {
    if (item.active()) {
        if (!node.empty() && state_.find_node(node) != item.owner) {
            refuse("package " + name + " runs on " + state_.node_name(item.owner) + ", not on " + node);
            return {};
        }
        return item.owner;
    }
    auto id = state_.find_node(node);
    auto list = state_.candidates(name, *state_.find_package(name));
    if (node.empty()) {
        refuse("package " + name + " is down: --node says where it may be started in maintenance");
    } else if (!id) {
        refuse("there is no node " + node + " in the configuration");
    } else if (std::find(list.begin(), list.end(), id) == list.end()) {
        refuse("node " + node + " is not in the node list of package " + name);
    } else if (auto pinned = state_.against_pin(name, id); !pinned.empty()) {
        refuse("package " + name + " may not be started on " + node + ": " + pinned);
    } else if (!state_.may_host(id)) {
        refuse("node " + node + " can't run packages now");
    } else {
        return id;
    }
    return {};
}

void fold::on(const package_maintenance& body) {
    const auto* config = state_.find_package(body.package);
    if (config != nullptr && config->everywhere())
        return refuse("package " + body.package + " is no failover package: maintenance is for those");
    auto* item = package(body.package);
    if (item == nullptr) return;
    const auto& name = body.package;
    if (!body.on) {
        if (!item->maintained) return refuse("package " + name + " is not in maintenance");
        if (const auto* partly = state_.runs_partly(name))
            return refuse("package " + name + " was started partly (" + listed(partly->steps) +
                          ") and can't leave maintenance so: hactl package halt " + name + " first");
        auto wrong = state_.against_leaving_maintenance(name);
        if (!wrong.empty())
            return refuse("package " + name + " can't leave maintenance: " + wrong +
                          "; repair it, or hactl package halt " + name + " first");
        return end_maintenance(state_, name, *item);
    }
    if (item->maintained) return refuse("package " + name + " is in maintenance already");
    if (auto wrong = against_reason(body.reason); !wrong.empty()) return refuse(wrong);
    if (item->active() && item->phase != package_phase::running)
        return refuse("package " + name + " is " + to_string(item->phase));
    if (item->failing) return refuse("package " + name + " has failed and is about to halt");
    if (auto wrong = state_.against_touching(name); !wrong.empty()) return refuse("package " + name + ": " + wrong);
    // SG 7.2: so that nothing of it moves when maintenance ends, in whatever way.
    if (item->switching) return refuse("switching of package " + name + " is on: hactl package disable " + name);
    for (const auto& other : item->active() ? state_.active_dependents(name) : std::vector<std::string>{})
        if (!state_.packages[other].maintained)
            return refuse("package " + other + " needs it and runs: hactl package halt " + package_of(other));
    auto node = maintenance_node(name, *item, body.node);
    if (!node) return;
    item->maintained = maintenance{node, by(body.reason), body.until, {}};
    item->target = item->avoid = node_id{};
    item->target_any = false;
}

void fold::on(const service_down& body) {
    auto* item = generation(body.package, body.generation);
    if (item == nullptr) return;
    if (item->maintained) {
        item->maintained->services_down.insert(body.service);
        return;
    }
    // It ended just before its maintenance did, whose end had been decided by then: its node has left it alone, and
    // nobody would start it again. The leader has the package halted.
    if (state_.feature_level < late_ends_level || item->phase != package_phase::running || item->failing) return;
    auto reason = "service_failed: service " + body.service + " has ended (" + body.detail + ") as maintenance ended";
    state_.alarms["package " + body.package] = {
        "package " + body.package + " on " + state_.node_name(item->owner) + ": " + reason, item_.when};
    item->node_off[item->owner] = by(reason);
    item->phase_by = by(reason);
    item->failed = item->failing = true;
}

}  // namespace mainstay::cluster
