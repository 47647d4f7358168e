#include "cluster/fold.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "cluster/configuration.hpp"
#include "cluster/plan_id.hpp"
#include "model/mutation.hpp"
#include "model/print.hpp"
#include "model/timing.hpp"

namespace mainstay::cluster {

applied fold::run() {
    if (item_.origin) {
        auto& mark = state_.submissions[item_.origin];
        bool seen = std::pair{item_.origin_boot, item_.serial} <= std::pair{mark.boot, mark.serial} &&
                    !mutated(mutation::count_submission_twice);
        if (seen) {
            outcome_.accepted = false;
            outcome_.duplicate = true;
            return outcome_;
        }
        mark = {item_.origin_boot, item_.serial};
    }
    if (is_package_entry(item_)) state_.newest_package_entry = index_;
    std::visit([this](const auto& body) { on(body); }, item_.body);
    return outcome_;
}

void fold::refuse(std::string reason) {
    outcome_.accepted = false;
    outcome_.refusal = std::move(reason);
}
provenance fold::by(std::string reason) const { return {item_.actor, item_.when, std::move(reason)}; }

package_state* fold::package(const std::string& name) {
    auto found = state_.packages.find(name);
    if (found == state_.packages.end()) {
        refuse("there is no package " + name + " in the configuration");
        return nullptr;
    }
    outcome_.packages.push_back(name);
    return &found->second;
}

// The package if the generation is its newest one and not over yet.
package_state* fold::generation(const std::string& name, mainstay::generation number) {
    auto* found = package(name);
    if (found == nullptr) return nullptr;
    if (found->generation != number || !found->active()) {
        refuse("generation " + std::to_string(number.value) + " of " + name + " is over already");
        return nullptr;
    }
    return found;
}

void fold::over(package_state& item, proof_kind proof, std::string reason) {
    item.phase = package_phase::down;
    item.proof = proof;
    item.stop_asked_by.clear();
    item.failing = false;
    item.phase_by = by(std::move(reason));
}

// ---- nodes ---------------------------------------------------------------------------------

node_state* fold::life(node_id node, boot_id boot) {
    auto found = state_.nodes.find(node);
    if (found == state_.nodes.end() || found->second.boot != boot) {
        refuse("that life of node " + state_.node_name(node) + " is over already");
        return nullptr;
    }
    return &found->second;
}

void fold::on(const node_lost& body) {
    auto* node = life(body.node, body.boot);
    if (node == nullptr) return;
    if (node->status != node_status::up) return refuse("node " + node->name + " is not up");
    node->status = node_status::lost;
    node->status_by = by(body.reason);
    touch_packages_of(body.node);
}

void fold::on(const node_back& body) {
    auto* node = life(body.node, body.boot);
    if (node == nullptr) return;
    if (node->status != node_status::lost) return refuse("node " + node->name + " is not lost");
    node->status = node_status::up;
    node->status_by = by("heard again");
    touch_packages_of(body.node);
}

void fold::on(const node_admin& body) {
    auto id = state_.find_node(body.node);
    if (!id) return refuse("there is no node " + body.node + " in the configuration");
    auto& node = state_.nodes[id];
    if (state_.is_detached(id))
        return refuse("node " + body.node + " is detached: hactl node attach " + body.node + " first");
    if (node.halted == !body.run)
        return refuse("node " + body.node + (body.run ? " is not halted" : " is halted already"));
    // A service that ends takes what it can with it, whatever it leaves behind.
    bool goes_anyway = item_.actor.starts_with("shutdown@");
    if (!body.run && !goes_anyway)
        if (auto wrong = against_halting(id, "hactl node halt " + body.node); !wrong.empty()) return refuse(wrong);
    node.halted = !body.run;
    node.halted_by = by(body.run ? "node run" : "node halt");
    if (!body.run) end_maintenance_on(state_, id);  // SG 7.2
    // SG 5.3: node flags are enabled again when the node rejoins.
    if (body.run) {
        node.power_away = false;
        for (auto& [name, item] : state_.packages) item.node_off.erase(id);
    }
}

void fold::on(const cluster_admin& body) {
    if (state_.halted == !body.run)
        return refuse(body.run ? "the cluster is running already" : "the cluster is halted already");
    if (!body.run && !state_.detached.empty())
        return refuse("node " + state_.node_name(state_.detached.begin()->first) +
                      " is detached, what runs there would not halt: hactl cluster attach first");
    if (!body.run)
        if (auto wrong = against_halting({}, "hactl cluster halt"); !wrong.empty()) return refuse(wrong);
    state_.halted = !body.run;
    state_.halted_by = by(body.run ? "cluster run" : "cluster halt");
    if (!body.run) {
        if (state_.feature_level < wishes_end_level) return;
        for (auto& [name, item] : state_.packages) drop_wish(item);
        return;
    }
    // SG 5.3: cluster start sets the flags back to what the configuration says.
    for (auto& [name, item] : state_.packages) {
        const auto* config = state_.find_package(name);
        item.switching = config != nullptr && config->auto_run;
        item.switching_by = by("cluster run");
        item.node_off.clear();
        forgive(state_, name, item);
        end_maintenance(state_, name, item);
    }
}

std::string fold::against_halting(node_id node, const std::string& command) const {
    if (state_.feature_level < bound_to_fail_level) return {};
    std::set<std::string> failed;
    std::set<std::string> ways_out;
    for (const auto& [name, item] : state_.packages) {
        if (item.phase != package_phase::halt_failed || (node && item.owner != node)) continue;
        auto owner = state_.nodes.find(item.owner);
        if (owner == state_.nodes.end() || owner->second.status != node_status::up) continue;  // nobody can
        const auto& where = owner->second.name;
        failed.insert(fmt::format("package {} failed to halt on {} ({})", name, where, item.phase_by.reason));
        ways_out.insert(fmt::format("clean up there, then hactl package halt {} (or hactl node fence {})",
                                    package_of(name), where));
    }
    std::string text;
    for (const auto& each : failed) text += (text.empty() ? "" : ", ") + each;
    for (const auto& each : ways_out) text += (&each == &*ways_out.begin() ? ": " : ", ") + each;
    return text.empty() ? text : text + ", then " + command;
}

void fold::touch_packages_of(node_id node) {
    for (const auto& [name, item] : state_.packages)
        if (item.active() && item.owner == node) outcome_.packages.push_back(name);
}

// ---- proof of death --------------------------------------------------------------------------

void fold::on(const fence_request& body) {
    auto* node = life(body.node, body.boot);
    if (node == nullptr) return;
    auto& fence = state_.fences[body.node];
    fence = {body, false, {}, item_.when, {}};
    state_.fence_ids = std::max(state_.fence_ids, body.id);
    state_.fence_times.push_back(item_.when);
    auto limit = state_.config.cluster.fence_limit_time.count();
    std::erase_if(state_.fence_times, [&](const auto& when) { return item_.when.us - when.us > limit; });
}

void fold::on(const fence_result& body) {
    for (auto& [target, fence] : state_.fences) {
        if (fence.request.id != body.id) continue;
        if (fence.done) return refuse("that fence request has its result already");
        fence.done = true;
        fence.result = body;
        fence.confirmed = item_.when;
        state_.nodes[target].fence_asked_by.clear();
        if (body.outcome != fence_outcome::off_confirmed) {
            if (body.outcome != fence_outcome::cancelled)
                state_.alarms["fence " + state_.node_name(target)] = {
                    "fencing " + state_.node_name(target) + " " + to_string(body.outcome) + ": " + body.detail,
                    item_.when};
            return;
        }
        state_.alarms.erase("fence " + state_.node_name(target));
        proven_dead(state_, outcome_, target, fence.request.boot, proof_kind::fenced,
                    by("power off confirmed by " + body.device));
        return;
    }
    refuse("there is no such fence request");
}

// D5: a beat from a "dead" node blocks the takeover. What has been started already can't be undone.
void fold::on(const proof_broken& body) {
    auto* node = life(body.node, body.boot);
    if (node == nullptr) return;
    if (node->status != node_status::fenced) return refuse("node " + node->name + " is not fenced");
    node->status = node_status::lost;
    node->status_by = by("heard although its power-off was confirmed");
    state_.alarms["fence " + node->name] = {"node " + node->name + " is heard although " + fenced_by(body.node) +
                                                " confirmed that it is off: mend the device before anything is fenced",
                                            item_.when};
    for (auto& [name, item] : state_.packages) {
        bool rests_on_it = item.phase == package_phase::down && item.proof == proof_kind::fenced &&
                           item.owner == body.node && item.owner_boot.machine <= body.boot.machine;
        if (!rests_on_it) continue;
        outcome_.packages.push_back(name);
        item.phase = package_phase::halt_failed;
        item.phase_by = by("its node is heard although its power-off was confirmed");
    }
}

std::string fold::fenced_by(node_id node) const {
    auto found = state_.fences.find(node);
    return found == state_.fences.end() || found->second.result.device.empty() ? "a device"
                                                                               : found->second.result.device;
}

void fold::on(const fence_node& body) {
    auto id = state_.find_node(body.node);
    if (!id) return refuse("there is no node " + body.node + " in the configuration");
    if (fence_levels(state_.config.cluster, body.node).empty())
        return refuse("no fencing device can switch off node " + body.node);
    auto& node = state_.nodes[id];
    if (node.status == node_status::fenced) return refuse("node " + body.node + " is fenced already");
    if (!node.boot) return refuse("node " + body.node + " has never been in the cluster");
    node.fence_asked_by = item_.actor;
}

// ---- events ------------------------------------------------------------------------------------

namespace {

std::string detail_of(const cluster_event& body, std::string_view name) {
    for (const auto& [key, value] : body.details)
        if (key == name) return value;
    return {};
}

}  // namespace

void fold::on(const cluster_event& body) {
    auto subject = body.source.empty() ? body.event : body.source + " " + body.event;
    if (auto target = detail_of(body, "target"); !target.empty()) subject += " " + target;
    if (body.event == "ups_on_battery" || body.event == "ups_low_battery") {
        auto& power = state_.power[body.source];
        if (!power.on_battery) power.since = item_.when;
        power.on_battery = true;
        power.low = power.low || body.event == "ups_low_battery";
        power.entry = index_;
        state_.alarms["power " + body.source] = {body.source + (power.low ? ": battery low" : ": on battery"),
                                                 power.since};
    } else if (body.event == "ups_on_mains") {
        state_.power[body.source] = {false, false, item_.when, index_};
        state_.alarms.erase("power " + body.source);
        state_.alarms.erase(body.source + " ups_unreachable");
    } else if (body.severity == "alarm") {
        auto said = detail_of(body, "said");
        state_.alarms[subject] = {subject + (said.empty() ? "" : ": " + said), item_.when};
    } else {
        state_.alarms.erase(subject);
    }
}

void fold::on(const power_action& body) {
    auto found = state_.nodes.find(body.node);
    if (found == state_.nodes.end()) return refuse("there is no such node");
    found->second.power_away = body.away;
}

void fold::on(const feature_level& body) {
    bool waits_begin = state_.feature_level < waits_level && body.level >= waits_level;
    state_.feature_level = std::max(state_.feature_level, body.level);
    if (!waits_begin) return;
    auto times = timings_of(state_.config.cluster);
    state_.member_timeout_max = times.member_timeout;
    state_.halt_timeout_max = times.halt_timeout;
}

void fold::on(const notified& body) {
    for (auto& notice : state_.notices)
        if (notice.entry == body.entry) std::erase(notice.notifiers, body.notifier);
    std::erase_if(state_.notices, [](const auto& notice) { return notice.notifiers.empty(); });
}

void fold::on(const planned& body) {
    auto asked = decode<command_body>(body.asked);
    if (!asked) return refuse("what was planned can't be read");
    auto checked = check_plan(state_, body.plan, *asked);
    if (!checked.wrong.empty()) {
        outcome_.planned_at = checked.changed_since;
        return refuse(std::move(checked.wrong));
    }
    std::visit(
        [this](const auto& item) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(item)>, planned>) on(item);
        },
        *asked);
}

namespace {

void died_with_node(const state& current, package_state& item, proof_kind proof, provenance why) {
    end_wish(current, item);
    item.failed = true;
    item.failing = false;
    item.phase = package_phase::down;
    item.proof = proof;
    item.stop_asked_by.clear();
    item.phase_by = std::move(why);
}

}  // namespace

// "A fence proof counts for a package if its boot is not older than the one in the PackageStart."
void proven_dead(state& current, applied& outcome, node_id target, boot_id boot, proof_kind proof,
                 const provenance& why) {
    auto found = current.nodes.find(target);
    if (found == current.nodes.end()) return;
    auto& node = found->second;
    if (node.boot.machine <= boot.machine) {
        node.status = node_status::fenced;
        node.status_by = why;
        if (proof == proof_kind::fenced) node.fenced_times.push_back(why.when);
        current.detached.erase(target);
        end_maintenance_on(current, target);
    }
    for (auto& [name, item] : current.packages) {
        if (!item.active() || item.owner != target || item.owner_boot.machine > boot.machine) continue;
        outcome.packages.push_back(name);
        died_with_node(current, item, proof, {why.actor, why.when, "node " + node.name + ": " + why.reason});
    }
}

namespace {

// R3, R5: what broke a tie is good for the packages of the silent nodes as well.
void apply_voters(state& current, const consensus::voter_set& body, log_index index, applied& outcome) {
    if (body.proof)
        proven_dead(current, outcome, body.proof->node, body.proof->boot, proof_kind::fenced,
                    {"tie-break", body.when, "power off confirmed by " + body.proof->device});
    if (!body.certified) return;
    current.lineages.insert(current.lineages.begin(), {body.certified->lineage, index});
    for (node_id node : body.certified->nodes) {
        auto found = current.nodes.find(node);
        if (found == current.nodes.end() || !found->second.boot) continue;
        proven_dead(current, outcome, node, found->second.boot, proof_kind::certified,
                    {body.certified->by, body.when, "certified to be off by " + body.certified->by});
    }
}

// A daemon that finds packages of its node to take over has never left.
bool runs_something(const state& current, node_id node) {
    return std::any_of(current.packages.begin(), current.packages.end(),
                       [node](const auto& item) { return item.second.active() && item.second.owner == node; });
}

void apply_boot(state& current, const consensus::boot_entry& body, applied& outcome) {
    if (current.formed() && !current.nodes.contains(body.node)) {
        outcome.accepted = false;
        outcome.refusal = "a node that was taken out of the configuration";
        return;
    }
    auto& node = current.nodes[body.node];
    if (body.boot < node.boot) {
        outcome.accepted = false;
        outcome.refusal = "an older life than the one known";
        return;
    }
    bool had_left = node.status == node_status::lost && body.boot > node.boot && !runs_something(current, body.node);
    bool new_machine = body.boot.machine > node.boot.machine || mutated(mutation::reboot_of_daemon_is_proof);
    outcome.watchdog_changed =
        body.boot == node.boot && node.status == node_status::up && body.watchdog != node.watchdog;
    node.boot = body.boot;
    node.store = body.store;
    node.feature_level = body.feature_level;
    node.watchdog = body.watchdog;
    node.kernel = body.kernel;
    node.status = node_status::up;
    node.status_by = {"cluster", body.when, new_machine ? "booted" : "daemon restarted"};
    // Halted by its own orderly shutdown: back with its daemon, as with cmrunnode at boot.
    bool orderly = node.halted && node.halted_by.actor.starts_with("shutdown@");
    if (orderly) node.halted = false;
    // SG 5.3: node flags are enabled again when the node rejoins.
    bool rejoins = new_machine || ((orderly || had_left) && current.feature_level >= rejoin_level);
    for (auto& [name, item] : current.packages)
        if (rejoins) item.node_off.erase(body.node);
    if (!new_machine) return;
    // What was set and seen in the former life says nothing about this one.
    current.subnets.erase(body.node);
    for (auto& [name, values] : current.resources) values.erase(body.node);
    // SG 7.4: what was detached there is gone with the machine.
    current.detached.erase(body.node);
    end_maintenance_on(current, body.node);
    node.fence_asked_by.clear();
    // The machine has begun anew: nothing is left to be proven, and it has power.
    current.alarms.erase("fence " + node.name);
    current.alarms.erase("power_on_failed " + node.name);
    auto limit = current.config.cluster.fence_limit;
    auto span = current.config.cluster.fence_limit_time.count();
    std::erase_if(node.fenced_times, [&](const auto& when) { return body.when.us - when.us > span; });
    if (limit > 0 && node.fenced_times.size() >= limit && !node.halted) {
        node.halted = true;
        node.halted_by = {"cluster", body.when, "fence_limit: fenced too often, it only observes"};
    }
    // "came back with a new boot id" proves something only when the machine half is new.
    for (auto& [name, item] : current.packages) {
        if (!item.active() || item.owner != body.node || item.owner_boot >= body.boot) continue;
        outcome.packages.push_back(name);
        died_with_node(current, item, proof_kind::rebooted,
                       {"cluster", body.when, "node " + node.name + " came back with a new boot"});
    }
}

// Which notifiers want to hear of an entry: remembered in the state, so that exactly one sender
// delivers it and a new leader knows what is still owed.
void queue_notices(state& current, log_index index, const consensus::entry& item, const applied& outcome) {
    constexpr std::size_t notices_max = 1000;
    if (current.config.cluster.notifiers.empty() || outcome.duplicate) return;
    auto what = describe(current, item, outcome);
    pending_notice notice{index, what.event, what.text, what.details, {}};
    for (const auto& notifier : current.config.cluster.notifiers) {
        bool wanted = notifier.events.empty()
                          ? what.severity == "alarm"
                          : std::count(notifier.events.begin(), notifier.events.end(), what.event) > 0;
        if (wanted) notice.notifiers.push_back(notifier.name);
    }
    if (notice.notifiers.empty() || current.notices.size() >= notices_max) return;
    if (!what.node.empty()) notice.details.emplace_back("node", what.node);
    if (!what.package.empty()) notice.details.emplace_back("package", what.package);
    current.notices.push_back(std::move(notice));
}

}  // namespace

applied apply(state& current, log_index index, const consensus::entry& item) {
    applied outcome;
    if (const auto* boot = std::get_if<consensus::boot_entry>(&item.body)) {
        apply_boot(current, *boot, outcome);
    } else if (const auto* voters = std::get_if<consensus::voter_set>(&item.body)) {
        apply_voters(current, *voters, index, outcome);
    } else if (const auto* payload = std::get_if<consensus::payload>(&item.body)) {
        auto decoded = decode<command>(payload->data);
        if (decoded && readable(decoded->body)) {
            outcome = fold(current, index, *decoded).run();
        } else {
            // D2: never skipped. The node stops here and says so; a newer version goes on.
            outcome.accepted = false;
            outcome.unknown = true;
            outcome.refusal = "entry " + std::to_string(index.value) + " is of a kind this version does not know";
            return outcome;
        }
    }
    prune_partial_starts(current);
    current.applied = index;
    queue_notices(current, index, item, outcome);
    return outcome;
}

}  // namespace mainstay::cluster
