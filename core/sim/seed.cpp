#include "sim/seed.hpp"

#include <algorithm>

#include "cluster/configuration.hpp"
#include "model/print.hpp"
#include "policy/decide.hpp"
#include "policy/explain.hpp"
#include "sim/certifier.hpp"
#include "sim/configuration.hpp"
#include "sim/faults.hpp"
#include "sim/versions.hpp"

namespace mainstay::sim {

namespace {

std::vector<std::string> draw_names(dice& random, std::size_t wanted) {
    static const std::vector<std::size_t> sizes{1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8, 9};
    auto size = random.pick(sizes);
    std::vector<std::string> names;
    for (std::size_t i = 1; i <= (wanted > 0 ? wanted : size); ++i) names.push_back("n" + std::to_string(i));
    return names;
}

// Each kind is enabled per run with its own chance, so that runs differ in character. All of it is drawn whatever is
// left out, so that leaving out one kind changes nothing about the others.
weather draw_weather(dice& random, const std::set<std::string>& calm) {
    weather now;
    auto maybe = [&](const char* kind, double& what, double chance, double strength) {
        bool on = random.chance(chance);
        what = on && !calm.contains(kind) ? strength : 0.0;
    };
    maybe("loss", now.loss, 0.4, random.chance(0.2) ? 0.2 : 0.05);
    maybe("duplicate", now.duplicate, 0.4, 0.05);
    maybe("delay", now.delay_spike, 0.4, 0.03);
    now.spike_max = random.chance(0.3) ? duration{4'000'000} : duration{400'000};
    maybe("fence_late", now.fence_late, 0.3, 0.4);
    maybe("crash_in_sync", now.crash_in_sync, 0.4, 0.002);
    maybe("sync_slow", now.sync_slow, 0.3, 0.03);
    now.sync_slow_max = duration{1'500'000};
    maybe("script_fail", now.script_fail, 0.3, 0.05);
    maybe("script_hang", now.script_hang, 0.2, 0.05);
    maybe("resource_fail", now.resource_fail, 0.3, 0.03);
    maybe("resource_hang", now.resource_hang, 0.2, 0.02);
    maybe("service_death", now.service_death, 0.5, 0.5);
    maybe("fence_fail", now.fence_fail, 0.3, 0.3);
    maybe("fence_unknown", now.fence_unknown, 0.3, 0.3);
    maybe("fence_slow", now.fence_slow, 0.3, 0.3);
    return now;
}

class driver {
public:
    driver(const run_plan& plan, const std::function<void(const std::string&)>& trace)
        : plan_(plan), random_(plan.seed ^ 0x5eedULL) {
        auto names = draw_names(random_, plan.nodes);
        dice conditions(plan.seed * 5'915'587'277ULL + 1);
        dice sites(plan.seed * 4'021'927'611ULL + 5);
        drawn_ = draw_configuration(random_, names, beside() ? &conditions : nullptr, sited() ? &sites : nullptr);
        world_ = std::make_unique<world>(plan.seed, names, drawn_.text);
        world_->trace = trace;
        if (trace) trace(drawn_.text);
        world_->number_admins = true;
        world_->save_every = random_.chance(0.2) ? 97 : 0;
        if (mixed()) versions_.emplace(*world_, dice(plan.seed * 9'876'543'211ULL + 3), left_out(run_plan::older));
        result_.seed = plan.seed;
        result_.nodes = names.size();
        result_.packages = drawn_.packages;
    }

    seed_result run() {
        if (form()) {
            world_->conditions() = draw_weather(random_, plan_.calm);
            // From dice of its own: the others stay what they were.
            dice leaving(plan_.seed * 2'860'486'313ULL + 9);
            if (leaving.chance(0.2) && !plan_.calm.contains("script_leaves")) world_->conditions().script_leaves = 0.3;
            storm();
            if (world_->violation().empty()) heal();
        }
        result_.violation = world_->violation();
        result_.simulated_seconds = static_cast<double>(world_->now().count()) / 1e6;
        result_.steps = world_->steps();
        result_.happened = world_->happened();
        return result_;
    }

private:
    bool form() {
        auto parsed = cluster::parse_canonical(drawn_.text);
        if (!parsed) {
            world_->violated("the generated configuration: " + parsed.error().message);
            return false;
        }
        for (const auto& name : world_->names()) world_->power_on(name);
        world_->run_until(duration{4'000'000});
        auto id = world_->admin(world_->names().front(), node::form_cluster{print_configuration(*parsed)});
        world_->run_until(duration{8'000'000});
        auto answer = world_->answer(id);
        if (!answer || answer->result != node::admin_result::done) {
            world_->violated("the cluster did not form: " + (answer ? answer->text : "no answer"));
            return false;
        }
        monitors();
        return true;
    }

    void storm() {
        constexpr std::uint64_t faults_min = 5;
        auto begin = world_->now();
        auto end = begin + plan_.storm;
        bool hectic = random_.chance(0.3);
        bool arbitrated = drawn_.text.find("arbitrator_name") != std::string::npos;
        faults_ = std::make_unique<fault_source>(*world_, drawn_.packages, arbitrated);
        faults_->may_add(drawn_.text + drawn_.spare);
        if (versions_) versions_->schedule(plan_.storm);
        while (world_->violation().empty()) {
            auto next = world_->now() +
                        random_.between(duration{500'000} / (hectic ? 5 : 1), duration{8'000'000} / (hectic ? 4 : 1));
            if (next > end && (result_.faults >= faults_min || plan_.storm < run_plan{}.storm)) break;
            world_->run_until(next);
            if (!world_->violation().empty()) break;
            ++result_.faults;
            if (plan_.without.contains(result_.faults)) continue;
            result_.last_fault = world_->now() - begin;
            if (world_->trace) world_->trace("-- fault " + std::to_string(result_.faults));
            faults_->strike(dice(plan_.seed * 1'000'003ULL + result_.faults));
            strike_beside();
            strike_apart();
            place_by_hand();
            change_storage();
        }
        world_->run_until(std::max(end, world_->now()));
    }

    // In a quarter of the seeds, none of those with faults beside others.
    [[nodiscard]] bool mixed() const { return plan_.seed % 4 == 1; }

    // Of a kind that is numbered from there.
    [[nodiscard]] std::set<std::uint64_t> left_out(std::uint64_t from) const {
        std::set<std::uint64_t> numbers;
        for (auto number : plan_.without)
            if (number > from && number < from + 1'000) numbers.insert(number - from);
        return numbers;
    }

    // In half of the seeds; the others are what they were before there was this.
    [[nodiscard]] bool beside() const { return plan_.seed % 2 == 0; }

    // In some of the seeds nodes are at sites, and in some of those with several versions packages are pinned as well;
    // all others, the kept ones among them, are what they were before there was this.
    [[nodiscard]] bool sited() const { return plan_.seed % 16 == 7 || plan_.seed % 16 == 10 || plan_.seed % 16 == 12; }
    [[nodiscard]] bool pinned() const { return sited() || plan_.seed % 32 == 29; }

    // In some of the seeds, with and without several versions, volume groups and file systems come and go; the others,
    // all of the kept ones, are what they were before there was this.
    [[nodiscard]] bool stored() const {
        auto kind = plan_.seed % 32;
        return kind == 9 || kind == 12 || kind == 14 || kind == 20 || kind == 24;
    }

    // What the monitors of all nodes find when nothing is wrong, where the cluster does not know it yet.
    void monitors() {
        const auto* leader = world_->leader();
        if (!beside() || leader == nullptr) return;
        std::vector<cluster::resource_set> wrong;
        const auto& state = leader->state();
        for (const auto& [name, good] : {std::pair{random_configuration::simple_resource, "up"},
                                         std::pair{random_configuration::valued_resource, "20"}}) {
            if (state.find_resource(name) == nullptr) continue;
            for (const auto& node : world_->names())
                if (state.resource_text(name, state.find_node(node)) != good) wrong.push_back({name, node, good});
        }
        // What is asked for may end the daemon that was looked at.
        for (const auto& item : wrong) world_->admin(item.node, cluster::command_body{item});
    }

    // Work that was forgotten about comes to its end.
    void end_maintenance() {
        const auto* leader = world_->leader();
        if (leader == nullptr) return;
        auto teller = leader->name();
        std::vector<std::string> maintained;
        for (const auto& [name, item] : leader->state().packages)
            if (item.maintained) maintained.push_back(name);
        for (const auto& name : maintained)
            world_->admin(teller, cluster::command_body{cluster::package_maintenance{name, "", false, "", {}}});
    }

    // Beside every third or so.
    void strike_beside() {
        auto number = run_plan::beside + result_.faults;
        dice own(plan_.seed * 7'368'787ULL + number);
        if (!beside() || !own.chance(0.35) || plan_.without.contains(number)) return;
        if (world_->trace) world_->trace("-- fault " + std::to_string(number));
        faults_->strike_beside(own);
    }

    [[nodiscard]] bool apart() const { return plan_.seed % 4 == 3 || plan_.seed % 8 == 4; }

    void strike_apart() {
        auto number = run_plan::apart + result_.faults;
        dice own(plan_.seed * 2'750'159ULL + number);
        if (!apart() || !own.chance(0.3) || plan_.without.contains(number)) return;
        if (world_->trace) world_->trace("-- fault " + std::to_string(number));
        faults_->strike_apart(own);
    }

    // Nobody detaches for ever.
    void attach() {
        const auto* leader = world_->leader();
        if (leader == nullptr) return;
        const auto& all = leader->state().detached;
        if (std::any_of(all.begin(), all.end(), [](const auto& item) { return item.second.attach_asked_by.empty(); }))
            world_->admin(std::string(leader->name()), cluster::command_body{cluster::node_attach{}});
    }

    void place_by_hand() {
        auto number = run_plan::placing + result_.faults;
        dice own(plan_.seed * 3'367'900'313ULL + number);
        if (!pinned() || !own.chance(0.4) || plan_.without.contains(number)) return;
        if (world_->trace) world_->trace("-- fault " + std::to_string(number));
        faults_->place_by_hand(own);
    }

    void change_storage() {
        auto number = run_plan::storing + result_.faults;
        dice own(plan_.seed * 4'093'082'899ULL + number);
        if (!stored() || !own.chance(0.4) || plan_.without.contains(number)) return;
        if (world_->trace) world_->trace("-- fault " + std::to_string(number));
        faults_->change_storage(own);
    }

    // Invariant 6: when faults stop, everything that may run and can run does run.
    void heal() {
        world_->conditions() = sim::weather{};
        for (const auto& a : world_->names())
            for (const auto& b : world_->names()) world_->cut(a, b, false);
        if (versions_) versions_->finish();
        world_->arbitrator_out_of_reach("");
        for (const auto* name : {"a1", "a2"}) world_->arbitrator_up(name, true);
        for (const auto& name : world_->names()) {
            world_->links(name, true);
            if (beside()) world_->subnet(name, random_configuration::subnet, true);
        }
        // Repairs that were on their way, and whatever nobody was going to repair.
        world_->run_until(world_->now() + duration{16'000'000});
        for (const auto& name : world_->names())
            if (!world_->powered(name)) world_->power_on(name);
        for (const auto& name : world_->names()) world_->start_daemon(name);
        auto settle = world_->now() + duration{20'000'000};
        world_->run_until(settle);
        if (!world_->violation().empty()) return;
        certifier administrator(*world_);
        for (int i = 0; i < 60 && world_->violation().empty(); ++i) {
            world_->run_until(world_->now() + duration{1'000'000});
            administrator.look();
            // `fence_action off` leaves a node to its administrator.
            for (const auto& name : world_->names())
                if (!world_->powered(name) && !administrator.keeps_off(name)) world_->power_on(name);
            for (const auto& name : world_->names()) world_->start_daemon(name);
            monitors();
            end_maintenance();
            attach();
            if (unfinished().empty()) return answers();
        }
        for (const auto& name : world_->names()) world_->tell_election(name);
        world_->violated("invariant 6: after everything healed: " + unfinished());
    }

    void answers() {
        auto id =
            world_->admin(world_->names().back(), cluster::command_body{cluster::package_switching{"p1", "", true}});
        world_->run_until(world_->now() + duration{10'000'000});
        if (!world_->answer(id)) world_->violated("invariant 6: an administrator gets no answer");
    }

    // SG 7.2: of what was started partly nothing else runs, and it never outlives maintenance. Empty = all is well.
    std::string more_than_asked(const cluster::state& state, const std::string& name,
                                const cluster::package_state& item) {
        const auto* partly = state.runs_partly(name);
        if (partly == nullptr || item.phase != cluster::package_phase::running) return {};
        if (!item.maintained) return name + " runs partly and is not in maintenance";
        auto config = *state.find_package(name);
        for (auto step : steps_left_out(config, partly->steps)) {
            if (step == package_step::address) config.addresses.clear();
            if (step == package_step::volume_group) config.volume_groups.clear();
            if (step == package_step::filesystem) config.filesystems.clear();
            if (step == package_step::service)
                std::erase_if(config.services, [](const auto& each) { return !each.by_script(); });
        }
        auto wrong = world_->astray(name, config);
        world_->count("mark_partly_at_the_end");
        return wrong.find(" still has ") == std::string::npos ? std::string() : name + " runs partly and" + wrong;
    }

    // What does not run although it may and can; empty = all is well.
    std::string unfinished() {
        const auto* leader = world_->leader();
        if (leader == nullptr) return "no leader";
        if (leader->log().commit().value < world_->committed()) return "the leader has not committed what others had";
        const auto& state = leader->state();
        if (versions_ && state.feature_level < mixed_versions::newer) return "the feature level has not risen";
        for (const auto& name : world_->names()) {
            const auto* daemon = world_->daemon(name);
            if (daemon == nullptr) return name + " does not run";
            if (daemon->state().applied != state.applied) return name + " lags behind";
        }
        if (!state.detached.empty()) return state.node_name(state.detached.begin()->first) + " is detached";
        for (const auto& [name, item] : state.packages) {
            if (auto wrong = more_than_asked(state, name, item); !wrong.empty()) return wrong;
            if (item.maintained) continue;  // what has ended in it is the administrator's, whom it is refused to end it
            auto active = world_->active_on(name);
            bool wanted = item.switching || item.target || item.target_any;
            bool may = !state.halted && wanted && policy::choose(state, name).node;
            if (item.phase == cluster::package_phase::running) {
                if (active.size() != 1) return name + " should run and does not";
                const auto* config = state.find_package(name);
                if (auto wrong = world_->astray(name, *config); !wrong.empty()) return name + wrong;
            } else if (item.phase == cluster::package_phase::down) {
                if (may) return name + " is down although it may and can run: " + policy::explain(state, name).headline;
                if (!active.empty()) return name + " is down and yet active on " + active.front();
            } else if (item.phase != cluster::package_phase::halt_failed) {
                return name + " is still " + to_string(item.phase);
            }
        }
        return {};
    }

    run_plan plan_;
    dice random_;
    random_configuration drawn_;
    std::unique_ptr<world> world_;
    std::unique_ptr<fault_source> faults_;
    std::optional<mixed_versions> versions_;
    seed_result result_;
};

// 1,2,3,7 as 1-3,7.
std::string ranges(const std::set<std::uint64_t>& numbers) {
    std::string text;
    for (auto next = numbers.begin(); next != numbers.end();) {
        auto first = *next;
        auto last = first;
        while (++next != numbers.end() && *next == last + 1) ++last;
        text += (text.empty() ? "" : ",") + std::to_string(first) + (last > first ? "-" + std::to_string(last) : "");
    }
    return text;
}

}  // namespace

std::string run_plan::options() const {
    auto text = std::to_string(seed);
    if (nodes > 0) text += " --nodes " + std::to_string(nodes);
    if (!without.empty()) text += " --without " + ranges(without);
    std::string kinds;
    for (const auto& kind : calm) kinds += (kinds.empty() ? "" : ",") + kind;
    if (!kinds.empty()) text += " --calm " + kinds;
    if (storm != run_plan{}.storm) text += " --storm " + std::to_string(storm.count() / 1000) + "ms";
    return text;
}

seed_result run(const run_plan& plan, const std::function<void(const std::string&)>& trace) {
    return driver(plan, trace).run();
}

const std::set<std::string>& weather_kinds() {
    static const std::set<std::string> kinds{"loss",          "duplicate",     "delay",         "fence_late",
                                             "crash_in_sync", "sync_slow",     "script_fail",   "script_hang",
                                             "resource_fail", "resource_hang", "service_death", "fence_fail",
                                             "fence_unknown", "fence_slow",    "script_leaves"};
    return kinds;
}

const std::set<std::string>& expected_counts() {
    static const std::set<std::string> names{"fault_power_cut",
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
                                             "fault_torn",
                                             "fault_sync_failed",
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
                                             "mark_script_service",
                                             "mark_script_call",
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
                                             "fault_leave",
                                             "fault_rack_dark",
                                             "fault_flapping",
                                             "fault_swizzle",
                                             "fault_disk_fails",
                                             "fault_wall_jump",
                                             "fault_detach",
                                             "mark_detached",
                                             "mark_left_detached",
                                             "mark_node_attached",
                                             "fault_links_down",
                                             "fault_subnet_down",
                                             "fault_resource_down",
                                             "fault_maintenance",
                                             "fault_partial_start",
                                             "fault_restarts_reset",
                                             "mark_started_partly",
                                             "mark_restarts_reset",
                                             "fault_reconfigure",
                                             "mark_subnet_down",
                                             "mark_subnet_up",
                                             "mark_resource_set",
                                             "mark_configuration_applied",
                                             "fault_parts_changed",
                                             "fault_storage_changed",
                                             "mark_storage_added",
                                             "mark_package_changed",
                                             "mark_looked_at",
                                             "mark_maintenance_on",
                                             "mark_maintenance_off",
                                             "fault_placed_by_hand",
                                             "mark_package_pinned",
                                             "mark_package_unpinned",
                                             "mark_started_across_sites",
                                             "mark_kept_at_site",
                                             "mark_condition_lost",
                                             "fault_script_leaves",
                                             "mark_processes_left",
                                             "mark_cut_off",
                                             "fault_upgrade",
                                             "fault_downgrade",
                                             "mark_feature_level",
                                             "mark_too_old",
                                             "mark_tie_left_alone"};
    return names;
}

}  // namespace mainstay::sim
