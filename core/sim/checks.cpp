// The invariants of architecture.md section 3, checked after every step.
#include <algorithm>
#include <cstdlib>

#include "model/text.hpp"
#include "sim/machine.hpp"

namespace mainstay::sim {

void world::check_step(machine& where) {
    check_commits(where);
    check_decisions(where);
}

// Every node commits the same entries at the same places, for ever: what was told is never lost (3),
// terms, voter sets and generations never go back (4).
void world::check_commits(machine& where) {
    const auto& log = where.daemon->log();
    if (log.snapshot().index.value > where.checked_snapshot) {
        where.checked_snapshot = log.snapshot().index.value;
        auto [known, fresh] = snapshots_.emplace(log.snapshot().index.value, log.snapshot().data);
        if (!fresh) count("mark_snapshot_compared");
        if (known->second != log.snapshot().data)
            return violated("invariant 3: " + where.name + " has another state at entry " +
                            std::to_string(log.snapshot().index.value));
    }
    // A long backlog committed and put into a snapshot in one step: those entries were never seen here. Whoever
    // still has them is compared with the first that shows them.
    while (ghost_.size() < log.log().before().value) ghost_.emplace_back();
    where.checked_commit = std::max(where.checked_commit, log.log().before().value);
    for (auto i = where.checked_commit + 1; i <= log.commit().value; ++i) {
        auto entry = encode(log.at(log_index{i}));
        if (i <= ghost_.size()) {
            if (ghost_[i - 1].empty()) ghost_[i - 1] = entry;
            if (ghost_[i - 1] != entry)
                return violated("invariant 3: " + where.name + " commits another entry " + std::to_string(i));
            continue;
        }
        if (i != ghost_.size() + 1) return violated("a commit with a gap");
        auto now = log.at(log_index{i}).term;
        if (!ghost_.empty()) {
            auto before = decode<consensus::entry>(ghost_.back());
            if (before && now < before->term) return violated("invariant 4: the term of committed entries goes back");
        }
        ghost_.push_back(std::move(entry));
        check_feature_level(log.at(log_index{i}));
        const auto* data = std::get_if<consensus::payload>(&log.at(log_index{i}).body);
        if (data == nullptr) continue;
        auto item = decode<cluster::command>(data->data);
        const auto* start = item ? std::get_if<cluster::package_start>(&item->body) : nullptr;
        if (start == nullptr) continue;
        auto& newest = started_generations_[start->package];
        if (start->generation.value <= newest)
            return violated("invariant 4: a generation of " + start->package + " goes back");
        newest = start->generation.value;
    }
    where.checked_commit = std::max(where.checked_commit, log.commit().value);
}

// What a leader decides does not depend on what it has worked out before.
void world::check_decisions(machine& where) {
    const auto& state = where.daemon->state();
    if (!where.daemon->log().leads() || state.applied == where.checked_decisions) return;
    where.checked_decisions = state.applied;
    auto at = clock(where);
    policy::view seen;
    seen.now = at.now;
    seen.wall = at.wall;
    seen.self = where.daemon->self();
    auto kept = policy::decide(where.planner, state, seen);
    auto fresh = policy::decide(state, seen);
    bool same = std::equal(kept.decisions.begin(), kept.decisions.end(), fresh.decisions.begin(), fresh.decisions.end(),
                           [](const auto& one, const auto& other) {
                               return encode(cluster::command{{}, {}, {}, {}, 0, one.body}) ==
                                      encode(cluster::command{{}, {}, {}, {}, 0, other.body});
                           });
    for (const auto& item : fresh.decisions)
        if (const auto* start = std::get_if<cluster::package_start>(&item.body)) check_place(state, *start);
    if (!same || kept.look_again != fresh.look_again)
        violated(where.name + " decides otherwise than from nothing, at entry " + std::to_string(state.applied.value));
}

// A pin holds, and nothing leaves its site by itself that is to be taken across by an administrator.
void world::check_place(const cluster::state& state, const cluster::package_start& start) {
    if (auto wrong = state.against_pin(start.package, start.node); !wrong.empty())
        violated("a start of " + start.package + " on " + state.node_name(start.node) + ": " + wrong);
    const auto* config = state.find_package(start.package);
    bool asked = state.packages.at(start.package).target == start.node;
    if (config != nullptr && !asked && state.across_sites(*config, start.node))
        violated("a start of " + start.package + " on " + state.node_name(start.node) + ", at another site");
}

// D2: the level rises only to what the newest life of every node has announced, and never goes back.
void world::check_feature_level(const consensus::entry& committed) {
    if (const auto* boot = std::get_if<consensus::boot_entry>(&committed.body))
        announced_[boot->node] = boot->feature_level;
    const auto* data = std::get_if<consensus::payload>(&committed.body);
    auto item = data != nullptr ? decode<cluster::command>(data->data) : std::nullopt;
    const auto* raised = item ? std::get_if<cluster::feature_level>(&item->body) : nullptr;
    if (raised == nullptr) return;
    if (raised->level <= feature_level_) violated("the feature level does not rise");
    feature_level_ = raised->level;
    if (announced_.size() < names_.size()) violated("the feature level rises before every node has announced one");
    for (const auto& [node, level] : announced_)
        if (level < raised->level)
            violated("the feature level rises to " + std::to_string(raised->level) + ", node " +
                     std::to_string(node.value) + " reads " + std::to_string(level));
}

// "Packages": an acknowledgement names the leader's newest package entry, committed or not.
void world::check_beat(machine& where, const bytes& data) {
    const auto& log = where.daemon->log();
    if (!log.leads() || log.last_index() == where.checked_beat) return;
    auto whole = decode<node::envelope>(data);
    const auto* beat = whole ? std::get_if<node::beat>(&whole->body) : nullptr;
    if (beat == nullptr || !beat->acknowledges) return;
    where.checked_beat = log.last_index();
    for (auto i = log.last_index().value; i > log.log().before().value; --i) {
        const auto* entry = std::get_if<consensus::payload>(&log.at(log_index{i}).body);
        auto item = entry != nullptr ? decode<cluster::command>(entry->data) : std::nullopt;
        if (!item || !cluster::is_package_entry(*item)) continue;
        if (beat->newest_package_entry.value < i)
            violated("invariant 2: " + where.name + " acknowledges without naming package entry " + std::to_string(i));
        return;
    }
}

// Requests of administrators are linearizable: each is counted once, at one place of the log, and behind everything
// that was answered before it was made. That what was counted stays is check_commits().
void world::check_request_counted(const node::happened& item) {
    if (!number_admins || !item.actor.starts_with("admin")) return;
    auto found = asked_.find(std::strtoull(item.actor.c_str() + 5, nullptr, 10));
    if (found == asked_.end()) return;
    auto& known = found->second;
    if (known.entry != 0 && known.entry != item.index.value)
        return violated("invariant 3: request " + std::to_string(found->first) + " counts at entry " +
                        std::to_string(known.entry) + " and at " + std::to_string(item.index.value));
    known.entry = item.index.value;
    if (known.entry <= known.floor)
        violated("invariant 3: request " + std::to_string(found->first) + " counts at entry " +
                 std::to_string(known.entry) + ", before what was answered when it was made");
}

void world::check_request_answered(const node::admin_done& item) {
    auto found = asked_.find(item.id);
    bool told = item.result == node::admin_result::done || item.result == node::admin_result::failed;
    if (!number_admins || found == asked_.end()) return;
    // A monitor's word that says nothing new needs no entry.
    if (item.result == node::admin_result::done && item.text.ends_with(" already")) return;
    if (told && found->second.entry == 0)
        return violated("invariant 3: request " + std::to_string(item.id) + " was answered and is in no log");
    last_answered_ = std::max(last_answered_, found->second.entry);
}

// Invariant 1: active on one machine at most. Only a process or a resource that begins can break it: checked there.
void world::check_single_owner() {
    std::map<std::string, std::string> owners;
    auto claim = [&](const std::string& package, const std::string& name) {
        auto [found, fresh] = owners.emplace(package, name);
        if (!fresh && found->second != name)
            violated("invariant 1: " + package + " is active on " + found->second + " and on " + name);
    };
    for (const auto& [name, where] : machines_) {
        for (const auto& [package, held] : where->resources)
            if (!held.empty()) claim(package, name);
        for (const auto& [request, item] : where->processes) claim(item.package, name);
        for (const auto& package : where->leavings) claim(package, name);
    }
    check_neighbours(owners);
}

// SG 7.2: two packages in maintenance ignore their relation, until one of them halts.
bool world::may_ignore(const std::string& one, const std::string& other) {
    bool both = std::any_of(machines_.begin(), machines_.end(), [&](const auto& entry) {
        if (!entry.second->daemon) return false;
        const auto& known = entry.second->daemon->state().packages;
        auto a = known.find(one);
        auto b = known.find(other);
        return a != known.end() && b != known.end() && a->second.maintained && b->second.maintained;
    });
    if (both) ignore_each_other_.emplace(one, other);
    return ignore_each_other_.contains({one, other});
}

// Exclusions and capacities hold among what is active, whatever is on its way.
void world::check_neighbours(const std::map<std::string, std::string>& owners) {
    std::map<std::string, std::uint64_t> used;
    std::erase_if(ignore_each_other_, [&owners](const auto& pair) {
        return !owners.contains(pair.first) || !owners.contains(pair.second);
    });
    for (const auto& package : config_.packages) {
        for (const auto& [instance, node] : owners) {
            if (cluster::package_of(instance) != package.name) continue;
            for (const auto& item : package.dependencies) {
                auto other = owners.find(item.package);
                bool beside = !item.up && other != owners.end() && other->second == node;
                if (!beside)
                    ignore_each_other_.erase({package.name, item.package});
                else if (!may_ignore(package.name, item.package))
                    violated(package.name + " and " + item.package + " exclude each other and are both on " + node);
            }
            auto weight = package.weight.find("cpu");
            if (weight != package.weight.end()) used[node] += weight->second;
        }
    }
    for (const auto& node : config_.cluster.nodes) {
        auto limit = node.capacities.find("cpu");
        if (limit != node.capacities.end() && used[node.name] > limit->second)
            violated("node " + node.name + " carries more than its capacity");
    }
}

// Invariant 5: nobody is shot whom a majority of settled voters hears, and has heard for a while: who is heard
// again just now may be shot by a request that was right when it was made.
void world::check_may_fence(const machine& where, const std::string& target) {
    if (!where.daemon || where.daemon->log().active().empty()) return;
    const auto& state = where.daemon->state();
    auto known = state.nodes.find(state.find_node(target));
    if (known == state.nodes.end() || !known->second.fence_asked_by.empty()) return;
    // D5: its own silence says nothing about the others.
    if (where.links_told) return violated(where.name + " fences " + target + " while all its own links are set down");
    const auto& active = where.daemon->log().active();
    // R7: without a leader, a node that lost the store a set names is not that voter, and where no other fence breaks
    // the tie it is not spared.
    auto victim = machines_.find(target);
    bool another = victim != machines_.end() && std::any_of(active.begin(), active.end(), [&](const auto& item) {
                       const auto* member = item.set.find(known->first);
                       return member != nullptr && member->store != victim->second->store;
                   });
    if (another && !where.daemon->log().leader()) return count("mark_fence_other_store");
    const auto& voters = active.front().set.voters;
    auto limit = where.daemon->times().member_timeout;
    std::size_t hearing = 0;
    for (const auto& item : voters) {
        auto found = machines_.find(state.node_name(item.node));
        if (found == machines_.end()) continue;
        const auto& other = *found->second;
        bool there =
            other.daemon && other.daemon->settled() && now_ >= other.paused_until && now_ - other.last_turn <= limit;
        if (!there) continue;
        auto heard = other.hears.find(target);
        bool hears = heard != other.hears.end() && now_ - heard->second.last <= limit / 2 &&
                     now_ - heard->second.since >= 3 * limit;
        if (hears || other.name == target) ++hearing;
    }
    count("mark_fence_checked");
    if (2 * hearing > voters.size())
        violated("invariant 5: " + where.name + " fences " + target + ", which " + std::to_string(hearing) + " of " +
                 std::to_string(voters.size()) + " voters hear");
}

// Invariant 2: only by a committed decision for this life, under a valid lease.
void world::check_may_act(machine& where, const std::string& package, const std::string& what) {
    if (what == "halt_script" || what.ends_with(" stop")) return;
    const auto& daemon = *where.daemon;
    auto found = daemon.state().packages.find(package);
    bool decided = found != daemon.state().packages.end() && found->second.owner == daemon.self() &&
                   found->second.owner_boot.machine == where.machine_counter;
    // D2: of what it can't read it begins nothing; a service of what it took over from a newer daemon it keeps up.
    bool too_old = daemon.state().feature_level > where.feature_level;
    if (too_old && !what.starts_with("service:"))
        return violated("invariant 2: " + where.name + " runs " + what + " of " + package + " by a log it can't read");
    if (!decided && !too_old)
        return violated("invariant 2: " + where.name + " runs " + what + " of " + package + " without a decision");
    if (!daemon.lease_holds(clock(where).now))
        violated("invariant 2: " + where.name + " runs " + what + " of " + package + " without a lease");
}

namespace {

// What a package's configuration says is there of it; addresses of its script are not.
bool is_configured(const std::string& instance) {
    if (instance.find("/vg ") != std::string::npos || instance.find("/filesystem ") != std::string::npos) return true;
    return instance.find("/address 10.0.0.20") == std::string::npos && instance.find("/address") != std::string::npos;
}

}  // namespace

// What runs of the services with a command and what is there of addresses and storage, where the package runs; empty =
// exactly what its configuration says.
std::string world::astray(const std::string& package, const package_config& config) const {
    std::set<std::string> wanted;
    for (const auto& item : config.addresses) wanted.insert(package + "/address " + item.address);
    for (const auto& item : config.volume_groups) wanted.insert(package + "/vg " + item.name);
    for (const auto& item : config.filesystems) wanted.insert(package + "/filesystem " + item.directory);
    for (const auto& item : config.services)
        if (!item.by_script()) wanted.insert("service:" + item.name);
    std::set<std::string> there;
    for (const auto& [name, where] : machines_) {
        if (auto held = where->resources.find(package); held != where->resources.end())
            for (const auto& instance : held->second)
                if (is_configured(instance)) there.insert(instance);
        for (const auto& [request, item] : where->processes) {
            auto service =
                std::find_if(config.services.begin(), config.services.end(),
                             [&item = item](const auto& each) { return item.label == "service:" + each.name; });
            bool by_script = service != config.services.end() && service->by_script();
            if (item.package == package && item.service && !by_script) there.insert(item.label);
        }
    }
    std::string text;
    for (const auto& item : wanted)
        if (!there.contains(item)) text += " lacks " + item;
    for (const auto& item : there)
        if (!wanted.contains(item)) text += " still has " + item;
    return text;
}

}  // namespace mainstay::sim
