// What the leader writes next: node states, fences, package starts and halts, power.
#include "policy/decide.hpp"
#include "model/mutation.hpp"

#include <algorithm>

namespace mainstay::policy {

using cluster::node_status;
using cluster::package_phase;
using cluster::package_state;

namespace {

class decider {
public:
    decider(const cluster::state& state, const view& seen) : state_(state), seen_(seen) {}

    outcome run() {
        for (const auto& [id, node] : state_.nodes) watch(id, node);
        power();
        for (const auto& [id, node] : state_.nodes) fence(id, node);
        // Configuration order, so that the start order is the administrator's.
        for (const auto& config : state_.config.packages) {
            auto found = state_.packages.find(config.name);
            if (found != state_.packages.end()) place(config.name, found->second);
        }
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
        if (node.status == node_status::up && is_set(seen_.silent, id)) {
            add(cluster::node_lost{id, node.boot, "not heard for member_timeout"});
        } else if (node.status == node_status::lost && is_set(seen_.heard_again, id)) {
            add(cluster::node_back{id, node.boot});
        } else if (node.status == node_status::fenced && is_set(seen_.heard_dead, id)) {
            add(cluster::proof_broken{id, node.boot});
        }
    }

    [[nodiscard]] bool owns_something(node_id id, boot_id boot) const {
        return std::any_of(state_.packages.begin(), state_.packages.end(), [&](const auto& item) {
            return item.second.active() && item.second.owner == id && item.second.owner_boot.machine <= boot.machine;
        });
    }

    // D5: a lost node is fenced when a package waits for the proof. A node that a majority hears is
    // not shot; a request that failed is made again after its back-off.
    void fence(node_id id, const cluster::node_state& node) {
        bool asked = !node.fence_asked_by.empty() && node.status != node_status::fenced;
        if (!asked) {
            if (node.status != node_status::lost || !owns_something(id, node.boot)) return;
            if (state_.config.cluster.fencing == cluster_config::fencing_mode::none) return;
            if (is_set(seen_.heard_by_majority, id) || is_set(seen_.heard_again, id)) return;
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
               found->second.boot == request.executor_boot && !is_set(seen_.silent, request.executor);
    }

    // The leader itself first; after each failed try the next living node, so that a device that
    // one node can't reach is asked from another.
    [[nodiscard]] node_id choose_executor(node_id target) const {
        std::vector<node_id> able;
        if (seen_.self != target) able.push_back(seen_.self);
        for (const auto& [id, node] : state_.nodes)
            if (id != target && id != seen_.self && node.status == node_status::up && !is_set(seen_.silent, id))
                able.push_back(id);
        if (able.empty()) return {};
        auto tries = seen_.fence_tries.find(target);
        std::size_t turn = tries == seen_.fence_tries.end() ? 0 : tries->second;
        return able[turn % able.size()];
    }

    void place(const std::string& name, const package_state& item) {
        switch (item.phase) {
            case package_phase::down:
                start(name, item);
                break;
            case package_phase::starting:
            case package_phase::running:
                stay_or_go(name, item);
                break;
            default:
                assume(name, item);
                break;
        }
    }

    // Proof (3): the lease and the armed watchdog have surely run out. With `fencing none` and no watchdog
    // nothing is proven; the node counts as gone all the same.
    void assume(const std::string& name, const package_state& item) {
        auto owner = state_.nodes.find(item.owner);
        if (owner == state_.nodes.end() || owner->second.status != node_status::lost) return;
        bool watched = owner->second.watchdog.count() > 0;
        if (mutated(mutation::start_elsewhere_at_once)) watched = true;
        if (!watched && state_.config.cluster.fencing != cluster_config::fencing_mode::none) return;
        auto due = when(seen_.lost_for_sure, item.owner, never);
        if (mutated(mutation::start_elsewhere_at_once)) due = seen_.now;
        if (due > seen_.now) return at(due);
        cluster::package_report gone;
        gone.package = name;
        gone.generation = item.generation;
        gone.node = item.owner;
        gone.what = cluster::report::lease_ended;
        gone.detail = watched ? "its lease and its watchdog have run out"
                              : "ASSUMED: fencing none, lease and halt timeout have passed";
        add(gone);
    }

    void start(const std::string& name, const package_state& item) {
        if (state_.halted) return;
        if (!item.switching && !item.target && !item.target_any) return;
        auto where = choose(state_, name);
        if (!where.node || is_set(seen_.silent, where.node)) return;
        cluster::package_start begin;
        begin.package = name;
        begin.generation = generation{item.generation.value + 1};
        begin.node = where.node;
        begin.boot = state_.nodes.at(where.node).boot;
        begin.proof = item.proof;
        begin.reason = where.reason;
        add(begin);
    }

    void stay_or_go(const std::string& name, const package_state& item) {
        auto owner = state_.nodes.find(item.owner);
        bool lost = owner == state_.nodes.end() || owner->second.status != node_status::up;
        if (lost) return assume(name, item);
        auto reason = why_halt(name, item, owner->second);
        if (!reason.empty()) add(cluster::package_halt{name, item.generation, reason});
    }

    [[nodiscard]] std::string why_halt(const std::string& name, const package_state& item,
                                       const cluster::node_state& owner) const {
        if (state_.halted) return "cluster halt by " + state_.halted_by.actor;
        if (owner.halted) return "node halt by " + owner.halted_by.actor;
        if (owner.power_away) return "node " + owner.name + " is on battery";
        if (!item.stop_asked_by.empty()) return "package halt by " + item.stop_asked_by;
        if (item.phase != package_phase::running) return {};
        if (item.target && item.target != item.owner && judge(state_, name, item.target).eligible)
            return "move to " + state_.node_name(item.target) + " by " + item.asked_by;
        if (item.avoid == item.owner && item.avoid && choose(state_, name).node != item.owner)
            return "move by " + item.asked_by;
        return {};
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

    const cluster::state& state_;
    const view& seen_;
    outcome out_;
    std::uint64_t fences_ = 0;
};

}  // namespace

outcome decide(const cluster::state& state, const view& seen) { return decider(state, seen).run(); }

}  // namespace mainstay::policy
