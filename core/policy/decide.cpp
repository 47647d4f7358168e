// What the leader writes next: node states, fences, package starts and halts, power.
#include "policy/decide.hpp"
#include "model/mutation.hpp"
#include "model/timing.hpp"

#include <algorithm>
#include <optional>

namespace mainstay::policy {

using cluster::node_status;
using cluster::package_phase;
using cluster::package_state;

namespace {

class decider {
public:
    decider(planner& with, const cluster::state& state, const view& seen)
        : planner_(with), state_(state), seen_(seen) {}

    outcome run() {
        for (const auto& [id, node] : state_.nodes) watch(id, node);
        // D5: nothing that rests on a broken proof is started in the same breath.
        if (proof_broken_) return std::move(out_);
        power();
        for (const auto& [id, node] : state_.nodes) fence(id, node);
        for (const auto& [name, pin] : state_.pins) end_pin(name, pin);
        if (brake()) return std::move(out_);
        place();  // in the order of the configuration, so that the start order is the administrator's
        return std::move(out_);
    }

private:
    template <class Body>
    void add(Body body) {
        out_.decisions.push_back(decision{std::move(body)});
    }
    void at(time_point when) { out_.look_again = std::min(out_.look_again, when); }

    static bool is_set(const std::map<node_id, bool>& flags, node_id node) {
        auto found = flags.find(node);
        return found != flags.end() && found->second;
    }
    static time_point when(const std::map<node_id, time_point>& times, node_id node, time_point other) {
        auto found = times.find(node);
        return found == times.end() ? other : found->second;
    }

    void watch(node_id id, const cluster::node_state& node) {
        if (falls_silent(id, node)) {
            add(cluster::node_lost{id, node.boot, "not heard for member_timeout"});
        } else if (node.status == node_status::lost && is_set(seen_.heard_again, id)) {
            add(cluster::node_back{id, node.boot});
        } else if (node.status == node_status::fenced && is_set(seen_.heard_dead, id)) {
            add(cluster::proof_broken{id, node.boot});
            proof_broken_ = true;
        }
    }

    [[nodiscard]] bool falls_silent(node_id id, const cluster::node_state& node) const {
        return node.status == node_status::up && is_set(seen_.silent, id);
    }

    [[nodiscard]] bool owns_something(node_id id, boot_id boot) const {
        return std::any_of(state_.packages.begin(), state_.packages.end(), [&](const auto& item) {
            return item.second.active() && item.second.owner == id && item.second.owner_boot.machine <= boot.machine;
        });
    }

    // D5: a lost node is fenced when a package waits for the proof, and one that is written down as lost just now in
    // the same breath: a round trip and a sync less until its packages run again. A node that a majority hears is
    // not shot; a request that failed is made again after its back-off.
    void fence(node_id id, const cluster::node_state& node) {
        bool asked = !node.fence_asked_by.empty() && node.status != node_status::fenced;
        if (!asked) {
            bool lost = node.status == node_status::lost || falls_silent(id, node);
            if (!lost || !owns_something(id, node.boot) || left_alone(id)) return;
            if (state_.config.cluster.fencing == cluster_config::fencing_mode::none || seen_.cut_off) return;
            if (is_set(seen_.heard_by_majority, id) || is_set(seen_.heard_again, id)) return;
            // No device could be asked, and none is needed: its watchdog is the proof.
            if (node.watchdog.count() > 0 && fence_levels(state_.config.cluster, node.name).empty()) return;
        }
        auto open = state_.fences.find(id);
        bool pending = open != state_.fences.end() && !open->second.done &&
                       open->second.request.boot.machine >= node.boot.machine && executor_lives(open->second.request);
        if (pending) return;
        auto due = when(seen_.fence_again, id, time_point::min());
        if (due > seen_.now) return at(due);
        if (!asked && !storm_allows()) return;
        auto executor = choose_executor(id);
        if (!executor) return;
        cluster::fence_request request;
        request.id = state_.fence_ids + 1 + fences_;
        ++fences_;
        request.node = id;
        request.boot = node.boot;
        request.executor = executor;
        request.executor_boot = state_.nodes.at(executor).boot;
        request.reason = asked ? "asked for by " + node.fence_asked_by : "lost while it runs packages";
        add(request);
    }

    // SG 7.4: neither its silence nor its lease says anything about what runs there.
    [[nodiscard]] bool left_alone(node_id id) const {
        return state_.is_detached(id) && !mutated(mutation::detached_by_lease);
    }

    // fence_limit: when much is shot in a short time, something else is wrong.
    bool storm_allows() {
        auto limit = state_.config.cluster.fence_limit;
        if (limit == 0) return true;
        auto span = state_.config.cluster.fence_limit_time.count();
        std::size_t count = fences_;
        std::int64_t oldest = seen_.wall.us;
        for (const auto& when : state_.fence_times) {
            if (seen_.wall.us - when.us > span) continue;
            ++count;
            oldest = std::min(oldest, when.us);
        }
        bool braked = state_.alarms.contains("fence_limit");
        if (count < limit) {
            if (braked) add(cluster::cluster_event{seen_.self, "", "fence_limit", "info", {}});
            return true;
        }
        at(seen_.now + duration{std::max<std::int64_t>(span - (seen_.wall.us - oldest), 1'000)});
        if (!braked) add(cluster::cluster_event{seen_.self, "", "fence_limit", "alarm", {}});
        return false;
    }

    [[nodiscard]] bool executor_lives(const cluster::fence_request& request) const {
        auto found = state_.nodes.find(request.executor);
        return found != state_.nodes.end() && found->second.status == node_status::up &&
               found->second.boot == request.executor_boot && !is_set(seen_.silent, request.executor) &&
               !state_.too_old(request.executor);
    }

    // The leader itself first; after each failed try the next living node, so that a device that
    // one node can't reach is asked from another.
    [[nodiscard]] node_id choose_executor(node_id target) const {
        std::vector<node_id> able;
        if (seen_.self != target && state_.nodes.contains(seen_.self)) able.push_back(seen_.self);
        for (const auto& [id, node] : state_.nodes)
            if (id != target && id != seen_.self && node.status == node_status::up && !is_set(seen_.silent, id) &&
                !state_.too_old(id))
                able.push_back(id);
        if (able.empty()) return {};
        auto tries = seen_.fence_tries.find(target);
        std::size_t turn = tries == seen_.fence_tries.end() ? 0 : tries->second;
        return able[turn % able.size()];
    }

    void place() {
        auto made = planner_.look(state_);
        plan_ = &made;
        auto used = made.used_now();
        used_now_ = &used;
        find_leaving(made);
        for (const auto& item : made.all()) {
            if (item.now->maintained && item.now->maintained->until) end_maintenance(item);
            switch (item.now->phase) {
                case package_phase::down:
                    start(item);
                    break;
                case package_phase::starting:
                case package_phase::running:
                    stay_or_go(item);
                    break;
                default:
                    assume(item.name(), *item.now);
                    break;
            }
        }
        plan_ = nullptr;
        used_now_ = nullptr;
    }

    // Who has to halt, and who has to because of that, and so on.
    void find_leaving(plan& made) {
        bool more = true;
        while (more) {
            more = false;
            for (std::size_t i = 0; i < made.all().size(); ++i) {
                const auto& item = made.all()[i];
                if (!item.here || item.leaving) continue;
                auto reason = why_halt(item);
                if (reason.empty()) continue;
                leaving_[item.name()] = std::move(reason);
                made.mark_leaving(i);
                more = true;
            }
        }
    }

    // --until has passed. What can't leave maintenance stays in it, and an alarm says why.
    void end_maintenance(const subject& item) {
        auto left = duration{item.now->maintained->until->us - seen_.wall.us};
        if (left.count() > 0) return at(seen_.now + left);
        if (item.now->phase == package_phase::starting || item.now->phase == package_phase::halting) return;
        auto wrong = state_.against_leaving_maintenance(item.name());
        if (wrong.empty()) return add(cluster::package_maintenance{item.name(), "", false, "its time is over", {}});
        if (!state_.alarms.contains(item.name() + " maintenance_overdue"))
            add(cluster::cluster_event{seen_.self, item.name(), "maintenance_overdue", "alarm", {{"why", wrong}}});
    }

    void end_pin(const std::string& package, const cluster::pin& item) {
        if (!item.until) return;
        auto left = duration{item.until->us - seen_.wall.us};
        if (left.count() > 0) return at(seen_.now + left);
        add(cluster::package_pin{package, "", "its time is over", item.until});
    }

    // Proof (3): the lease and the armed watchdog have surely run out. With `fencing none` and no watchdog
    // nothing is proven; the node counts as gone all the same.
    void assume(const std::string& name, const package_state& item) {
        auto owner = state_.nodes.find(item.owner);
        if (owner == state_.nodes.end() || owner->second.status != node_status::lost) return;
        if (left_alone(item.owner)) return;
        if (mutated(mutation::start_elsewhere_at_once)) return gone(name, item, "at once");
        bool watched = owner->second.watchdog.count() > 0;
        if (!watched && state_.config.cluster.fencing != cluster_config::fencing_mode::none) return;
        // What its own halt could not end no lease ends: its node may have left with it.
        if (!watched && item.phase == package_phase::halt_failed) return;
        auto due = when(seen_.lost_for_sure, item.owner, never);
        if (due > seen_.now) return at(due);
        gone(name, item,
             watched ? "its lease and its watchdog have run out"
                     : "ASSUMED: fencing none, lease and halt timeout have passed");
    }

    void gone(const std::string& name, const package_state& item, std::string why) {
        cluster::package_report told;
        told.package = name;
        told.generation = item.generation;
        told.node = item.owner;
        told.what = cluster::report::lease_ended;
        told.detail = std::move(why);
        add(told);
    }

    // failover_limit: what fails again and again is left down until it has been seen to, or time has passed. That is on
    // record before anything is planned, so that nothing gives way to what does not start.
    bool brake() {
        bool changes = false;
        for (const auto& config : state_.config.packages) {
            if (config.failover_limit == 0) continue;  // most have none: they are not even looked up
            auto item = state_.packages.find(config.name);
            if (item == state_.packages.end() || !wanted(state_, item->second)) continue;
            auto until = state_.failover_waits_until(config, item->second);
            if (!until) continue;
            auto left = duration{until->us - seen_.wall.us};
            if (left.count() > 0) at(seen_.now + left);
            bool holds = left.count() > 0;
            if (holds == state_.alarms.contains(config.name + " failover_limit")) continue;
            add(cluster::cluster_event{seen_.self,
                                       config.name,
                                       "failover_limit",
                                       holds ? "alarm" : "info",
                                       {{"why", holds ? "it stays down" : "its time is over"}}});
            changes = true;
        }
        return changes;
    }

    // Planned there, and everything around it is as the plan wants it already.
    void start(const subject& item) {
        if (!item.where || is_set(seen_.silent, item.where)) return;
        // Nodes tell right after they joined: the first to tell is not the first of the list.
        if (item.waits_for && !is_set(seen_.silent, item.waits_for)) return;
        for (const auto& link : item.of->needs)
            if (!plan_->met_now(link, item.where)) return;
        if (!plan_->in_the_way_now(item, item.where).empty()) return;
        if (used_now_->too_heavy(item.where, *item.of)) return;
        used_now_->add(item.where, *item.of);
        cluster::package_start begin;
        begin.package = item.name();
        begin.generation = generation{item.now->generation.value + 1};
        begin.node = item.where;
        begin.boot = state_.nodes.at(item.where).boot;
        begin.proof = item.now->proof;
        begin.reason = plan_->reason(item);
        add(begin);
    }

    void stay_or_go(const subject& item) {
        if (!item.here) return assume(item.name(), *item.now);  // its node is lost
        if (item.leaving) {
            if (!waits_for_dependents(item))
                add(cluster::package_halt{item.name(), item.now->generation, leaving_.at(item.name())});
            return;
        }
        bool wish = item.now->target || item.now->avoid || item.now->target_any;
        if (wish && item.now->phase == package_phase::running && item.where == item.now->owner)
            add(cluster::package_wish_over{item.name(), item.refused == 0
                                                            ? "it is where it should be"
                                                            : plan_->text_of(plan_->refused(item).front())});
    }

    [[nodiscard]] std::string why_halt(const subject& item) {
        const auto& now = *item.now;
        if (item.goes) return why_leave(state_, now);
        if (now.maintained || state_.is_detached(now.owner)) return {};
        bool moves = now.phase == package_phase::running && item.where != now.owner;
        if (moves && item.where && now.target == item.where)
            return "move to " + state_.node_name(item.where) + " by " + now.asked_by;
        if (moves && item.where && now.avoid == now.owner) return "move by " + now.asked_by;
        if (moves && item.where && by_itself(item)) return moving(item);
        for (const auto& link : item.of->needs)
            if (!plan_->met_now(link, now.owner) && !met_until_proof(link, now.owner))
                return "needs " + link.package + what_of(link, now.owner);
        // It makes room for a package of a lost node only when that may start.
        if (!moves || stays_until_proof(item)) return {};
        return item.where ? moving(item) : plan_->reason(item);
    }

    [[nodiscard]] bool met_until_proof(const need& link, node_id node) {
        return std::any_of(link.targets.begin(), link.targets.end(), [&](std::size_t target) {
            const auto& other = plan_->all()[target];
            if (other.now->phase != package_phase::running || !other.here || other.leaving || other.goes) return false;
            return at_place(link.location, other.now->owner, node) && stays_until_proof(other);
        });
    }

    [[nodiscard]] std::string moving(const subject& item) const {
        return "goes to " + state_.node_name(item.where) + ": " + plan_->reason(item);
    }

    // Nothing that happens to others moves it.
    static bool by_itself(const subject& item) {
        return item.why == subject::choice::back_to_first || item.why == subject::choice::asked_for;
    }

    // Why what was needed there is not there any more.
    [[nodiscard]] std::string what_of(const need& link, node_id node) const {
        for (auto target : link.targets) {
            const auto& other = plan_->all()[target];
            if (!other.here || !at_place(link.location, other.now->owner, node)) continue;
            auto leaves = leaving_.find(other.name());
            auto why = leaves != leaving_.end()                              ? leaves->second
                       : other.goes                                          ? why_leave(state_, *other.now)
                       : by_itself(other) && other.where != other.now->owner ? moving(other)
                                                                             : std::string();
            if (!why.empty()) return ", which leaves: " + why;
        }
        return ", which is not up any more";
    }

    [[nodiscard]] bool stays_until_proof(const subject& item) {
        if (!plan_->any_unproven()) return false;
        if (!before_proof_) before_proof_ = plan_->without_unproven();
        return before_proof_->find(item.name())->where == item.now->owner;
    }

    // SG 5.9: what needs it halts first, for at most successor_halt_timeout. A halt that failed, or a
    // dependent on a lost node, is not waited for.
    bool waits_for_dependents(const subject& item) {
        bool waits = false;
        for (auto index : item.of->dependents) {
            const auto& other = plan_->all()[index];
            if (!other.now->active() || other.now->phase == package_phase::halt_failed) continue;
            if (!plan_->alive(other.now->owner)) continue;
            if (state_.is_detached(other.now->owner)) continue;  // SG 7.4: it does not halt
            const auto& needs = other.of->needs;
            bool relies = std::any_of(needs.begin(), needs.end(), [&](const need& link) {
                return link.package == item.config->name &&
                       at_place(link.location, item.now->owner, other.now->owner) &&
                       !plan_->met_now(link, other.now->owner, &item);
            });
            if (!relies) continue;
            if (const auto& patience = item.config->successor_halt_timeout) {
                if (patience->count() == 0) continue;
                auto since = leaves_since(item, other);
                auto passed = duration{since ? seen_.wall.us - since->us : 0};
                if (passed >= *patience) continue;
                if (since) at(seen_.now + (*patience - passed));
            }
            waits = true;
        }
        return waits;
    }

    // When it was to leave: as far as that is on record, else since the first of those that need `dependent`, and those
    // that need them, has been halting.
    [[nodiscard]] std::optional<wall_time> leaves_since(const subject& item, const subject& dependent) const {
        auto owner = state_.nodes.find(item.now->owner);
        if (item.now->failing) return item.now->phase_by.when;
        if (state_.halted) return state_.halted_by.when;
        if (owner != state_.nodes.end() && owner->second.halted) return owner->second.halted_by.when;
        return halting_since(dependent);
    }

    [[nodiscard]] std::optional<wall_time> halting_since(const subject& item) const {
        if (item.now->phase == package_phase::halting) return item.now->phase_by.when;
        std::optional<wall_time> first;
        for (auto index : item.of->dependents) {
            auto found = halting_since(plan_->all()[index]);
            if (found && (!first || found->us < first->us)) first = found;
        }
        return first;
    }

    // on_battery_after: the nodes fed by a source that has been on battery so long (or whose battery
    // is low) give their packages away; mains takes back what has not begun and lets them run again.
    void power() {
        for (const auto& source : state_.config.cluster.event_sources) {
            if (!source.on_battery_after) continue;
            auto found = state_.power.find(source.name);
            bool away = false;
            if (found != state_.power.end() && found->second.on_battery) {
                auto passed = duration{seen_.wall.us - found->second.since.us};
                away = found->second.low || passed >= *source.on_battery_after;
                if (!away) at(seen_.now + (*source.on_battery_after - passed));
            }
            for (const auto& config : state_.config.cluster.nodes) {
                if (config.power_source != source.name) continue;
                auto id = state_.find_node(config.name);
                auto node = state_.nodes.find(id);
                if (node == state_.nodes.end() || node->second.power_away == away) continue;
                add(cluster::power_action{id, away, source.name + (away ? " on battery" : " on mains")});
            }
        }
    }

    planner& planner_;
    const cluster::state& state_;
    const view& seen_;
    const plan* plan_ = nullptr;
    std::optional<plan> before_proof_;            // made when it is asked for
    std::map<std::string, std::string> leaving_;  // reasons, by name
    load* used_now_ = nullptr;
    outcome out_;
    std::uint64_t fences_ = 0;
    bool proof_broken_ = false;
};

}  // namespace

bool view::same_but_later(const view& other) const {
    return self == other.self && silent == other.silent && heard_again == other.heard_again &&
           lost_for_sure == other.lost_for_sure && heard_dead == other.heard_dead && fence_again == other.fence_again &&
           fence_tries == other.fence_tries && heard_by_majority == other.heard_by_majority && cut_off == other.cut_off;
}

outcome decide(const cluster::state& state, const view& seen) {
    planner fresh;
    return decide(fresh, state, seen);
}

outcome decide(planner& with, const cluster::state& state, const view& seen) {
    return decider(with, state, seen).run();
}

}  // namespace mainstay::policy
