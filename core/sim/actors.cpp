// What becomes of a node's outputs: network, disk, heartbeat thread, guard, processes, devices.
#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "model/text.hpp"
#include "sim/machine.hpp"

namespace mainstay::sim {

using node::call_outcome;

void world::perform(machine& where, node::output item) {
    std::visit([&](auto& body) { act(where, std::move(body)); }, item);
}

// ---- network -----------------------------------------------------------------------------------------

void world::transmit(machine& from, machine& to, const bytes& data) {
    if (from.links_down || to.links_down || (!cuts_.empty() && cuts_.contains({from.name, to.name}))) {
        count("fault_cut_datagram");
        return;
    }
    int copies = 1;
    if (weather_.duplicate > 0 && dice_.chance(weather_.duplicate)) {
        ++copies;
        count("fault_duplicate");
    }
    for (int i = 0; i < copies; ++i) {
        if (weather_.loss > 0 && dice_.chance(weather_.loss)) {
            count("fault_loss");
            continue;
        }
        auto delay = dice_.between(weather_.delay_min, weather_.delay_max);
        if (weather_.delay_spike > 0 && dice_.chance(weather_.delay_spike)) {
            delay += dice_.between(duration{0}, weather_.spike_max);
            count("fault_delay");
        }
        auto life = to.life;
        after(delay, [this, &to, life, data = data, &from]() mutable {
            if (!to.power || to.life != life) return;
            note_hearing(to, from);
            deliver(to, node::datagram{"net", std::move(data)});
        });
    }
}

void world::note_hearing(machine& where, const machine& from) {
    if (!where.daemon || now_ < where.paused_until) return;
    // A machine whose disk was lost is no member until it is taken in again: its old life is as silent as ever.
    if (!from.daemon || !from.daemon->state().formed()) return;
    auto& known = where.hears[from.name];
    if (now_ - known.last > where.daemon->times().member_timeout / 2) known.since = now_;
    known.last = now_;
}

void world::act(machine& where, const node::send& item) {
    for (auto& [name, other] : machines_) {
        if (name == where.name || (!item.to.empty() && item.to != name)) continue;
        transmit(where, *other, item.data);
    }
}

void world::act(machine& where, node::publish_beat item) {
    check_beat(where, item.data);
    where.beat = std::move(item.data);
    where.published = now_;
    where.beat_period = item.period;
    where.beat_stale = item.stale_after;
    if (where.beating && item.urgent) send_beat(where);
    if (where.beating) return;
    where.beating = true;
    auto life = where.daemon_life;
    // The thread's phase has nothing to do with the core's.
    after(dice_.between(duration{0}, where.beat_period), [this, &where, life] { beat_fires(where, life); });
}

void world::beat_fires(machine& where, std::uint64_t life) {
    if (where.daemon_life != life || !where.daemon) return;
    after(where.beat_period, [this, &where, life] { beat_fires(where, life); });
    if (now_ - where.last_turn >= where.beat_stale) return;      // the core hangs: silence says so
    if (now_ < where.paused_until && dice_.chance(0.5)) return;  // a pause may stop the whole process
    send_beat(where);
}

void world::send_beat(machine& where) {
    auto data = node::beat_to_send(where.beat, now_ - where.published, clock(where).now);
    for (auto& [name, other] : machines_)
        if (name != where.name) transmit(where, *other, data);
}

// ---- disk --------------------------------------------------------------------------------------------

void world::act(machine& where, node::store item) {
    where.unsynced.push_back(std::move(item));
    if (where.disk_busy) return;
    where.disk_busy = true;
    auto life = where.daemon_life;
    auto wait = dice_.between(weather_.sync_min, weather_.sync_max);
    if (where.disk_time.count() > 0) wait = where.disk_time;
    if (weather_.sync_slow > 0 && dice_.chance(weather_.sync_slow)) {
        wait += dice_.between(duration{0}, weather_.sync_slow_max);
        count("fault_slow_sync");
    }
    if (weather_.crash_in_sync > 0 && dice_.chance(weather_.crash_in_sync)) {
        count("fault_crash_in_sync");
        auto machine_life = where.life;
        // With a slow disk, so that what was said meanwhile has arrived.
        wait = std::max(wait, duration{20'000});
        after(dice_.between(duration{0}, wait), [this, name = where.name, &where, machine_life] {
            if (where.life != machine_life || !where.power) return;
            power_off(name);
            after(dice_.between(duration{200'000}, duration{3'000'000}), [this, name] { power_on(name); });
        });
    }
    // One sync takes everything that is waiting (group commit).
    after(wait, [this, &where, life] {
        if (where.daemon_life != life) return;
        if (now_ < where.disk_bad_until) {  // never tried again (D10); a part of it may be there all the same
            count("fault_sync_failed");
            return act(where, node::reset_node{"the store failed"});
        }
        where.disk_busy = false;
        auto batch = std::exchange(where.unsynced, {});
        for (const auto& done : batch) {
            keep(where, done);
            ++where.stores_done;
        }
        deliver(where, node::stored{where.stores_done});
    });
}

// ---- guard and processes -----------------------------------------------------------------------------

void world::act(machine& where, node::set_lease item) {
    where.lease_end = item.end;
    where.lease_packages = item.packages;
    if (item.detached && !where.detached) count("mark_detached");
    where.detached = item.detached;
    auto life = where.life;
    auto when = std::max(from_clock(where, item.end), now_) + duration{1'000};
    after(when - now_, [this, &where, life] { guard_checks(where, life); });
}

// The guard acts at the lease's end even if no daemon ever comes back (D6).
void world::guard_checks(machine& where, std::uint64_t life) {
    if (!where.power || where.life != life || !where.lease_packages) return;
    if (clock(where).now < where.lease_end) return;
    count("mark_guard_reset");
    act(where, node::reset_node{"guard: lease ended"});
}

void world::act(machine& where, const node::reset_node& item) {
    if (!where.power) return;
    say(where, "resets itself: " + item.reason);
    count("mark_self_reset");
    auto name = where.name;
    auto back = dice_.between(duration{500'000}, duration{3'000'000});
    if (reset_time_.count() == 0) {
        power_off(name);
        return after(back, [this, name] { power_on(name); });
    }
    after(duration{1'000}, [this, &where, life = where.life] {
        while (where.life == life && !where.processes.empty())
            process_ends(where, where.processes.begin()->first, -9, false);
    });
    after(reset_time_, [this, &where, life = where.life, back] {
        if (where.life != life || !where.power) return;
        power_off(where.name);
        after(back, [this, name = where.name] { power_on(name); });
    });
}

void world::act(machine& where, node::run_process item) {
    check_may_act(where, item.package, item.label);
    say(where, "run " + item.package + " " + item.label);
    where.processes[item.request] = {item.package, item.label, item.service, false};
    check_single_owner();
    auto life = where.life;
    auto request = item.request;
    if (item.service) {
        if (dice_.chance(weather_.service_death)) {
            after(dice_.between(duration{10'000}, weather_.service_life_max), [this, &where, life, request] {
                if (where.life != life || !where.processes.contains(request)) return;
                count("fault_service_death");
                process_ends(where, request, 1, false);
            });
        }
        return;
    }
    script_talks(where, item);
    std::int32_t code = 0;
    bool hangs = false;
    auto fixed = script_codes_.find({item.package, item.label});
    if (fixed != script_codes_.end()) {
        code = fixed->second.value_or(0);
        hangs = !fixed->second;
    } else if (dice_.chance(weather_.script_fail)) {
        code = dice_.chance(0.5) ? 1 : 2;
        count("fault_script_fail");
    } else if (item.timeout && dice_.chance(weather_.script_hang)) {
        hangs = true;
        count("fault_script_hang");
    }
    if (hangs && !item.timeout) return;
    auto wait = hangs ? *item.timeout : dice_.between(duration{5'000}, duration{400'000});
    bool late = item.timeout && wait >= *item.timeout;
    bool leaves = leaving_.contains(item.package) ||
                  (weather_.script_leaves > 0 && item.label == "run_script" && dice_.chance(weather_.script_leaves));
    if (leaves && item.label == "run_script") {
        count("fault_script_leaves");
        where.leavings.insert(item.package);
    }
    after(wait, [this, &where, life, request, code, late] {
        if (where.life == life) script_ends(where, request, late ? -15 : code, late);
    });
}

void world::act(machine& where, node::kill_process item) {
    auto found = where.processes.find(item.request);
    if (found == where.processes.end() || found->second.ending) return;
    found->second.ending = true;
    auto life = where.life;
    auto request = item.request;
    after(dice_.between(duration{1'000}, std::max(item.grace, duration{20'000})), [this, &where, life, request] {
        if (where.life == life) process_ends(where, request, -15, false);
    });
}

// What a script has left is found and ended; nothing that hangs in its kernel is of this world.
void world::act(machine& where, const node::clear_package& item) {
    bool left = where.leavings.contains(item.package);
    if (left) {
        count("mark_processes_left");
        say(where, "ends the rest of " + item.package);
    }
    auto wait = left ? dice_.between(duration{1'000}, duration{2'000'000}) : duration{0};
    after(wait, [this, &where, life = where.life, daemon_life = where.daemon_life, left, item] {
        if (where.life != life) return;
        where.leavings.erase(item.package);
        node::package_cleared answer{item.request, {}, {}};
        if (left) answer.ended.emplace_back("1 left");
        if (where.daemon_life == daemon_life) deliver(where, std::move(answer));
    });
}

void world::process_ends(machine& where, request_id request, std::int32_t code, bool timed_out) {
    if (where.processes.erase(request) == 0) return;
    deliver(where, node::process_exited{request, code, timed_out, ""});
}

// A watchdog works as it is told to: a node of this world always ends when its lease does.
void world::act(machine& where, const node::configuration_changed&) {
    tell_subnets(where);
    for (const auto& item : where.daemon->state().config.cluster.nodes) {
        if (item.name != where.name || item.watchdog_device.empty()) continue;
        auto life = where.daemon_life;
        after(duration{1'000}, [this, &where, life, timeout = item.watchdog_timeout] {
            if (where.daemon_life == life) deliver(where, node::watchdog_armed{timeout, ""});
        });
    }
}

// ---- devices -------------------------------------------------------------------------------------------

void world::act(machine& where, const node::call_plugin& item) {
    if (item.verb == "off" || item.verb == "on") return stonith(where, item);
    if (item.verb == "grant" || item.verb == "told") return arbitrate(where, item);
    if (item.verb == "notify") {
        auto life = where.daemon_life;
        count("mark_notified");
        after(duration{10'000}, [this, &where, life, request = item.request] {
            if (where.daemon_life == life) deliver(where, node::plugin_answer{request, call_outcome::ok, ""});
        });
        return;
    }
    item.verb == "status" ? look_at_resource(where, item) : resource(where, item);
}

// As its plugin would: it is there, or somebody has taken it away; now and then nobody can tell.
void world::look_at_resource(machine& where, const node::call_plugin& item) {
    auto life = where.daemon_life;
    bool hangs = dice_.chance(weather_.resource_hang);
    count(hangs ? "fault_resource_hang" : "mark_looked_at");
    auto wait = hangs ? item.timeout : dice_.between(duration{200}, duration{50'000});
    after(wait, [this, &where, life, hangs, item] {
        if (where.daemon_life != life) return;
        auto held = where.resources.find(item.instance.substr(0, item.instance.find('/')));
        bool there = held != where.resources.end() && held->second.contains(item.instance);
        auto outcome = hangs ? call_outcome::unknown : there ? call_outcome::ok : call_outcome::not_running;
        deliver(where, node::plugin_answer{item.request, outcome, ""});
    });
}

// Somebody takes it away behind the cluster's back.
void world::resource_vanishes(const std::string& name, const std::string& instance) {
    say(at(name), "vanishes: " + instance);
    at(name).resources[instance.substr(0, instance.find('/'))].erase(instance);
}

void world::resource(machine& where, const node::call_plugin& item) {
    auto package = item.instance.substr(0, item.instance.find('/'));
    bool starts = item.verb == "start";
    bool stops = item.verb == "stop";
    if (item.verb == "prepare" && item.instance.find("/address ") != std::string::npos) count("mark_probed");
    if (starts) {
        check_may_act(where, package, item.instance);
        where.resources[package].insert(item.instance);
        check_single_owner();
    }
    say(where, item.verb + " " + item.instance);
    auto outcome = call_outcome::ok;
    auto wait = dice_.between(duration{200}, duration{50'000});
    if (starts && failing_.contains(item.instance)) {
        outcome = call_outcome::failed;
    } else if (dice_.chance(weather_.resource_fail)) {
        outcome = call_outcome::failed;
        count("fault_resource_fail");
    } else if (dice_.chance(weather_.resource_hang)) {
        outcome = call_outcome::unknown;
        wait = dice_.between(duration{1'000'000}, duration{5'000'000});
        count("fault_resource_hang");
    }
    auto life = where.life;
    auto daemon_life = where.daemon_life;
    auto request = item.request;
    after(wait, [this, &where, life, daemon_life, request, outcome, stops, package, instance = item.instance] {
        if (where.life != life) return;
        if (stops && outcome == call_outcome::ok) where.resources[package].erase(instance);
        if (where.daemon_life == daemon_life) deliver(where, node::plugin_answer{request, outcome, ""});
    });
}

void world::stonith(machine& where, const node::call_plugin& item) {
    std::string target;
    for (const auto& [name, value] : item.arguments)
        if (name == "node") target = value;
    auto life = where.daemon_life;
    auto request = item.request;
    auto wait = dice_.between(duration{1'000}, duration{300'000});
    if (fence_time_.count() > 0) wait = fence_time_;
    if (dice_.chance(weather_.fence_slow)) {
        wait += dice_.between(duration{1'000'000}, duration{12'000'000});
        count("fault_fence_slow");
    }
    auto answer = [this, &where, life, request](call_outcome outcome) {
        if (where.daemon_life == life) deliver(where, node::plugin_answer{request, outcome, to_string(outcome)});
    };
    if (item.verb == "on") {
        after(wait, [this, target, answer] {
            power_on(target);
            answer(call_outcome::on);
        });
        return;
    }
    auto fixed = std::exchange(next_fence_, "");
    check_may_fence(where, target);
    bool fails = fixed.empty() ? dice_.chance(weather_.fence_fail) : fixed == "failed";
    if (no_device_for_ == where.name) fails = true;
    // "late": the power goes at once, the answer comes when everything else has moved on.
    bool late = fixed == "late" || (fixed.empty() && dice_.chance(weather_.fence_late));
    if (late && !fails) {
        count("fault_fence_late");
        power_off(target);
        auto wait_on = fixed.empty() ? dice_.between(duration{1'000'000}, duration{9'000'000}) : duration{6'000'000};
        if (fixed.empty()) after(dice_.between(duration{100'000}, wait_on), [this, target] { power_on(target); });
        after(wait_on, [answer] { answer(call_outcome::off); });
        return;
    }
    bool unknown = !fails && (fixed.empty() ? dice_.chance(weather_.fence_unknown) : fixed == "unknown");
    bool cuts = !fails && (!unknown || dice_.chance(0.5));
    if (fails) count("fault_fence_fail");
    if (unknown) count("fault_fence_unknown");
    say(where, "fences " + target);
    after(wait, [this, target, answer, fails, unknown, cuts] {
        if (cuts) power_off(target);
        answer(fails ? call_outcome::failed : unknown ? call_outcome::unknown : call_outcome::off);
    });
}

void world::arbitrator_up(const std::string& name, bool up) { arbitrators_[name].up = up; }

void world::arbitrator_loses_store(const std::string& name) {
    auto& box = arbitrators_[name];
    box.record = {};
    box.record.store = store_id{dice_.next() | 1U};
}

// The pure rules of the real arbitrators; its disk is synced before the answer leaves.
void world::arbitrate(machine& where, const node::call_plugin& item) {
    std::map<std::string, std::string> given(item.arguments.begin(), item.arguments.end());
    auto life = where.daemon_life;
    auto answer = [this, &where, life, request = item.request](call_outcome outcome, std::string text) {
        if (where.daemon_life == life) deliver(where, node::plugin_answer{request, outcome, std::move(text)});
    };
    auto& box = arbitrators_[item.instance];
    if (!box.record.store) box.record.store = store_id{dice_.next() | 1U};
    if (!box.up || no_arbitrator_for_ == where.name) {
        after(item.timeout, [answer] { answer(call_outcome::unknown, "no answer"); });
        return;
    }
    after(dice_.between(duration{1'000}, duration{200'000}), [this, &box, item, given, answer] {
        auto hex = [&given](const char* name) { return std::strtoull(given.at(name).c_str(), nullptr, 16); };
        auto number = [&given](const char* name) { return std::strtoull(given.at(name).c_str(), nullptr, 10); };
        if (!box.up) return answer(call_outcome::unknown, "no answer");
        if (!box.record.cluster) box.record.cluster = cluster_id{hex("cluster")};
        if (item.verb == "told") {
            auto said = consensus::told(box.record, number("version"), store_id{hex("store")});
            char text[100];
            std::snprintf(text, sizeof text, "store=%llx floor=%llu granted=%d",
                          static_cast<unsigned long long>(said.store.value),
                          static_cast<unsigned long long>(said.floor), said.granted ? 1 : 0);
            return answer(call_outcome::ok, text);
        }
        consensus::tie_request asked{box.record.cluster,
                                     store_id{hex("store")},
                                     number("version"),
                                     {number("term_round"), node_id{static_cast<std::uint32_t>(number("term_node"))}},
                                     {}};
        std::istringstream half(given.at("half"));
        for (std::uint32_t id = 0; half >> id;) asked.half.push_back(node_id{id});
        auto said = consensus::grant(box.record, asked);
        count(said.granted ? "mark_tie_granted" : "mark_tie_refused");
        answer(said.granted ? call_outcome::ok : call_outcome::failed, said.reason);
    });
}

// ---- what the node tells people --------------------------------------------------------------------------

void world::act(machine& where, const node::happened& item) {
    if (trace) say(where, "log " + std::to_string(item.index.value) + ": " + item.text);
    if (item.refused && item.actor == "policy" && (item.text.starts_with("start ") || item.text.starts_with("halt ")))
        violated("a decision of the leader made no sense when applied: " + item.text);
    if (!item.refused) count("mark_" + item.event);
    if (item.event == "package_starting" && item.text.find(" at another site") != std::string::npos)
        count("mark_started_across_sites");
    if (item.event == "package_starting" && item.text.find(" of its node list at site ") != std::string::npos)
        count("mark_kept_at_site");
    if (item.event == "package_running" && item.text.find("; partly: ") != std::string::npos)
        count("mark_started_partly");
    bool condition =
        item.text.find(": subnet_down") != std::string::npos || item.text.find(": resource_down") != std::string::npos;
    if (item.event == "package_failed" && condition) count("mark_condition_lost");
    if (item.event == "package_changed" && item.text.find("filesystem ") != std::string::npos)
        count("mark_storage_added");
    check_request_counted(item);
}

void world::act(machine& where, node::admin_done item) {
    say(where, "admin " + std::to_string(item.id) + " " + to_string(item.result) + ": " + item.text);
    count(std::string("mark_admin_") + to_string(item.result));
    check_request_answered(item);
    script_told(item);
    answers_[item.id] = std::move(item);
}

// The guard leaves it armed where something of a package may be left: nobody feeds it any more.
void world::watchdog_stays(machine& where) {
    for (const auto& item : where.daemon->state().config.cluster.nodes) {
        if (item.name != where.name || item.watchdog_device.empty()) continue;
        after(item.watchdog_timeout, [this, &where, life = where.life] {
            if (where.power && where.life == life) act(where, node::reset_node{"watchdog: not fed"});
        });
    }
}

void world::act(machine& where, const node::left& item) {
    say(where, (item.clean ? "leaves: " : "leaves, but: ") + item.text);
    count(item.clean ? "mark_left" : "mark_left_with_failed_halt");
    if (item.detached) count("mark_left_detached");
    for (const auto& [package, held] : where.resources)
        if (item.clean && !item.detached && !held.empty())
            violated(where.name + " left while " + package + " is active on it");
    if (item.clean && !item.detached && (!where.processes.empty() || !where.leavings.empty()))
        violated(where.name + " left while processes run on it");
    if (!item.clean) watchdog_stays(where);
    // The store is written out, the guard ends the rest of the processes and then itself.
    for (const auto& open : where.unsynced) {
        if (open.log) consensus::apply_write(where.log, *open.log);
        if (open.local) where.local = *open.local;
    }
    where.unsynced.clear();
    // The next guard takes over what is detached, with what it knows.
    if (!item.detached) where.processes.clear();
    if (!item.detached) where.leavings.clear();
    where.detached = item.detached;
    where.lease_end = time_point::min();
    where.lease_packages = false;
    where.inbox.clear();
    where.beating = false;
    where.next_daemon_life();
    where.daemon.reset();
    where.stopped = true;
}

void world::act(machine& where, const node::trace& item) {
    say(where, item.severity + ": " + item.text);
    if (item.severity == "info" && item.text.starts_with("leads")) count("mark_elected");
    if (item.severity == "error" && item.text.starts_with("the lease")) count("mark_lease_lost");
    if (item.text.starts_with("fences nobody to break the tie")) count("mark_tie_left_alone");
    if (item.text.starts_with("taken into the cluster")) count("mark_learner_taken_in");
    if (item.text.starts_with("the cluster is at feature level")) count("mark_too_old");
}

}  // namespace mainstay::sim
