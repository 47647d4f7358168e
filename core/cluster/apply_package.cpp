// What is said about packages: decisions, reports of nodes, wishes of administrators.
#include <algorithm>
#include <utility>

#include "cluster/fold.hpp"

namespace mainstay::cluster {

namespace {

// A start that follows a failure is a failover; one that was asked for is not.
void count_failover(package_state& item, const package_config& config, wall_time when) {
    bool asked = item.target || item.target_any;
    if (item.failed && !asked) item.failovers.push_back(when);
    item.failed = false;
    auto span = config.failover_limit_time.count();
    std::erase_if(item.failovers, [&](const auto& former) { return when.us - former.us >= span; });
    auto kept = std::min<std::size_t>(item.failovers.size(), config.failover_limit);
    item.failovers.erase(item.failovers.begin(), item.failovers.end() - static_cast<std::ptrdiff_t>(kept));
}

// By the wall clocks of two nodes, which may differ.
std::optional<duration> between(wall_time begin, wall_time end) {
    if (end < begin) return std::nullopt;
    return duration{end.us - begin.us};
}

}  // namespace

void forgive(state& current, const std::string& name, package_state& item) {
    item.failed = false;
    item.failovers.clear();
    current.alarms.erase(name + " failover_limit");
}

void drop_wish(package_state& item) {
    item.target = item.avoid = node_id{};
    item.target_any = false;
    item.asked_by.clear();
}

void end_wish(const state& current, package_state& item) {
    if (current.feature_level < wishes_end_level) return;
    // One to go elsewhere was asked for while it started here, or runs.
    bool own = item.target ? item.target == item.owner : item.target_any && !item.avoid;
    if (own) drop_wish(item);
}

void fold::on(const package_start& body) {
    auto* item = package(body.package);
    if (item == nullptr) return;
    if (item->active()) return refuse("package " + body.package + " is not down");
    if (body.generation.value != item->generation.value + 1) return refuse("not the next generation");
    auto* node = life(body.node, body.boot);
    if (node == nullptr) return;
    item->phase = package_phase::starting;
    item->generation = body.generation;
    item->owner = body.node;
    item->owner_boot = body.boot;
    item->proof = body.proof;
    item->restarts.clear();
    if (item->maintained) item->maintained->services_down.clear();
    item->failing = false;
    if (const auto* config = state_.find_package(body.package)) count_failover(*item, *config, item_.when);
    state_.alarms.erase(body.package + " failover_limit");
    item->start_by = by(body.reason);
    item->phase_by = item->start_by;
    item->avoid = node_id{};
    // The node that was asked for could not be had: it is not to move there as soon as it runs.
    if (state_.feature_level >= wishes_end_level && item->target && item->target != body.node) drop_wish(*item);
}

void fold::on(const package_halt& body) {
    auto* item = generation(body.package, body.generation);
    if (item == nullptr) return;
    item->phase = package_phase::halting;
    item->phase_by = by(body.reason);
}

void fold::on(const package_report& body) {
    auto* item = generation(body.package, body.generation);
    if (item == nullptr) return;
    if (item->owner != body.node) return refuse("that node does not own the package");
    auto reason = std::string(to_string(body.what)) + (body.detail.empty() ? "" : ": " + body.detail);
    state_.alarms.erase("package " + body.package);
    if (body.what == report::running) {
        if (item->phase != package_phase::starting) return;
        item->phase = package_phase::running;
        if (state_.runs_partly(body.package) == nullptr) item->start_took = between(item->start_by.when, item_.when);
        item->phase_by = by(item->start_by.reason);
        if (state_.feature_level < wishes_end_level) {
            item->target = node_id{};
            item->target_any = false;
            item->asked_by.clear();
        }
        end_wish(state_, *item);
        return;
    }
    failed_or_halted(*item, body, reason);
}

// SG 4.9: it runs nowhere else, so not where it was asked to go either.
void fold::switched_off(package_state& item, const std::string& reason) {
    item.switching = false;
    item.switching_by = by(reason);
    if (state_.feature_level >= wishes_end_level) drop_wish(item);
}

// SG 4.9 and 5.3: what each end does to the flags.
void fold::failed_or_halted(package_state& item, const package_report& body, const std::string& reason) {
    if (body.what != report::halted) item.failed = true;
    // "Anywhere" goes on at the next node, and what a node ended because it lost its lease is begun again.
    bool lost = body.what == report::lease_ended;
    if (lost ? !item_.origin : static_cast<bool>(item.target)) end_wish(state_, item);
    if (body.what != report::halted && body.what != report::lease_ended) {
        state_.alarms["package " + body.package] = {
            "package " + body.package + " on " + state_.node_name(body.node) + ": " + reason, item_.when};
        if (item.target == body.node) item.target = node_id{};
    }
    bool whole = state_.runs_partly(body.package) == nullptr;
    if (body.what == report::halted && item.phase == package_phase::halting && whole)
        item.halt_took = between(item.phase_by.when, item_.when);
    switch (body.what) {
        case report::start_exit_1:
        case report::start_timeout:
            switched_off(item, reason);
            item.target_any = false;
            over(item, proof_kind::start_failed, reason);
            break;
        case report::start_exit_2:
            item.node_off[body.node] = by(reason);
            over(item, proof_kind::start_failed, reason);
            break;
        case report::service_failed:
        case report::during_resource_down:
            item.node_off[body.node] = by(reason);
            [[fallthrough]];
        case report::subnet_down:
        case report::before_resource_down:
            item.phase_by = by(reason);
            // SG 5.9: what depends on it halts first, then the leader has it halted.
            item.failing = item.phase == package_phase::running && !state_.active_dependents(body.package).empty();
            if (!item.failing) item.phase = package_phase::halting;
            break;
        case report::failing_fast:
            item.phase = package_phase::halting;
            item.phase_by = by(reason);
            break;
        case report::halt_exit_2:
            over(item, proof_kind::halted, reason);
            break;
        case report::halt_exit_1:
        case report::halt_exit_3:
        case report::halt_timeout:
            // Something of it may be left: only its node, or a proof of that node's death, ends it.
            switched_off(item, reason);
            item.phase = package_phase::halt_failed;
            item.phase_by = by(reason);
            break;
        default: {
            // The leader's own word about a lost node (fencing none): nothing was proven.
            bool assumed = body.what == report::lease_ended && !item_.origin;
            // SG 7.2: its node was lost, or lost the cluster.
            if (body.what == report::lease_ended) end_maintenance(state_, body.package, item);
            auto owner = state_.nodes.find(item.owner);
            bool watched = owner != state_.nodes.end() && owner->second.watchdog.count() > 0;
            over(item,
                 !assumed  ? proof_kind::halted
                 : watched ? proof_kind::lease_expired
                           : proof_kind::assumed,
                 reason);
            break;
        }
    }
}

void fold::on(const service_restarted& body) {
    auto* item = generation(body.package, body.generation);
    if (item != nullptr) item->restarts[body.service] = body.count;
}

// ---- what an administrator asks ------------------------------------------------------------------

std::vector<std::string> fold::instances(const std::string& name) {
    const auto* config = name.find('@') == std::string::npos ? state_.find_package(name) : nullptr;
    if (config == nullptr) {
        refuse("there is no package " + name + " in the configuration");
        return {};
    }
    auto list = state_.instances(*config);
    outcome_.packages.insert(outcome_.packages.end(), list.begin(), list.end());
    return list;
}

node_id fold::destination(const std::string& name, const package_state& item, const std::string& node) {
    auto id = state_.find_node(node);
    const auto* config = state_.find_package(name);
    if (!id || config == nullptr) {
        refuse("there is no node " + node + " in the configuration");
        return {};
    }
    auto list = state_.candidates(name, *config);
    auto wrong = std::string();
    if (std::find(list.begin(), list.end(), id) == list.end()) {
        refuse("node " + node + " is not in the node list of package " + name);
    } else if (wrong = state_.against_pin(name, id); !wrong.empty()) {
        refuse("package " + name + " may not go to " + node + ": " + wrong);
    } else if (state_.halted) {
        refuse("the cluster is halted: hactl cluster run");
    } else if (!state_.may_host(id)) {
        const auto& found = state_.nodes[id];
        refuse("node " + node + " can't run packages: it is " +
               (found.halted             ? "halted"
                : state_.is_detached(id) ? "detached"
                : found.power_away       ? "on battery"
                : state_.too_old(id)     ? "too old for the cluster's feature level"
                                         : to_string(found.status)));
    } else if (item.node_off.contains(id)) {
        refuse("package " + name + " is disabled on " + node + " (" + item.node_off.at(id).reason +
               "): hactl package enable " + package_of(name) + " --node " + node);
    } else if (wrong = state_.against_start(name, id); !wrong.empty()) {
        refuse("package " + name + " can't run on " + node + " now: " + wrong);
    } else {
        return id;
    }
    return {};
}

bool fold::somewhere(const std::string& name, const package_state& item, node_id except) {
    const auto* config = state_.find_package(name);
    std::string wrong;
    if (const auto* held = state_.find_pin(name); held != nullptr && held->node == except) {
        refuse("package " + name + " can't go elsewhere: " + state_.against_pin(name, {}));
        return false;
    }
    if (config != nullptr)
        for (node_id node : state_.candidates(name, *config)) {
            if (node == except || !state_.may_host(node) || item.node_off.contains(node)) continue;
            auto found = state_.against_pin(name, node);
            if (found.empty() && state_.across_sites(*config, node))
                found = "at site " + state_.site_of(node) + ", to be named (site_preferred_manual)";
            if (found.empty()) found = state_.against_start(name, node);
            if (found.empty()) return true;
            if (wrong.empty()) wrong = "; " + state_.node_name(node) + ": " + found;
        }
    refuse("no " + std::string(except ? "other " : "") + "node of the node list of package " + name + " can run it" +
           wrong + ": hactl explain " + name);
    return false;
}

void fold::on(const package_run& body) {
    auto list = instances(body.package);
    if (list.empty()) return;
    if (state_.find_package(body.package)->everywhere()) return run_everywhere(body);
    if (run_failover(body.package, body.node)) state_.partial_starts.erase(body.package);
}

bool fold::run_failover(const std::string& name, std::string where) {
    auto refused = [this](std::string why) {
        refuse(std::move(why));
        return false;
    };
    auto& item = state_.packages[name];
    if (item.active())
        return refused("package " + name + " is " + to_string(item.phase) + " on " + state_.node_name(item.owner));
    if (state_.halted) return refused("the cluster is halted: hactl cluster run");
    if (item.maintained) {
        auto own = state_.node_name(item.maintained->node);
        if (!where.empty() && where != own)
            return refused("package " + name + " is in maintenance on " + own + " and may run there only");
        where = own;
    }
    bool one_wish = state_.feature_level >= wishes_end_level;  // the newest
    if (where.empty()) {
        if (!somewhere(name, item, node_id{})) return false;
        if (one_wish) drop_wish(item);
        item.target_any = true;
    } else {
        auto id = destination(name, item, where);
        if (!id) return false;
        if (one_wish) drop_wish(item);
        item.target = id;
    }
    forgive(state_, name, item);
    item.asked_by = item_.actor;
    return true;
}

// SG 5.2: all enabled nodes of a multi-node package, or the one named.
void fold::run_everywhere(const package_run& body) {
    if (state_.halted) return refuse("the cluster is halted: hactl cluster run");
    std::string wrong;
    bool any = false;
    for (const auto& name : instances(body.package)) {
        auto node = name.substr(name.find('@') + 1);
        auto& item = state_.packages[name];
        if (!body.node.empty() && node != body.node) continue;
        if (item.active()) {
            wrong = "it is " + std::string(to_string(item.phase)) + " on " + node + " already";
            continue;
        }
        auto id = destination(name, item, node);
        if (id) {
            item.target = id;
            item.asked_by = item_.actor;
            any = true;
        } else {
            wrong = std::exchange(outcome_.refusal, {});
            outcome_.accepted = true;
        }
    }
    if (!any) refuse(wrong.empty() ? "node " + body.node + " is not in the node list of " + body.package : wrong);
}

bool fold::nothing_needs(const std::string& instance, const package_config& package, bool moves) {
    for (const auto& other : state_.active_dependents(instance)) {
        const auto* config = state_.find_package(other);
        bool follows = moves && (!config->priority || (package.priority && *config->priority > *package.priority));
        if (follows) continue;
        refuse("package " + other + " needs " + package.name +
               (moves ? " and is more important: hactl package move " : ": hactl package halt ") + package_of(other) +
               (moves ? "" : " first"));
        return false;
    }
    return true;
}

void fold::on(const package_stop& body) {
    auto list = instances(body.package);
    if (list.empty()) return;
    const auto& config = *state_.find_package(body.package);
    if (config.type == package_config::kind::system_multi_node)
        return refuse("a system_multi_node package ends with its node: hactl node halt");
    bool any = std::any_of(list.begin(), list.end(), [this](const auto& name) {
        const auto& item = state_.packages[name];
        return item.active() || item.target || item.target_any || item.switching;
    });
    if (!any) return refuse("package " + body.package + " is halted already");
    for (const auto& name : list)
        if (state_.packages[name].active() && (!nothing_needs(name, config, false) || !may_halt_there(name))) return;
    for (const auto& name : list) stop(name);
}

// SG 7.4: a detached package can be halted as long as its node is in the cluster. One whose halt failed likewise: where
// nobody tries again, asking for it would only look as if it had been ended.
bool fold::may_halt_there(const std::string& instance) {
    const auto& item = state_.packages[instance];
    const auto& node = state_.nodes[item.owner];
    bool nobody_tries = item.phase == package_phase::halt_failed && node.status == node_status::lost;
    if (nobody_tries && state_.feature_level >= late_ends_level) {
        refuse("package " + instance + " failed to halt on " + node.name + ", which is lost: only a new boot of " +
               node.name + ", or a proof that it is off, ends it");
        return false;
    }
    auto wrong = state_.against_touching(instance);
    if (wrong.empty() || node.status == node_status::up) return true;
    refuse("package " + instance + " can't be halted, " + wrong);
    return false;
}

void fold::stop(const std::string& instance) {
    auto& item = state_.packages[instance];
    forgive(state_, instance, item);
    item.switching = false;  // SG 4.8: cmhaltpkg disables AUTO_RUN
    item.switching_by = by("package halt");
    item.target = item.avoid = node_id{};
    item.target_any = false;
    if (item.active()) item.stop_asked_by = item_.actor;
    if (item.phase == package_phase::halt_failed) item.phase = package_phase::halting;  // try again
}

// SG 4.8, cmhaltpkg -n: only if it runs there. Of a multi-node package the one instance, whose switching goes off.
void fold::on(const package_stop_on& body) {
    auto list = instances(body.package);
    if (list.empty()) return;
    const auto& config = *state_.find_package(body.package);
    if (config.type == package_config::kind::system_multi_node)
        return refuse("a system_multi_node package ends with its node: hactl node halt " + body.node);
    auto id = state_.find_node(body.node);
    if (!id) return refuse("there is no node " + body.node + " in the configuration");
    auto name = instance_name(config, body.node);
    auto found = state_.packages.find(name);
    bool wanted =
        config.everywhere() && found != state_.packages.end() && (found->second.switching || found->second.target);
    bool there = found != state_.packages.end() && found->second.active() && found->second.owner == id;
    if (!there && !wanted) return refuse("package " + body.package + " does not run on " + body.node);
    if (there && (!nothing_needs(name, config, false) || !may_halt_there(name))) return;
    stop(name);
}

void fold::on(const package_move& body) {
    auto list = instances(body.package);
    if (list.empty()) return;
    const auto& config = *state_.find_package(body.package);
    if (config.everywhere()) return refuse("package " + body.package + " runs on its nodes at once and can't move");
    auto* item = &state_.packages[body.package];
    if (!item->active()) return refuse("package " + body.package + " is down: hactl package start " + body.package);
    if (item->phase == package_phase::halting || item->phase == package_phase::halt_failed)
        return refuse("package " + body.package + " is " + to_string(item->phase));
    if (item->maintained)
        return refuse("package " + body.package + " is in maintenance: hactl package maintenance off " + body.package);
    if (auto wrong = state_.against_touching(body.package); !wrong.empty())
        return refuse("package " + body.package + " can't move, " + wrong);
    if (!nothing_needs(body.package, config, true)) return;
    bool one_wish = state_.feature_level >= wishes_end_level;  // the newest
    if (body.node.empty()) {
        if (!somewhere(body.package, *item, item->owner)) return;
        if (one_wish) drop_wish(*item);
        item->avoid = item->owner;
        item->target_any = true;
    } else {
        if (state_.find_node(body.node) == item->owner && item->owner)
            return refuse("package " + body.package + " runs on " + body.node + " already");
        auto id = destination(body.package, *item, body.node);
        if (!id) return;
        if (one_wish) drop_wish(*item);
        item->target = id;
    }
    item->asked_by = item_.actor;
}

void fold::on(const package_wish_over& body) {
    auto* item = package(body.package);
    if (item != nullptr) drop_wish(*item);
}

void fold::on(const package_switching& body) {
    auto reason = std::string("package ") + (body.enabled ? "enable" : "disable");
    auto list = instances(body.package);
    if (list.empty()) return;
    const auto& config = *state_.find_package(body.package);
    // Enabled it may be: a run script that ended with 1 has switched it off.
    bool may = body.enabled && body.node.empty() && state_.feature_level >= system_enabling_level;
    if (config.type == package_config::kind::system_multi_node && !may)
        return refuse("a system_multi_node package starts and ends with its node: hactl node halt, hactl node run");
    auto id = body.node.empty() ? node_id{} : state_.find_node(body.node);
    if (!body.node.empty() && !id) return refuse("there is no node " + body.node + " in the configuration");
    if (body.enabled && body.node.empty() && state_.packages[list.front()].maintained)
        return refuse("package " + body.package + " is in maintenance: hactl package maintenance off " + body.package);
    for (const auto& name : list) {
        auto& item = state_.packages[name];
        if (body.enabled) forgive(state_, name, item);
        if (body.node.empty()) {
            item.switching = body.enabled;
            item.switching_by = by(reason);
        } else if (body.enabled) {
            item.node_off.erase(id);
            // `package halt --node` has switched it off, and nothing else would switch it on alone.
            bool own = config.everywhere() && name == instance_name(config, body.node) &&
                       state_.feature_level >= instance_switching_level;
            if (!own) continue;
            item.switching = true;
            item.switching_by = by(reason);
        } else {
            item.node_off[id] = by(reason);
        }
    }
}

}  // namespace mainstay::cluster
