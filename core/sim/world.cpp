// Events, machines, power, daemons, time. Effects of outputs are in actors.cpp, checks in checks.cpp.
#include "sim/world.hpp"

#include <algorithm>

#include "cluster/configuration.hpp"
#include "model/text.hpp"
#include "sim/machine.hpp"

namespace mainstay::sim {

world::world(std::uint64_t seed, std::vector<std::string> names, std::string text)
    : seed_(seed), dice_(seed), names_(std::move(names)), text_(std::move(text)) {
    for (const auto& name : names_) {
        auto fresh = std::make_unique<machine>();
        fresh->name = name;
        fresh->store = store_id{dice_.next() | 1U};
        machines_.emplace(name, std::move(fresh));
    }
}

world::~world() = default;

world::machine& world::at(const std::string& name) { return *machines_.at(name); }

void world::after(duration wait, std::function<void()> what) {
    push(now_ + std::max(wait, duration{0}), order_++, std::move(what));
}

void world::push(duration at, std::uint64_t order, std::function<void()> what) {
    if (events_free_.empty()) {
        events_free_.push_back(events_.size());
        events_.emplace_back();
    }
    auto slot = events_free_.back();
    events_free_.pop_back();
    events_[slot] = std::move(what);
    queue_.push_back({at, order, slot});
    std::push_heap(queue_.begin(), queue_.end());
}

void world::run_until(duration until) {
    while (!queue_.empty() && violation_.empty()) {
        if (queue_.front().at > until) break;
        std::pop_heap(queue_.begin(), queue_.end());
        auto next = queue_.back();
        queue_.pop_back();
        now_ = next.at;
        auto what = std::move(events_[next.what]);
        events_[next.what] = nullptr;
        events_free_.push_back(next.what);
        what();
    }
    now_ = std::max(now_, until);
}

void world::count(std::string_view what) {
    auto found = counts_.find(what);
    if (found == counts_.end()) found = counts_.emplace(std::string(what), 0).first;
    ++found->second;
}

void world::violated(const std::string& what) {
    if (!violation_.empty()) return;
    violation_ = what;
    if (trace) trace("VIOLATION " + what);
}

void world::say(const machine& where, const std::string& text) {
    if (!trace) return;
    char stamp[32];
    std::snprintf(stamp, sizeof stamp, "%9.3f ", static_cast<double>(now_.count()) / 1e6);
    trace(stamp + where.name + "  " + text);
}

// ---- time ------------------------------------------------------------------------------------------

node::moment world::clock(const machine& where) const {
    auto passed = static_cast<double>((now_ - where.clock_zero).count()) * (1.0 + where.drift);
    node::moment at;
    at.now = time_point{where.clock_offset + duration{static_cast<std::int64_t>(passed)}};
    at.wall = wall_time{wall().us + where.wall_offset.count()};
    return at;
}

duration world::from_clock(const machine& where, time_point local) const {
    auto passed = static_cast<double>((local.time_since_epoch() - where.clock_offset).count()) / (1.0 + where.drift);
    return where.clock_zero + duration{static_cast<std::int64_t>(passed) + 1};
}

// ---- power and daemons -------------------------------------------------------------------------------

void world::power_on(const std::string& name) {
    auto& where = at(name);
    if (where.power) return;
    where.power = true;
    ++where.life;
    where.clock_offset = dice_.between(duration{1'000'000}, duration{1'000'000'000});
    where.clock_zero = now_;
    where.kernel = dice_.next();
    where.links_down = false;
    where.drift = (static_cast<double>(dice_.below(2001)) - 1000.0) / 1000.0 * 0.002;
    say(where, "power on");
    count("power_on");
    auto life = where.life;
    after(dice_.between(duration{200'000}, duration{2'000'000}), [this, &where, life] {
        if (where.power && where.life == life) boot_daemon(where, true);
    });
}

void world::boot_daemon(machine& where, bool machine_booted) {
    if (machine_booted) {
        ++where.machine_counter;  // the kernel's boot_id differs from the stored one
        where.lease_end = time_point::min();
        where.lease_packages = false;
        where.detached = false;
    }
    where.stopped = false;
    ++where.incarnation;
    where.next_daemon_life();
    node::start_info info;
    info.name = where.name;
    info.boot = {where.machine_counter, where.incarnation};
    info.store = where.store;
    info.seed = dice_.next();
    info.log = where.log;
    info.local = where.local;
    info.kernel = where.kernel;
    info.snapshot_every = snapshot_every;
    info.feature_level = where.feature_level = where.installed;
    where.unsynced.clear();
    where.stores_done = 0;
    where.disk_busy = false;
    where.inbox.clear();
    where.beating = false;
    where.hears.clear();
    where.links_told = false;
    where.paused_until = duration{0};
    where.last_turn = now_;
    where.checked_commit = 0;
    where.checked_snapshot = 0;
    where.checked_beat = log_index{};
    say(where, "daemon starts, boot " + to_text(info.boot));
    where.daemon.emplace(info, clock(where));
    check_step(where);
    auto life = where.daemon_life;
    auto outputs = where.daemon->take_outputs();
    for (auto& item : outputs)
        if (where.daemon_life == life) perform(where, std::move(item));
    if (where.daemon_life != life) return;
    node::guard_hello hello;
    hello.lease_end = where.lease_end;
    hello.detached = where.detached;
    for (const auto& [request, item] : where.processes) hello.living.push_back({request, item.package, item.label});
    step(where, std::move(hello));
    if (where.links_down) tell_links(where);
}

void world::keep(machine& where, const node::store& item) {
    if (item.log) consensus::apply_write(where.log, *item.log);
    if (item.local) where.local = *item.local;
    if (item.boot) {
        where.machine_counter = item.boot->machine;
        where.incarnation = item.boot->incarnation;
    }
}

// What had not been synced is lost, or a part of it is on the disk all the same: any number of the oldest writes, each
// of them whole. The real store promises more: what one sync covers is one transaction, whole or not there at all.
void world::lose_unsynced(machine& where) {
    auto kept = dice_.below(where.unsynced.size() + 1);
    if (kept < where.unsynced.size()) count("fault_unsynced_lost");
    if (kept > 0 && kept < where.unsynced.size()) count("fault_torn");
    for (std::uint64_t i = 0; i < kept; ++i) {
        const auto& item = where.unsynced[i];
        keep(where, item);
    }
    where.unsynced.clear();
}

void world::power_off(const std::string& name) {
    auto& where = at(name);
    if (!where.power) return;
    say(where, "POWER OFF");
    count("power_off");
    lose_unsynced(where);
    where.power = false;
    where.stopped = false;
    ++where.life;
    where.next_daemon_life();
    where.daemon.reset();
    where.processes.clear();
    where.leavings.clear();
    where.resources.clear();
    where.inbox.clear();
    where.beating = false;
}

void world::lose_store(const std::string& name) {
    power_off(name);
    auto& where = at(name);
    say(where, "LOSES ITS STORE");
    where.log = {};
    where.local.clear();
    where.store = store_id{dice_.next() | 1U};
    where.machine_counter = 0;
    where.incarnation = 0;
}

void world::crash_daemon(const std::string& name) {
    auto& where = at(name);
    if (!where.power || !where.daemon) return;
    say(where, "DAEMON CRASH");
    lose_unsynced(where);
    where.next_daemon_life();
    where.daemon.reset();
    where.beating = false;
    where.inbox.clear();
    // Calls and scripts under way lose their listener; services go on under the guard.
    auto life = where.life;
    after(dice_.between(duration{50'000}, duration{1'000'000}), [this, &where, life] {
        if (where.power && where.life == life && !where.daemon) boot_daemon(where, false);
    });
}

void world::leave(const std::string& name) { deliver(at(name), node::leave{}); }

void world::start_daemon(const std::string& name) {
    auto& where = at(name);
    if (where.stopped) boot_daemon(where, false);
}

void world::install(const std::string& name, std::uint32_t feature_level) {
    say(at(name), "software of feature level " + std::to_string(feature_level) + " is installed");
    at(name).installed = feature_level;
}

std::uint32_t world::feature_level(const std::string& name) const {
    const auto& where = *machines_.at(name);
    return where.daemon ? where.feature_level : where.installed;
}

void world::pause_daemon(const std::string& name, duration how_long) {
    auto& where = at(name);
    if (!where.daemon) return;
    say(where, "PAUSED for " + to_text(how_long));
    where.paused_until = std::max(where.paused_until, now_ + how_long);
    auto life = where.daemon_life;
    after(how_long, [this, &where, life] {
        if (where.daemon_life != life || !where.daemon || now_ < where.paused_until) return;
        say(where, "resumes");
        step(where, node::tick{});
        auto waiting = std::exchange(where.inbox, {});
        for (auto& item : waiting)
            if (where.daemon_life == life && where.daemon) step(where, item);
    });
}

void world::cut(const std::string& from, const std::string& to, bool cut) {
    say(at(from), (cut ? "is no longer heard by " : "is heard again by ") + to);
    if (cut) {
        cuts_.emplace(from, to);
    } else {
        cuts_.erase({from, to});
    }
}

void world::kill_service(const std::string& name, const std::string& package) {
    auto& where = at(name);
    for (const auto& [request, item] : where.processes) {
        if (!item.service || (!package.empty() && item.package != package)) continue;
        say(where, "service killed: " + item.label);
        return process_ends(where, request, -9, false);
    }
}

void world::script_exits(const std::string& package, const std::string& label, std::optional<std::int32_t> code) {
    script_codes_[{package, label}] = code;
}

void world::plugin_event(const std::string& name, node::plugin_event item) { deliver(at(name), std::move(item)); }

void world::subnet(const std::string& name, const std::string& subnet, bool up) {
    auto& where = at(name);
    if (up) {
        where.subnets_down.erase(subnet);
    } else {
        where.subnets_down.insert(subnet);
    }
    if (where.daemon) tell_subnets(where);
}

void world::tell_subnets(machine& where) {
    if (where.daemon->state().monitored_subnets().empty()) return;
    auto life = where.daemon_life;
    after(duration{1'000}, [this, &where, life] {
        if (where.daemon_life != life || !where.daemon) return;
        node::subnets_seen seen;
        for (const auto& item : where.daemon->state().monitored_subnets())
            seen.subnets.emplace_back(item, !where.subnets_down.contains(item));
        deliver(where, std::move(seen));
    });
}

void world::links(const std::string& name, bool up) {
    auto& where = at(name);
    if (!where.power || where.links_down == !up) return;
    say(where, up ? "sets its links up" : "SETS ITS LINKS DOWN");
    where.links_down = !up;
    tell_links(where);
}

// At the next beat, long before the silence has lasted for a member_timeout.
void world::tell_links(machine& where) {
    auto life = where.daemon_life;
    after(std::max(duration{10'000}, where.paused_until - now_), [this, &where, life] {
        if (where.daemon_life != life || !where.daemon) return;
        if (now_ < where.paused_until) return tell_links(where);
        where.links_told = where.links_down;
        step(where, node::links_seen{{{"net", where.links_down ? "interface eth0 is set down" : ""}}});
    });
}

std::uint64_t world::admin(const std::string& name, node::admin_body body, duration patience) {
    auto id = next_admin_++;
    node::admin_call call;
    call.id = id;
    call.actor = (number_admins ? "admin" + std::to_string(id) : "admin") + "@" + name;
    if (std::holds_alternative<cluster::command_body>(body)) asked_[id].floor = last_answered_;
    call.patience = patience;
    call.body = std::move(body);
    if (const auto* founding = std::get_if<node::form_cluster>(&call.body))
        if (auto parsed = cluster::parse_canonical(founding->text)) config_ = std::move(*parsed);
    deliver(at(name), std::move(call));
    return id;
}

// ---- the turn ------------------------------------------------------------------------------------------

void world::deliver(machine& where, node::input item) {
    if (!where.daemon) return;
    if (now_ < where.paused_until) {
        constexpr std::size_t inbox_max = 2000;  // a socket buffer is finite
        if (where.inbox.size() < inbox_max) where.inbox.push_back(std::move(item));
        return;
    }
    step(where, item);
}

void world::step(machine& where, const node::input& item) {
    if (!where.daemon || !violation_.empty()) return;
    ++steps_;
    if (save_every != 0 && steps_ % save_every == 0) {
        auto saved = where.daemon->save();
        auto copy = node::node::load(saved, &where.daemon->state());
        if (!copy || copy->save() != saved) return violated("a node's state does not survive being written and read");
        where.daemon = std::move(*copy);
        count("mark_saved_and_loaded");
    }
    where.last_turn = now_;
    where.daemon->step(item, clock(where));
    check_step(where);
    auto life = where.daemon_life;
    auto outputs = where.daemon->take_outputs();
    for (auto& output : outputs) {
        if (where.daemon_life != life || !violation_.empty()) return;
        perform(where, std::move(output));
    }
    if (where.daemon_life == life) wake(where);
}

void world::wake(machine& where) {
    auto due = where.daemon->deadline();
    where.wake_at = machine::never_woken;
    if (due == never) return;
    auto soon = now_ + duration{1};
    where.wake_at = due <= clock(where).now ? soon : std::max(from_clock(where, due), soon);
    where.wake_order = order_++;
    arm(where);
}

// Nearly every turn puts the next tick off a little: an event that comes earlier puts itself off when its time comes,
// to the very place in the queue that it would have been given at once.
void world::arm(machine& where) {
    if (std::pair{where.armed_at, where.armed_order} <= std::pair{where.wake_at, where.wake_order}) return;
    where.armed_at = where.wake_at;
    where.armed_order = where.wake_order;
    push(where.armed_at, where.armed_order, [this, &where, order = where.armed_order] {
        if (where.armed_order != order || where.armed_at == machine::never_woken) return;
        where.armed_at = machine::never_woken;
        if (where.wake_at == machine::never_woken) return;
        if (where.wake_order != order) return arm(where);
        where.wake_at = machine::never_woken;
        woken(where);
    });
}

void world::woken(machine& where) {
    if (!where.daemon || now_ < where.paused_until) return;
    // A daemon that turns without anything having changed would eat a core.
    constexpr std::uint64_t turns_per_millisecond_max = 300;
    where.turns = now_ - where.turns_since > duration{1'000} ? 0 : where.turns + 1;
    if (where.turns == 0) where.turns_since = now_;
    if (where.turns > turns_per_millisecond_max)
        return violated(where.name + " spins: deadline " + to_text(where.daemon->deadline()) + " at " +
                        to_text(clock(where).now));
    step(where, node::tick{});
}

// ---- what can be seen ------------------------------------------------------------------------------------

const node::node* world::daemon(const std::string& name) const {
    const auto& where = *machines_.at(name);
    return where.daemon ? &*where.daemon : nullptr;
}

time_point world::time_of(const std::string& name) const { return clock(*machines_.at(name)).now; }

void world::set_wall(const std::string& name, duration by) {
    say(at(name), "sets its date by " + to_text(by));
    at(name).wall_offset += by;
}

void world::disk_fails(const std::string& name, duration how_long) {
    say(at(name), "ITS DISK FAILS for " + to_text(how_long));
    at(name).disk_bad_until = now_ + how_long;
}

void world::disk_takes(const std::string& name, duration per_sync) { at(name).disk_time = per_sync; }

consensus::voter_set world::committed_voters() const {
    for (auto item = ghost_.rbegin(); item != ghost_.rend(); ++item) {
        auto entry = decode<consensus::entry>(*item);
        const auto* found = entry ? std::get_if<consensus::voter_set>(&entry->body) : nullptr;
        if (found != nullptr) return *found;
    }
    return {};
}

store_id world::store_of(const std::string& name) const { return machines_.at(name)->store; }

bool world::powered(const std::string& name) const { return machines_.at(name)->power; }

std::vector<std::string> world::active_on(const std::string& package) const {
    std::vector<std::string> list;
    for (const auto& [name, where] : machines_) {
        auto held = where->resources.find(package);
        bool active = held != where->resources.end() && !held->second.empty();
        for (const auto& [request, item] : where->processes) active = active || item.package == package;
        active = active || where->leavings.contains(package);
        if (active) list.push_back(name);
    }
    return list;
}

std::optional<node::admin_done> world::answer(std::uint64_t id) const {
    auto found = answers_.find(id);
    if (found == answers_.end()) return std::nullopt;
    return found->second;
}

void world::tell_election(const std::string& name) {
    auto& where = at(name);
    if (!trace || !where.daemon) return;
    const auto& log = where.daemon->log();
    std::string text = "term " + to_text(log.current_term()) + ", last entry " +
                       std::to_string(log.last_index().value) + " of term " + to_text(log.log().last_term()) +
                       ", committed " + std::to_string(log.commit().value);
    for (const auto& item : log.active()) {
        text += ", voter set " + std::to_string(item.set.version) + " of";
        for (const auto& member : item.set.voters) text += " n" + std::to_string(member.node.value);
    }
    text += where.daemon->settled() ? ", settled" : ", not settled";
    say(where, text + "; waits for " + where.daemon->waiting_for(clock(where).now));
}

const node::node* world::leader() const {
    const node::node* best = nullptr;
    for (const auto& [name, where] : machines_) {
        if (!where->daemon || !where->daemon->log().leads()) continue;
        if (best == nullptr || where->daemon->log().current_term() > best->log().current_term()) best = &*where->daemon;
    }
    return best;
}

}  // namespace mainstay::sim
