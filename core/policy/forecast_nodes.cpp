// What nodes, devices and voters do in a forecast.
#include <algorithm>

#include "cluster/configuration.hpp"
#include "cluster/fail_fast.hpp"
#include "consensus/voters.hpp"
#include "policy/forecaster.hpp"

namespace mainstay::policy {

using cluster::node_status;
using cluster::package_phase;
using cluster::report;

bool forecaster::alive(node_id node) const {
    auto found = state_.nodes.find(node);
    return found != state_.nodes.end() && found->second.status == node_status::up && !dead_.contains(node);
}

bool forecaster::serves(const cluster::package_state& item) const {
    bool there = alive(item.owner) || (state_.is_detached(item.owner) && !dead_.contains(item.owner)) ||
                 cut_off_.contains(item.owner);
    return item.phase == package_phase::running && !item.failing && there && (!stopped_ || !alive(item.owner));
}

void forecaster::nodes_act() {
    while (report_lacks()) continue;
    attach();
    for (const auto& [name, item] : state_.packages) work(name, item);
    fences();
}

// SG 7.4: who was asked to, and is there, says so.
void forecaster::attach() {
    auto all = state_.detached;
    for (const auto& [id, item] : all) {
        bool asked = !item.attach_asked_by.empty();
        if (!alive(id) || (item.let_go && !asked)) continue;
        say(cluster::detachment_report{id, state_.nodes.at(id).boot, item.since, asked}, state_.node_name(id));
    }
}

// SG 3.5, 3.7: the node that runs it says that something it relies on is gone. One at a time.
bool forecaster::report_lacks() {
    for (const auto& [name, item] : state_.packages) {
        bool known = item.failing || item.maintained || !item.stop_asked_by.empty();
        known = known || state_.is_detached(item.owner);
        if (item.phase != package_phase::running || known || !alive(item.owner)) continue;
        const auto& config = *state_.find_package(name);
        auto missing = state_.lacks(config, item.owner);
        if (missing.empty()) continue;
        auto owner = item.owner;
        if (config.node_fail_fast) {
            die(owner, "node_fail_fast_enabled: " + missing.front().text);
        } else {
            says(std::string(name), missing.front().what, missing.front().text);
        }
        return true;
    }
    return false;
}

// Begins what the log wants of a node and what it has not begun yet.
void forecaster::work(const std::string& name, const cluster::package_state& item) {
    if (!alive(item.owner)) return;
    const auto& config = *state_.find_package(name);
    pending next{pending::kind::start_done, {}, item.owner, name, item.generation, 0};
    if (item.phase == package_phase::starting) {
        auto missing = state_.lacks(config, item.owner);
        bool awaits = !item.maintained && std::any_of(missing.begin(), missing.end(), [](const auto& lack) {
            return lack.what == report::during_resource_down;
        });
        if (!awaits) {
            if (!begun_.emplace(name, item.generation, item.phase).second) return;
            next.when = later(item.start_took, "start " + name);
        } else {
            if (!config.run_script_timeout) return;
            // Looked at again when it is over; not the end of the start.
            if (!begun_.emplace(name, item.generation, package_phase::down).second) return;
            next.what = pending::kind::start_timeout;
            next.when = later(*config.run_script_timeout);
        }
    } else if (item.phase == package_phase::halting) {
        if (!begun_.emplace(name, item.generation, item.phase).second) return;
        next.what = pending::kind::halt_done;
        next.when = later(item.halt_took, "halt " + name);
    } else {
        return;
    }
    schedule(std::move(next));
}

void forecaster::fences() {
    for (const auto& [target, fence] : state_.fences) {
        if (fence.done || !alive(fence.request.executor) || !fences_begun_.insert(fence.request.id).second) continue;
        pending next{pending::kind::fence_done, {}, target, {}, {}, fence.request.id};
        next.when = later("fence " + state_.node_name(target));
        schedule(std::move(next));
    }
}

void forecaster::says(const std::string& name, report what, std::string detail) {
    const auto& item = state_.packages.at(name);
    auto owner = item.owner;
    say(cluster::package_report{name, item.generation, owner, what, std::move(detail)}, state_.node_name(owner));
}

void forecaster::happens(const pending& item) {
    if (item.what == pending::kind::node_silent) return silent(item.node);
    if (item.what == pending::kind::lease_over) {
        if (cut_off_.erase(item.node) > 0)
            tell("the lease of node " + state_.node_name(item.node) + " ends: it halts what it runs, or resets itself",
                 "lease_ended", "alarm", item.node);
        return;
    }
    if (item.what == pending::kind::fence_done) {
        auto fence = state_.fences.find(item.node);
        bool open = fence != state_.fences.end() && fence->second.request.id == item.fence && !fence->second.done;
        if (!open || !alive(fence->second.request.executor)) return;
        auto levels = fence_levels(state_.config.cluster, state_.node_name(item.node));
        auto executor = state_.node_name(fence->second.request.executor);
        if (levels.empty()) {
            seen_.fence_again[item.node] = never;
            say(cluster::fence_result{item.fence, cluster::fence_outcome::failed, "",
                                      "no stonith device covers this node"},
                executor);
            return;
        }
        std::string devices;
        for (const auto* device : levels.front()) devices += (devices.empty() ? "" : ", ") + device->name;
        bool was_alive = alive(item.node);
        dead_.insert(item.node);
        cut_off_.erase(item.node);
        say(cluster::fence_result{item.fence, cluster::fence_outcome::off_confirmed, devices, ""}, executor);
        if (was_alive) recount();
        return;
    }
    work_ends(item);
}

void forecaster::work_ends(const pending& item) {
    auto found = state_.packages.find(item.package);
    if (found == state_.packages.end() || found->second.generation != item.number || !alive(item.node)) return;
    bool starting = found->second.phase == package_phase::starting;
    // What took no time here only because nobody knows how long it takes is no record of it.
    auto start_took = found->second.start_took;
    auto halt_took = found->second.halt_took;
    if (item.what == pending::kind::halt_done) {
        if (found->second.phase == package_phase::halting) ends(item.package, report::halted);
    } else if (item.what == pending::kind::start_done) {
        if (starting) ends(item.package, report::running);
    } else if (starting && !begun_.contains({item.package, item.number, package_phase::starting})) {
        auto missing = state_.lacks(*state_.find_package(item.package), item.node);
        says(item.package, report::start_timeout, missing.empty() ? std::string() : missing.front().text);
    }
    found->second.start_took = start_took;
    found->second.halt_took = halt_took;
}

// As it should, or as script_ends wants it.
void forecaster::ends(const std::string& package, report as_it_should) {
    auto wanted = script_ends_.extract({package, as_it_should == report::running});
    if (wanted.empty()) return says(package, as_it_should, "");
    auto how = wanted.mapped();
    const auto& config = *state_.find_package(package);
    auto owner = state_.packages.at(package).owner;
    auto detail = "simulated: " + std::string(to_string(how));
    if (cluster::resets_node(config, state_.packages.at(package).maintained.has_value(), how))
        return die(owner, "node_fail_fast_enabled: " + detail);
    says(package, how, detail);
}

// ---- who is heard, votes and leads -----------------------------------------------------------------

void forecaster::set_lost_for_sure(node_id node, time_point acknowledged) {
    auto wait = lease_proof_of(state_.longest(times_), state_.nodes.at(node).watchdog).total();
    seen_.lost_for_sure[node] = acknowledged + wait + wait / 100;
}

void forecaster::silent(node_id node) {
    if (!dead_.contains(node)) return;
    seen_.silent[node] = true;
    recount();
}

void forecaster::recount() {
    if (stopped_) return;
    std::vector<consensus::voter> here;
    for (const auto& item : voters_.voters)
        if (alive(item.node)) here.push_back(item);
    auto all = voters_.voters.size();
    if (2 * here.size() < all || here.empty()) return no_quorum(here.size());
    if (2 * here.size() == all) {
        if (!break_tie(here)) return no_quorum(here.size());
        voters_.voters = std::move(here);
    } else if (!alive(seen_.self)) {
        to(later("election"));
        lead(here.front().node);
    }
    tend_voters();
}

void forecaster::tend_voters() {
    constexpr int changes_max = 20;
    if (stopped_ || !alive(seen_.self)) return;
    consensus::voter_wish wish;
    wish.kind = cluster::kind_of(times_.tie_break);
    wish.leader = seen_.self;
    wish.tie_works = tie_works(wish.kind);
    wish.arbitrator = voters_.arbitrator ? voters_.arbitrator : store_id{1};
    for (const auto& [id, item] : state_.nodes)
        wish.members.push_back({{id, item.store}, alive(id), alive(id), state_.gives_vote_up(id) && id != seen_.self});
    for (int i = 0; i < changes_max; ++i) {
        auto next = consensus::next_voters(voters_, wish);
        if (!next) return;
        voters_ = std::move(*next);
    }
}

bool forecaster::tie_works(consensus::tie_break kind) const {
    if (kind == consensus::tie_break::proof) return true;
    const auto& list = state_.config.cluster.arbitrators;
    return kind == consensus::tie_break::arbitrator && std::any_of(list.begin(), list.end(), [this](const auto& item) {
               return !state_.alarms.contains(item.name + " arbitrator_lost");
           });
}

// The fence that breaks a tie is the proof for the node's packages as well (R3).
bool forecaster::break_tie(const std::vector<consensus::voter>& here) {
    if (!tie_works(voters_.kind)) return false;
    auto leader = alive(seen_.self) ? seen_.self : here.front().node;
    // SG 7.4: who is detached shoots nobody, and nobody shoots it.
    if (voters_.kind == consensus::tie_break::proof && state_.is_detached(leader)) return false;
    if (voters_.kind == consensus::tie_break::arbitrator) {
        to(later("tie-break by the arbitrator"));
        tell(state_.node_name(leader) + " is granted the decision by the arbitrator", "tie_broken", "alarm", leader);
        lead(leader);
        return true;
    }
    for (const auto& item : voters_.voters) {
        auto levels = fence_levels(state_.config.cluster, state_.node_name(item.node));
        bool spared = levels.empty() || state_.is_detached(item.node);
        if (alive(item.node) || spared || !state_.nodes.contains(item.node)) continue;
        to(later("fence " + state_.node_name(item.node)));
        consensus::voter_set set;
        set.version = ++voters_.version;
        set.voters = here;
        set.kind = voters_.kind;
        set.proof =
            consensus::death_proof{item.node, state_.nodes.at(item.node).boot, levels.front().front()->name, ""};
        set.when = seen_.wall;
        lead(leader);
        write(std::move(set));
        return true;
    }
    return false;
}

void forecaster::lead(node_id node) { seen_.self = node; }

// D6: what runs has ended when the leases have.
void forecaster::no_quorum(std::size_t here) {
    out_.stopped =
        "no quorum: " + std::to_string(here) + " of " + std::to_string(voters_.voters.size()) + " voters are left";
    if (2 * here == voters_.voters.size() && here > 0) out_.stopped += ", and nothing breaks the tie";
    tell(out_.stopped, "no_quorum", "alarm");
    bool halts = state_.config.cluster.on_quorum_loss == cluster_config::quorum_loss::halt;
    to({times_.lease, {}});
    stopped_ = true;
    tell(std::string("the leases end: what still runs is ") + (halts ? "halted" : "ended by a reset of its node"),
         "lease_ended", "alarm");
    queue_.clear();
}

}  // namespace mainstay::policy
