#include "sim/seed.hpp"

#include <algorithm>

#include "cluster/configuration.hpp"
#include "model/print.hpp"
#include "policy/decide.hpp"

namespace mainstay::sim {

namespace {

std::string nodes_text(dice& random, const std::vector<std::string>& names) {
    static const std::vector<std::string> timeouts{"400ms", "1s", "1s", "2s"};
    std::string text = "cluster_name sim\nmember_timeout " + random.pick(timeouts) + "\n";
    if (random.chance(0.3)) text += "on_quorum_loss halt\nlease_halt_timeout 5s\n";
    // Two nodes without a tie-break are refused; so is proof without fencing.
    if (random.chance(0.15) && names.size() % 2 == 1) {
        text += "fencing none\n";
    } else if (random.chance(0.5)) {
        text += "tie_break proof\n";
    } else if (random.chance(0.5)) {
        text += "tie_break arbitrator\n";
    }
    if (random.chance(0.1)) text += "fence_limit 3\nfence_limit_time 60s\n";
    if (random.chance(0.3)) text += "fence_action off\n";
    bool limited = random.chance(0.3);
    std::size_t i = 1;
    for (const auto& name : names)
        text += "node_name " + name + "\n network_interface eth0\n heartbeat_ip 10.0.0." + std::to_string(i++) +
                "/24\n" + (limited ? " capacity_name cpu\n capacity_value 3\n" : "") +
                (random.chance(0.5) ? " power_source ups\n" : "");
    text += "event_name ups\n event_plugin event-ups-nut\n on_battery_after 3s\n";
    text += "notifier_name mail\n notifier_plugin notify-exec\n notifier_event node_lost node_fenced\n";
    if (text.find("tie_break arbitrator") != std::string::npos)
        for (std::uint64_t count = 1 + random.below(2), n = 1; n <= count; ++n)
            text += "arbitrator_name a" + std::to_string(n) + "\n arbitrator_plugin arbitrator-server\n";
    text += "stonith_name power\n stonith_plugin stonith-exec\n stonith_timeout 10s\n";
    return text;
}

// What a package wants of others: a dependency on an earlier one, some weight, another policy.
std::string wishes_text(dice& random, std::size_t index, bool& failover, bool& least) {
    std::string text;
    if (random.chance(0.15)) {
        failover = false;
        text += "package_type multi_node\n";
    }
    static const std::vector<std::string> places{"same_node", "same_node", "any_node", "different_node"};
    bool same = true;
    if (index > 1 && failover && random.chance(0.5)) {
        auto other = "p" + std::to_string(1 + random.below(index - 1));
        auto place = random.pick(places);
        same = place == "same_node";
        text += "dependency_name need\n dependency_condition " + other + " = UP\n dependency_location " + place + "\n";
    } else if (failover && random.chance(0.2)) {
        least = true;
        text += "failover_policy min_package_node\n";
    }
    if (failover && !least && same && random.chance(0.4)) text += "priority " + std::to_string(100 - index) + "\n";
    if (failover && random.chance(0.3)) text += "failback_policy automatic\n";
    if (random.chance(0.3)) text += "successor_halt_timeout " + std::to_string(random.below(4)) + "\n";
    if (random.chance(0.5)) text += "weight_name cpu\nweight_value " + std::to_string(1 + random.below(2)) + "\n";
    return text;
}

std::string package_text(dice& random, const std::vector<std::string>& names, std::size_t index, bool exclusive) {
    auto name = "p" + std::to_string(index);
    std::string text = "package_name " + name + "\n";
    bool failover = true;
    bool least = false;
    if (exclusive) {
        // The first two exclude each other.
        text += "priority " + std::to_string(index) + "\ndependency_name not\n dependency_condition p" +
                std::to_string(3 - index) + " = DOWN\n";
    } else {
        text += wishes_text(random, index, failover, least);
    }
    auto order = names;
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (const auto& node : order) text += "node_name " + node + "\n";
    if (failover && random.chance(0.8))
        text += "ip_subnet 10.0.0.0/24\n ip_address 10.0.0." + std::to_string(100 + index) + "\n";
    if (random.chance(0.5))
        text += "resource_name r\n resource_plugin init-script\n resource_param script /etc/init.d/x\n";
    if (random.chance(0.5)) {
        text += "run_script /p/run\nhalt_script /p/halt\n";
        if (random.chance(0.6)) text += "run_script_timeout 10\nhalt_script_timeout 12\n";
    }
    static const std::vector<std::string> restarts{"none", "2", "unlimited"};
    text += "service_name " + name + "_s\n service_cmd /p/serve\n service_restart " + random.pick(restarts) + "\n";
    text += " service_halt_timeout 2\n";
    return text;
}

class driver {
public:
    driver(std::uint64_t seed, const std::function<void(const std::string&)>& trace) : random_(seed ^ 0x5eedULL) {
        static const std::vector<std::size_t> sizes{1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8, 9};
        auto size = random_.pick(sizes);
        for (std::size_t i = 1; i <= size; ++i) names_.push_back("n" + std::to_string(i));
        text_ = nodes_text(random_, names_);
        packages_ = 1 + random_.below(4);
        bool exclusive = packages_ > 1 && random_.chance(0.2);
        for (std::size_t i = 1; i <= packages_; ++i) text_ += package_text(random_, names_, i, exclusive && i <= 2);
        world_ = std::make_unique<world>(seed, names_, text_);
        world_->trace = trace;
        if (trace) trace(text_);
        world_->save_every = random_.chance(0.2) ? 97 : 0;
        result_.seed = seed;
    }

    seed_result run() {
        if (form()) {
            weather();
            storm();
            if (world_->violation().empty()) heal();
        }
        result_.violation = world_->violation();
        result_.nodes = names_.size();
        result_.packages = packages_;
        result_.simulated_seconds = static_cast<double>(world_->now().count()) / 1e6;
        result_.steps = world_->steps();
        result_.happened = world_->happened();
        return result_;
    }

private:
    bool form() {
        auto parsed = cluster::parse_canonical(text_);
        if (!parsed) {
            world_->violated("the generated configuration: " + parsed.error().message);
            return false;
        }
        for (const auto& name : names_) world_->power_on(name);
        world_->run_until(duration{4'000'000});
        auto id = world_->admin(names_.front(), node::form_cluster{print_configuration(*parsed)});
        world_->run_until(duration{8'000'000});
        auto answer = world_->answer(id);
        if (!answer || answer->result != node::admin_result::done) {
            world_->violated("the cluster did not form: " + (answer ? answer->text : "no answer"));
            return false;
        }
        return true;
    }

    // Each kind of fault is enabled per run with its own chance, so that runs differ in character.
    void weather() {
        auto& now = world_->conditions();
        auto maybe = [this](double chance, double strength) { return random_.chance(chance) ? strength : 0.0; };
        now.loss = maybe(0.4, 0.05);
        if (random_.chance(0.1)) now.loss = 0.2;
        now.duplicate = maybe(0.4, 0.05);
        now.delay_spike = maybe(0.4, 0.03);
        now.spike_max = random_.chance(0.3) ? duration{4'000'000} : duration{400'000};
        now.fence_late = maybe(0.3, 0.4);
        now.crash_in_sync = maybe(0.4, 0.002);
        now.sync_slow = maybe(0.3, 0.03);
        now.sync_slow_max = duration{1'500'000};
        now.script_fail = maybe(0.3, 0.05);
        now.script_hang = maybe(0.2, 0.05);
        now.resource_fail = maybe(0.3, 0.03);
        now.resource_hang = maybe(0.2, 0.02);
        now.service_death = maybe(0.5, 0.5);
        now.fence_fail = maybe(0.3, 0.3);
        now.fence_unknown = maybe(0.3, 0.3);
        now.fence_slow = maybe(0.3, 0.3);
    }

    void storm() {
        auto end = world_->now() + duration{60'000'000};
        bool hectic = random_.chance(0.3);
        while (world_->violation().empty()) {
            auto next = world_->now() +
                        random_.between(duration{500'000} / (hectic ? 5 : 1), duration{8'000'000} / (hectic ? 4 : 1));
            if (next > end && result_.faults >= 5) break;
            world_->run_until(next);
            fault();
        }
        world_->run_until(std::max(end, world_->now()));
    }

    void fault() {
        ++result_.faults;
        const auto& name = random_.pick(names_);
        switch (random_.below(15)) {
            case 0: {
                world_->count("fault_power_cut");
                world_->power_off(name);
                if (random_.chance(0.8))
                    world_->after(random_.between(duration{100'000}, duration{15'000'000}),
                                  [this, name] { world_->power_on(name); });
                break;
            }
            case 1:
                world_->count("fault_daemon_crash");
                world_->crash_daemon(name);
                break;
            case 2:
                world_->count("fault_pause");
                world_->pause_daemon(name, random_.between(duration{50'000}, duration{10'000'000}));
                break;
            case 3:
                partition();
                break;
            case 4:
                one_way();
                break;
            case 5:
                world_->count("fault_service_kill");
                world_->kill_service(name);
                break;
            case 6:
                leader_dies();
                break;
            case 7:
                battery(name);
                break;
            case 8:
                all_dark();
                break;
            case 9:
                pair_cut();
                break;
            case 10:
                leave(name);
                break;
            case 11:
                store_lost(name);
                break;
            case 12:
                arbitrator_fails(name);
                break;
            default:
                ask(name);
                break;
        }
    }

    // Stopped by its service manager, started again, and let in by its administrator.
    void leave(const std::string& name) {
        world_->count("fault_leave");
        world_->leave(name);
        auto back = random_.between(duration{2'000'000}, duration{20'000'000});
        world_->after(back, [this, name] { world_->start_daemon(name); });
        world_->after(back + duration{3'000'000}, [this, name] {
            world_->admin(name, cluster::command_body{cluster::node_admin{name, true}}, duration{20'000'000});
        });
    }

    void partition() {
        world_->count("fault_partition");
        std::vector<std::string> one;
        std::vector<std::string> two;
        for (const auto& name : names_) (random_.chance(0.5) ? one : two).push_back(name);
        for (const auto& a : one)
            for (const auto& b : two) {
                world_->cut(a, b, true);
                world_->cut(b, a, true);
            }
        world_->after(random_.between(duration{200'000}, duration{12'000'000}), [this, one, two] {
            for (const auto& a : one)
                for (const auto& b : two) {
                    world_->cut(a, b, false);
                    world_->cut(b, a, false);
                }
        });
    }

    void one_way() {
        if (names_.size() < 2) return;
        world_->count("fault_one_way");
        auto a = random_.pick(names_);
        auto b = random_.pick(names_);
        world_->cut(a, b, true);
        world_->after(random_.between(duration{200'000}, duration{12'000'000}),
                      [this, a, b] { world_->cut(a, b, false); });
    }

    // Two nodes lose each other while others hear both.
    void pair_cut() {
        if (names_.size() < 2) return;
        world_->count("fault_pair_cut");
        auto a = random_.pick(names_);
        auto b = random_.pick(names_);
        world_->cut(a, b, true);
        world_->cut(b, a, true);
        world_->after(random_.between(duration{200'000}, duration{20'000'000}), [this, a, b] {
            world_->cut(a, b, false);
            world_->cut(b, a, false);
        });
    }

    void leader_dies() {
        const auto* leader = world_->leader();
        if (leader == nullptr) return;
        world_->count("fault_leader_power_cut");
        auto name = leader->name();
        world_->power_off(name);
        world_->after(random_.between(duration{500'000}, duration{10'000'000}),
                      [this, name] { world_->power_on(name); });
    }

    // Only where a quorum's disks survive it: invariant 3 promises nothing else.
    void store_lost(const std::string& name) {
        const auto* leader = world_->leader();
        if (stores_lost_ > 0 || leader == nullptr || leader->log().active().size() != 1) return;
        if (leader->name() == name || leader->log().active().front().set.voters.size() < 3) return;
        ++stores_lost_;
        world_->count("fault_store_lost");
        world_->lose_store(name);
        world_->after(random_.between(duration{500'000}, duration{5'000'000}),
                      [this, name] { world_->power_on(name); });
    }

    // Harmless until it is needed: gone for a while, out of one node's reach, or with an empty disk.
    void arbitrator_fails(const std::string& node) {
        auto name = random_.chance(0.7) ? "a1" : "a2";
        if (text_.find("arbitrator_name") == std::string::npos) return;
        auto wait = random_.between(duration{500'000}, duration{20'000'000});
        switch (random_.below(3)) {
            case 0:
                world_->count("fault_arbitrator_down");
                world_->arbitrator_up(name, false);
                world_->after(wait, [this, name] { world_->arbitrator_up(name, true); });
                break;
            case 1:
                world_->count("fault_arbitrator_out_of_reach");
                world_->arbitrator_out_of_reach(node);
                world_->after(wait, [this] { world_->arbitrator_out_of_reach(""); });
                break;
            default:
                world_->count("fault_arbitrator_lost_store");
                world_->arbitrator_loses_store(name);
        }
    }

    void all_dark() {
        if (!random_.chance(0.3)) return;
        world_->count("fault_all_dark");
        for (const auto& name : names_) {
            world_->power_off(name);
            world_->after(random_.between(duration{100'000}, duration{6'000'000}),
                          [this, name] { world_->power_on(name); });
        }
    }

    void battery(const std::string& name) {
        world_->count("fault_battery");
        world_->plugin_event(name, {"ups", "ups_on_battery", "warning", {}});
        world_->after(random_.between(duration{500'000}, duration{9'000'000}), [this, name] {
            world_->plugin_event(name, {"ups", "ups_on_mains", "info", {}});
        });
    }

    void ask(const std::string& name) {
        world_->count("fault_admin");
        auto package = "p" + std::to_string(1 + random_.below(packages_));
        const auto& node = random_.pick(names_);
        node::admin_body body;
        switch (random_.below(8)) {
            case 0:
                body = cluster::command_body{cluster::package_move{package, node}};
                break;
            case 1:
                body = cluster::command_body{cluster::package_move{package, ""}};
                break;
            case 2:
                body = cluster::command_body{cluster::package_stop{package}};
                break;
            case 3:
                body = cluster::command_body{cluster::package_run{package, random_.chance(0.5) ? node : ""}};
                break;
            case 4:
                body = cluster::command_body{cluster::package_switching{package, "", true}};
                break;
            case 5:
                body = cluster::command_body{cluster::package_switching{package, node, random_.chance(0.5)}};
                break;
            case 6:
                body = cluster::command_body{cluster::node_admin{node, random_.chance(0.5)}};
                break;
            default:
                body = cluster::command_body{cluster::cluster_admin{random_.chance(0.7)}};
                break;
        }
        world_->admin(name, std::move(body), random_.chance(0.3) ? duration{300'000} : duration{20'000'000});
    }

    // Invariant 6: when faults stop, everything that may run and can run does run.
    void heal() {
        world_->conditions() = sim::weather{};
        for (const auto& a : names_)
            for (const auto& b : names_) world_->cut(a, b, false);
        world_->arbitrator_out_of_reach("");
        for (const auto* name : {"a1", "a2"}) world_->arbitrator_up(name, true);
        // Repairs that were on their way, and whatever nobody was going to repair.
        world_->run_until(world_->now() + duration{16'000'000});
        for (const auto& name : names_)
            if (!world_->powered(name)) world_->power_on(name);
        for (const auto& name : names_) world_->start_daemon(name);
        auto settle = world_->now() + duration{20'000'000};
        world_->run_until(settle);
        if (!world_->violation().empty()) return;
        for (int i = 0; i < 60 && world_->violation().empty(); ++i) {
            world_->run_until(world_->now() + duration{1'000'000});
            // `fence_action off` leaves a node to its administrator.
            for (const auto& name : names_)
                if (!world_->powered(name)) world_->power_on(name);
            for (const auto& name : names_) world_->start_daemon(name);
            if (unfinished().empty()) return answers();
        }
        for (const auto& name : names_) world_->tell_election(name);
        world_->violated("invariant 6: after everything healed: " + unfinished());
    }

    void answers() {
        auto id = world_->admin(names_.back(), cluster::command_body{cluster::package_switching{"p1", "", true}});
        world_->run_until(world_->now() + duration{10'000'000});
        if (!world_->answer(id)) world_->violated("invariant 6: an administrator gets no answer");
    }

    // What does not run although it may and can; empty = all is well.
    std::string unfinished() {
        const auto* leader = world_->leader();
        if (leader == nullptr) return "no leader";
        if (leader->log().commit().value < world_->committed()) return "the leader has not committed what others had";
        const auto& state = leader->state();
        for (const auto& name : names_) {
            const auto* daemon = world_->daemon(name);
            if (daemon == nullptr) return name + " does not run";
            if (daemon->state().applied != state.applied) return name + " lags behind";
        }
        for (const auto& [name, item] : state.packages) {
            auto active = world_->active_on(name);
            bool wanted = item.switching || item.target || item.target_any;
            bool may = !state.halted && wanted && policy::choose(state, name).node;
            if (item.phase == cluster::package_phase::running) {
                if (active.size() != 1) return name + " should run and does not";
            } else if (item.phase == cluster::package_phase::down) {
                if (may) return name + " is down although it may and can run: " + policy::explain(state, name).headline;
                if (!active.empty()) return name + " is down and yet active on " + active.front();
            } else if (item.phase != cluster::package_phase::halt_failed) {
                return name + " is still " + to_string(item.phase);
            }
        }
        return {};
    }

    dice random_;
    std::vector<std::string> names_;
    std::string text_;
    std::size_t packages_ = 0;
    int stores_lost_ = 0;
    std::unique_ptr<world> world_;
    seed_result result_;
};

}  // namespace

seed_result run_seed(std::uint64_t seed, const std::function<void(const std::string&)>& trace) {
    return driver(seed, trace).run();
}

const std::vector<std::string>& expected_counts() {
    static const std::vector<std::string> names{"fault_power_cut",
                                                "fault_daemon_crash",
                                                "fault_pause",
                                                "fault_partition",
                                                "fault_one_way",
                                                "fault_pair_cut",
                                                "fault_service_kill",
                                                "fault_leader_power_cut",
                                                "fault_battery",
                                                "fault_all_dark",
                                                "fault_admin",
                                                "fault_loss",
                                                "fault_duplicate",
                                                "fault_delay",
                                                "fault_cut_datagram",
                                                "fault_slow_sync",
                                                "fault_unsynced_lost",
                                                "fault_script_fail",
                                                "fault_script_hang",
                                                "fault_resource_fail",
                                                "fault_resource_hang",
                                                "fault_service_death",
                                                "fault_fence_fail",
                                                "fault_fence_unknown",
                                                "fault_fence_slow",
                                                "mark_elected",
                                                "mark_node_lost",
                                                "mark_node_back",
                                                "mark_node_joined",
                                                "mark_fence_requested",
                                                "mark_node_fenced",
                                                "mark_fence_failed",
                                                "mark_package_running",
                                                "mark_package_halted",
                                                "mark_package_failed",
                                                "mark_service_restarted",
                                                "mark_lease_lost",
                                                "mark_self_reset",
                                                "mark_guard_reset",
                                                "mark_power_drain",
                                                "mark_power_restored",
                                                "mark_probed",
                                                "mark_notified",
                                                "mark_package_move_asked",
                                                "mark_node_halted",
                                                "mark_cluster_halted",
                                                "mark_admin_done",
                                                "mark_admin_refused",
                                                "mark_admin_failed",
                                                "mark_admin_no_leader",
                                                "mark_saved_and_loaded",
                                                "fault_store_lost",
                                                "mark_tie_broken",
                                                "mark_voters_changed",
                                                "mark_snapshot_compared",
                                                "mark_learner_taken_in",
                                                "mark_tie_granted",
                                                "mark_tie_refused",
                                                "fault_arbitrator_down",
                                                "fault_arbitrator_out_of_reach",
                                                "fault_arbitrator_lost_store",
                                                "fault_fence_late",
                                                "fault_crash_in_sync",
                                                "fault_leave"};
    return names;
}

}  // namespace mainstay::sim
