// A whole cluster in one process on virtual time: machines with power, disks, processes and
// devices, the networks between them, and the very node class that the daemon drives. Everything
// happens in one queue of events; the same seed gives the same run, event by event.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/arbiter.hpp"
#include "node/node.hpp"
#include "sim/dice.hpp"

namespace mainstay::sim {

// Probabilities and times of what goes wrong by itself; schedules (power, cuts) are the driver's.
struct weather {
    double loss = 0;  // of one datagram copy
    double duplicate = 0;
    duration delay_min{100};
    duration delay_max{800};
    double delay_spike = 0;  // chance of a delay up to spike_max: reorders
    duration spike_max{0};
    duration sync_min{200};
    duration sync_max{3'000};
    double sync_slow = 0;  // chance of a write that takes up to sync_slow_max
    duration sync_slow_max{0};
    double script_fail = 0;    // run and halt scripts that exit 1 or 2
    double script_hang = 0;    // ... that never end by themselves
    double resource_fail = 0;  // plugin start or stop that fails
    double resource_hang = 0;  // ... that answers unknown at its time limit
    double script_leaves = 0;  // run scripts that leave a process which no halt script ends
    double service_death = 0;  // per start: dies by itself within service_life_max
    duration service_life_max{20'000'000};
    double fence_fail = 0;
    double fence_unknown = 0;  // answers unknown; the power may have gone or not
    double fence_slow = 0;     // takes seconds
    double fence_late = 0;     // the power goes at once, the answer comes seconds later
    double crash_in_sync = 0;  // per write: the power goes while it is on its way to the disk
};

// Everything that happened, by name, for coverage and the summary.
using counts = std::map<std::string, std::uint64_t, std::less<>>;

class world {
public:
    // `text` is the configuration that machine `names[0]` will found the cluster with.
    world(std::uint64_t seed, std::vector<std::string> names, std::string text);
    ~world();
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    // Runs until `until` or the first violation.
    void run_until(duration until);
    void after(duration wait, std::function<void()> what);
    [[nodiscard]] duration now() const { return now_; }
    [[nodiscard]] wall_time wall() const { return wall_time{1'700'000'000'000'000 + now_.count()}; }
    [[nodiscard]] dice& random() { return dice_; }
    [[nodiscard]] weather& conditions() { return weather_; }

    // ---- what can be done to it ----
    void power_off(const std::string& name);
    void power_on(const std::string& name);
    void lose_store(const std::string& name);  // power off; an empty disk from then on
    void crash_daemon(const std::string& name);
    // As `systemctl stop` and `start`: the daemon goes when it says that it may; the machine stays on.
    void leave(const std::string& name);
    void start_daemon(const std::string& name);
    // Software that reads entries up to this feature level (D2); the daemon that runs goes on as it is.
    void install(const std::string& name, std::uint32_t feature_level);
    void pause_daemon(const std::string& name, duration how_long);
    void cut(const std::string& from, const std::string& to, bool cut);  // one way
    // One of its services, if any; of that package when one is named.
    void kill_service(const std::string& name, const std::string& package = "");
    // Of each run of it from now on; no code: it never ends by itself.
    void script_exits(const std::string& package, const std::string& label, std::optional<std::int32_t> code);
    // Its run scripts from now on leave a process that no halt script ends.
    void script_leaves(const std::string& package) { leaving_.insert(package); }
    // Of what a plugin starts for it (vg ..., address ..., NAME): that fails everywhere from now on.
    void resource_fails(const std::string& instance) { failing_.insert(instance); }
    void resource_works(const std::string& instance) { failing_.erase(instance); }
    // A fixed answer of the next fence instead of the weather's: off, failed, unknown, lost power but unknown.
    void fence_answers(const std::string& outcome) { next_fence_ = outcome; }
    void arbitrator_up(const std::string& name, bool up);
    void arbitrator_loses_store(const std::string& name);
    // The one that nobody's arbitrator answers; an empty name mends it.
    void arbitrator_out_of_reach(const std::string& of) { no_arbitrator_for_ = of; }
    // Every fence from now on takes so long to answer; 0 = as the weather has it.
    void fences_take(duration how_long) { fence_time_ = how_long; }
    // A guard that is told to reset its node kills what runs there first, and its daemon hears of that for so long.
    void resets_take(duration how_long) { reset_time_ = how_long; }
    // This node reaches no fencing device; an empty name mends it.
    void no_device_for(const std::string& name) { no_device_for_ = name; }
    void disk_takes(const std::string& name, duration per_sync);  // 0 = as the weather has it
    // Every write fails: the daemon has its guard reset the machine (what the page cache holds may be lost).
    void disk_fails(const std::string& name, duration how_long);
    void set_wall(const std::string& name, duration by);  // the wall clock, on top of earlier changes
    void plugin_event(const std::string& name, node::plugin_event item);
    // A monitored subnet as this machine's interfaces have it; up without a word.
    void subnet(const std::string& name, const std::string& subnet, bool up);
    // All heartbeat links of this machine, set down and up on it.
    void links(const std::string& name, bool up);
    // An address, file system or whatever of a package is gone from this machine.
    void resource_vanishes(const std::string& name, const std::string& instance);
    std::uint64_t admin(const std::string& name, node::admin_body body, duration patience = duration{30'000'000});

    // ---- what can be seen ----
    [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
    [[nodiscard]] const node::node* daemon(const std::string& name) const;  // null when not running
    [[nodiscard]] time_point time_of(const std::string& name) const;        // on its own clock
    [[nodiscard]] bool powered(const std::string& name) const;
    [[nodiscard]] store_id store_of(const std::string& name) const;  // as its disk has it now
    // Of the daemon that runs, else of what is installed.
    [[nodiscard]] std::uint32_t feature_level(const std::string& name) const;
    // Machines on which anything of the package is active now (invariant 1's sense).
    [[nodiscard]] std::vector<std::string> active_on(const std::string& package) const;
    // How services and addresses of a running package differ from its configuration; empty = not at all.
    [[nodiscard]] std::string astray(const std::string& package, const package_config& config) const;
    [[nodiscard]] std::optional<node::admin_done> answer(std::uint64_t id) const;
    [[nodiscard]] const node::node* leader() const;  // of the highest term, or null
    [[nodiscard]] std::uint64_t committed() const { return ghost_.size(); }
    [[nodiscard]] consensus::voter_set committed_voters() const;  // the newest that any node has seen committed

    // Into the trace: what stands between this node and a leader.
    void tell_election(const std::string& name);

    [[nodiscard]] const std::string& violation() const { return violation_; }
    void violated(const std::string& what);
    [[nodiscard]] const counts& happened() const { return counts_; }
    void count(std::string_view what);
    [[nodiscard]] std::uint64_t steps() const { return steps_; }

    // Called with every line of the trace, when set.
    std::function<void(const std::string&)> trace;
    // Every n-th step the node is written to bytes and read back (0 = never).
    std::uint64_t save_every = 0;
    std::uint64_t snapshot_every = 60;  // entries
    // Administrators sign with the number of their request, so that its place in the log can be checked.
    bool number_admins = false;

private:
    struct machine;
    // What is to be done stays where it is while the heap moves its events about.
    struct event {
        duration at;
        std::uint64_t order;
        std::size_t what;  // in events_
        bool operator<(const event& other) const { return std::pair{at, order} > std::pair{other.at, other.order}; }
    };

    machine& at(const std::string& name);
    void say(const machine& where, const std::string& text);
    void boot_daemon(machine& where, bool machine_booted);
    void step(machine& where, const node::input& item);
    void deliver(machine& where, node::input item);
    void perform(machine& where, node::output item);
    void act(machine& where, const node::send& item);
    void act(machine& where, node::publish_beat item);
    void act(machine& where, node::store item);
    void act(machine& where, node::run_process item);
    void act(machine& where, node::kill_process item);
    void act(machine& where, const node::clear_package& item);
    void act(machine& where, const node::call_plugin& item);
    void act(machine& where, node::set_lease item);
    void act(machine& where, const node::reset_node& item);
    void act(machine& where, const node::happened& item);
    void act(machine& where, node::admin_done item);
    void act(machine& where, const node::trace& item);
    void act(machine& where, const node::left& item);
    void act(machine& where, const node::configuration_changed& item);
    template <class Other>
    void act(machine&, Other) {}
    void stonith(machine& where, const node::call_plugin& item);
    void arbitrate(machine& where, const node::call_plugin& item);
    void resource(machine& where, const node::call_plugin& item);
    void look_at_resource(machine& where, const node::call_plugin& item);
    void watchdog_stays(machine& where);
    void script_talks(machine& where, const node::run_process& item);
    void script_says(machine& where, node::script_call asked);
    void script_told(const node::admin_done& item);
    void script_ends(machine& where, request_id request, std::int32_t code, bool late);
    void beat_fires(machine& where, std::uint64_t life);
    void send_beat(machine& where);
    void push(duration at, std::uint64_t order, std::function<void()> what);
    void wake(machine& where);
    void arm(machine& where);
    void woken(machine& where);
    void tell_subnets(machine& where);
    void tell_links(machine& where);
    void guard_checks(machine& where, std::uint64_t life);
    void transmit(machine& from, machine& to, const bytes& data);
    void process_ends(machine& where, request_id request, std::int32_t code, bool timed_out);
    void keep(machine& where, const node::store& item);  // it is on the disk
    void lose_unsynced(machine& where);
    void check_step(machine& where);
    void check_commits(machine& where);
    void check_decisions(machine& where);
    void check_place(const cluster::state& state, const cluster::package_start& start);
    void check_feature_level(const consensus::entry& committed);
    void check_single_owner();
    void check_neighbours(const std::map<std::string, std::string>& owners);
    bool may_ignore(const std::string& one, const std::string& other);
    void note_hearing(machine& where, const machine& from);
    void check_request_counted(const node::happened& item);
    void check_request_answered(const node::admin_done& item);
    void check_beat(machine& where, const bytes& data);
    void check_may_fence(const machine& where, const std::string& target);
    void check_may_act(machine& where, const std::string& package, const std::string& what);
    [[nodiscard]] node::moment clock(const machine& where) const;
    [[nodiscard]] duration from_clock(const machine& where, time_point local) const;

    std::uint64_t seed_;
    dice dice_;
    weather weather_;
    std::vector<std::string> names_;
    std::string text_;
    configuration config_;  // the one the cluster was formed with
    std::map<std::string, std::unique_ptr<machine>> machines_;
    std::vector<event> queue_;  // a heap, the next one first
    std::vector<std::function<void()>> events_;
    std::vector<std::size_t> events_free_;
    std::uint64_t order_ = 0;
    duration now_{0};
    std::set<std::pair<std::string, std::string>> cuts_;
    std::map<std::uint64_t, bytes> snapshots_;                         // the state after an entry, the same everywhere
    std::vector<bytes> ghost_;                                         // every entry ever committed, by index
    std::set<std::pair<std::string, std::string>> ignore_each_other_;  // started beside each other, both in maintenance
    std::map<node_id, std::uint32_t> announced_;                       // feature levels, by the newest committed lives
    std::uint32_t feature_level_ = 1;                                  // as committed
    std::map<std::string, std::uint64_t> started_generations_;         // package/generation/node/machine -> index
    std::map<std::pair<std::string, std::string>, std::optional<std::int32_t>> script_codes_;
    std::set<std::string> leaving_;  // packages
    std::set<std::string> failing_;  // plugin instances
    std::string next_fence_;
    duration reset_time_{0};
    duration fence_time_{0};
    std::string no_device_for_;
    struct arbitrator {
        consensus::arbiter_record record;
        bool up = true;
    };
    std::map<std::string, arbitrator> arbitrators_;
    std::string no_arbitrator_for_;
    std::uint64_t next_admin_ = 1;
    std::uint64_t next_script_call_ = 0;
    std::map<std::uint64_t, std::pair<std::string, request_id>> script_calls_;  // machine and script
    std::map<std::uint64_t, node::admin_done> answers_;
    struct admin_request {
        std::uint64_t floor = 0;  // newest entry of any request answered before this one was made
        std::uint64_t entry = 0;  // where it was counted; 0 = nowhere yet
    };
    std::map<std::uint64_t, admin_request> asked_;
    std::uint64_t last_answered_ = 0;
    std::string violation_;
    counts counts_;
    std::uint64_t steps_ = 0;
};

}  // namespace mainstay::sim
