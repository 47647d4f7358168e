// One generation of one package on this node: its steps in order, halted in reverse (SG 4.3, 4.8).
// Start: external pre-scripts, volume groups, file systems, addresses, plugin resources, run script,
// external scripts, services, and what is waited for; each kind in file order. What was begun is undone when a later
// step fails. Emits processes and plugin calls, and says how it ended.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/commands.hpp"
#include "cluster/state.hpp"
#include "model/config.hpp"
#include "model/package_steps.hpp"
#include "node/effects.hpp"
#include "node/own_parts.hpp"

namespace mainstay::node {

// What a runner has to tell the cluster, in order.
struct runner_news {
    std::optional<cluster::report> report;
    // Instead: package_changed, address_not_removed, address_not_added, storage_not_added, processes_left; of what is
    // in `detail`.
    std::string event;
    std::string detail;
    std::string service;  // with `restarts`: this service was started again
    std::uint32_t restarts = 0;
    bool fail_fast = false;  // the node has to be reset (service_fail_fast_enabled, node_fail_fast_enabled)
    bool ignored = false;    // in maintenance: this service has ended, nothing follows
    static void fields(auto& self, auto&& visit) {
        visit("report", self.report);
        visit("event", self.event);
        visit("detail", self.detail);
        visit("service", self.service);
        visit("restarts", self.restarts);
        visit("fail_fast", self.fail_fast);
        visit("ignored", self.ignored);
    }
};

enum class runner_phase : std::uint8_t { starting, running, undoing, halting, over, count_ };
[[nodiscard]] constexpr const char* to_string(runner_phase value) {
    switch (value) {
        case runner_phase::starting:
            return "starting";
        case runner_phase::running:
            return "running";
        case runner_phase::undoing:
            return "undoing";
        case runner_phase::halting:
            return "halting";
        default:
            return "over";
    }
}

class runner {
public:
    runner() = default;
    runner(package_config config, mainstay::generation generation, std::string own_node, string_pairs environment);

    // SG 7.2, before start() or recall(): these steps are all there is of this generation. Empty = every step.
    void take_only(std::vector<package_step> steps);
    [[nodiscard]] const std::vector<package_step>& taken_only() const { return only_; }
    void start(effects& out);
    // Halts whatever has been begun; a start under way is broken off. Asked twice is asked once.
    void halt(effects& out);
    // After a daemon restart: `living` are its services that still run, the rest counts as dead.
    // `recorded` is the phase the daemon died in: a start or halt under way is undone; `over` is a
    // halt that failed, and stays one until it is asked for again.
    // `recall` first: what its script had begun, and what of its configuration; without that it is taken for all of
    // the configuration.
    void recall(script_parts parts, const std::optional<own_parts>& own);
    void adopt(const std::vector<living_process>& living, runner_phase recorded, effects& out);
    // After a daemon restart, before adopt() and when the log has been caught up with: how often its services have been
    // restarted, as the cluster has counted it.
    void restarts_counted(const std::map<std::string, std::uint32_t>& counts);
    // SG cmmodpkg -R: of the service of that name, or of all when it is empty.
    void reset_restarts(const std::string& named);

    // SG 4.5, in runner_script.cpp. True: what the script wants begun is in parts(); `script_recorded` begins it and
    // answers, once that is durable. False: answered, or answered when it is done.
    bool script_asks(const script_call& asked, std::uint64_t admin, effects& out);
    void script_recorded(const script_call& asked, std::uint64_t admin, effects& out);
    [[nodiscard]] const script_parts& parts() const { return parts_; }

    // A new configuration: taken whole when nothing of the generation is left, else when the steps are the same
    // but for services and addresses (SG 3.11). While the package runs those are halted and started at once, in
    // runner_change.cpp; else what has begun stays what is halted.
    void take_config(package_config config, string_pairs environment, effects& out);
    // After a daemon restart: the log has been applied as far as by the daemon before. Until then the configuration
    // may be older than what has begun.
    void caught_up(time_point now, effects& out);
    [[nodiscard]] bool is_behind() const { return behind_; }
    [[nodiscard]] const own_parts& own() const { return own_; }
    // An address or a volume group may be called for once own() is durable: the node says with which store that is,
    // then what is stored.
    [[nodiscard]] bool wants_record() const { return wants_record_; }
    void record_is(std::uint64_t store) {
        record_after_ = store;
        wants_record_ = false;
    }
    void stored(std::uint64_t count, effects& out);

    // True when the answer was for this runner.
    bool process_exited(const node::process_exited& item, time_point now, effects& out);
    // Services that wait for their back-off.
    void tick(time_point now, effects& out);
    [[nodiscard]] time_point deadline() const;
    bool plugin_answered(const plugin_answer& item, effects& out);
    // What its scripts had left when all was down; only then it is over.
    bool cleared(const package_cleared& item, effects& out);

    // Parts of it come or go just now.
    [[nodiscard]] bool is_changing() const {
        return changing_ != part_change::none || wants_record_ || record_after_ > 0;
    }
    // Its services that run, for whoever takes it over.
    [[nodiscard]] std::vector<living_process> living() const;

    [[nodiscard]] runner_phase phase() const { return phase_; }
    [[nodiscard]] mainstay::generation generation() const { return generation_; }
    [[nodiscard]] const package_config& config() const { return config_; }
    // The configuration is not part of the byte form: the owner puts it back after reading.
    void set_config(package_config config);
    [[nodiscard]] std::vector<runner_news> take_news();
    // Somebody answered for this address while the former owner was being fenced: it is probed once
    // more before it is taken.
    void doubt(const std::string& address) { doubtful_.insert(address); }
    // SG 5.9: others depend on it; when a service fails it waits for the decision to halt.
    void needed_by_others(bool needed) { needed_ = needed; }
    // SG 7.2: what ends or takes too long is not a failure.
    void maintained(bool on) { maintained_ = on; }
    // What the package relies on and lacks here now. As its last step a start waits until nothing of
    // during_package_start is lacking; what lacks later fails the package.
    void lacks(const std::vector<cluster::lacking>& now, time_point at, effects& out);

    static void fields(auto& self, auto&& visit) {
        visit("generation", self.generation_);
        visit("own_node", self.own_node_);
        visit("environment", self.environment_);
        visit("phase", self.phase_);
        visit("begun", self.begun_);
        visit("waiting", self.waiting_);
        visit("killing", self.killing_);
        visit("services", self.services_);
        visit("ended", self.ended_);
        visit("start_failure", self.start_failure_);
        visit("skip_halt_script", self.skip_halt_script_);
        visit("halt_failure", self.halt_failure_);
        visit("failure_detail", self.failure_detail_);
        visit("halt_asked", self.halt_asked_);
        visit("news", self.news_);
        visit("orphans", self.orphans_);
        visit("doubtful", self.doubtful_);
        visit("probing", self.probing_);
        visit("needed", self.needed_);
        visit("maintained", self.maintained_);
        visit("condition_failed", self.condition_failed_);
        visit("awaits", self.awaits_);
        visit("awaits_until", self.awaits_until_);
        visit("parts", self.parts_);
        visit("address_calls", self.address_calls_);
        visit("removing", self.removing_);
        visit("attempted", self.attempted_);
        visit("kept", self.kept_);
        visit("own", self.own_);
        visit("changing", self.changing_);
        visit("changing_address", self.changing_address_);
        visit("stuck", self.stuck_);
        visit("changed", self.changed_);
        visit("wants_record", self.wants_record_);
        visit("record_after", self.record_after_);
        visit("change_again", self.change_again_);
        visit("behind", self.behind_);
        visit("look_at", self.look_at_);
        visit("looks", self.looks_);
        visit("seen", self.seen_);
        visit("look_soon", self.look_soon_);
        visit("only", self.only_);
        visit("changing_script", self.changing_script_);
        visit("uncalled_script", self.uncalled_script_);
        visit("beside", self.beside_);
        visit("storage_failed", self.storage_failed_);
        visit("changing_storage", self.changing_storage_);
    }

private:
    struct step {
        enum class kind_type : std::uint8_t {
            address,
            resource,
            script,
            services,
            pre_script,
            volume_group,
            file_system_check,
            file_system,
            external,
            conditions,
            script_parts,  // before `script`: what it has begun and not ended is ended after its turn
            count_
        } kind = kind_type::script;
        std::size_t index = 0;
        static void fields(auto& self, auto&& visit) {
            visit("kind", self.kind);
            visit("index", self.index);
        }
    };
    struct service {
        request_id process;  // 0 = not running
        std::uint32_t restarts = 0;
        time_point started = time_point::min();
        time_point restart_at = never;  // back-off of a service that dies young
        duration back_off{0};
        std::string failed;  // how it ended for good while a start script was under way: dealt with then
        std::vector<std::uint64_t> halters;  // cmhaltserv: answered when it is gone
        bool leaving = false;                // told to end: it is not in the configuration any more
        bool unjudged = false;               // ended, and the log does not say yet what it is or was
        static void fields(auto& self, auto&& visit) {
            visit("process", self.process);
            visit("restarts", self.restarts);
            visit("started", self.started);
            visit("restart_at", self.restart_at);
            visit("back_off", self.back_off);
            visit("failed", self.failed);
            visit("halters", self.halters);
            visit("leaving", self.leaving);
            visit("unjudged", self.unjudged);
        }
    };

    // cmmodnet under way.
    struct address_call {
        std::uint64_t admin = 0;
        script_call asked;
        bool probing = false;
        static void fields(auto& self, auto&& visit) {
            visit("admin", self.admin);
            visit("asked", self.asked);
            visit("probing", self.probing);
        }
    };

    // The call or script under way, for a part that comes or goes while the package runs.
    enum class part_change : std::uint8_t {
        none,
        probing,
        adding,
        removing,
        starting_script,
        stopping_script,
        adding_storage,
        count_
    };
    // What `status` of a plugin has said of one part while the package runs.
    struct seen_part {
        bool up = false;        // at least once: a `stopped` counts only from one that can tell the difference
        bool gone = false;      // the last time
        bool in_doubt = false;  // the last time, and told
        static void fields(auto& self, auto&& visit) {
            visit("up", self.up);
            visit("gone", self.gone);
            visit("in_doubt", self.in_doubt);
        }
    };

    [[nodiscard]] std::vector<step> steps() const;
    [[nodiscard]] bool takes(package_step what) const;
    void next_start(effects& out);
    void begin_undo(effects& out);
    void next_undo(effects& out);
    void undone(effects& out);
    void tell_end(effects& out);
    void fail_fast(std::string detail, effects& out);
    void log_frame(const std::string& text, effects& out) const;
    void log_step(const std::string& text, effects& out) const;
    [[nodiscard]] duration call_limit(const step& item, bool start) const;
    void failed(cluster::report how, std::string detail, bool nothing_begun, effects& out);
    void call(const step& item, const char* verb, effects& out);
    [[nodiscard]] std::size_t at_once(const step& item) const;
    [[nodiscard]] bool goes_beside(const step& item) const;
    void call_beside(const step& item, const char* verb, effects& out);
    bool storage_answered(const plugin_answer& item, effects& out);
    void storage_began(bool ok, const std::string& text, effects& out);
    void script(const step& item, bool start, effects& out);
    [[nodiscard]] const std::string& path_of(const step& item, bool start) const;
    [[nodiscard]] static bool is_script(const step& item);
    [[nodiscard]] cluster::report start_verdict(const node::process_exited& item) const;
    [[nodiscard]] cluster::report halt_verdict(const node::process_exited& item) const;
    [[nodiscard]] bool fails_fast(cluster::report how) const;
    void start_service(std::size_t index, effects& out);
    void service_ended(std::size_t index, const node::process_exited& item, time_point now, effects& out);
    void ended_in_maintenance(std::size_t index, const std::string& how);
    void restart_later(std::size_t index, time_point now, effects& out);
    [[nodiscard]] bool runs_script() const;
    void start_step_ended(bool ok, cluster::report how, const std::string& detail, bool nothing_begun, effects& out);
    void undo_step_ended(bool ok, cluster::report how, const std::string& detail, effects& out);
    void service_dead(std::size_t index, const std::string& how, effects& out);
    [[nodiscard]] bool died_early(effects& out);
    [[nodiscard]] bool services_gone(bool by_script) const;
    bool end_services(bool by_script, effects& out);
    bool end_script_parts(effects& out);
    [[nodiscard]] std::optional<std::uint32_t> restart_max(std::size_t index) const;
    [[nodiscard]] std::optional<std::size_t> find_service(const std::string& name) const;
    [[nodiscard]] bool may_begin(request_id script) const;
    bool asks_to_run(const script_call& asked, std::uint64_t admin, effects& out);
    void asks_to_halt(const script_call& asked, std::uint64_t admin, effects& out);
    bool asks_for_address(const script_call& asked, std::uint64_t admin, effects& out);
    void asks_to_remove(const script_call& asked, std::uint64_t admin, effects& out);
    request_id call_address(const std::string& address, const char* verb, effects& out);
    [[nodiscard]] bool is_changing(const std::string& address) const;
    bool address_answered(const plugin_answer& item, effects& out);
    void halted_by_script(std::size_t index, effects& out);
    void set_wanted(const package_config& config);
    void own_all();
    void lay_over();
    [[nodiscard]] const service_config* wanted_service(const own_parts::service& item) const;
    [[nodiscard]] bool is_wanted(const own_parts::ip_address& item) const;
    [[nodiscard]] own_parts::ip_address* own_address(const std::string& address);
    void next_change(effects& out);
    bool end_leaving(effects& out);
    void ended_meanwhile(std::size_t index, time_point now, effects& out);
    void forget_service(std::size_t index);
    bool remove_addresses(effects& out);
    bool add_addresses(effects& out);
    void begin_services(effects& out);
    bool change_answered(const plugin_answer& item, effects& out);
    void change_ended(bool halt_waits, effects& out);
    [[nodiscard]] bool is_wanted(const own_parts::script& item) const;
    [[nodiscard]] std::vector<own_parts::script>::iterator own_script(const own_parts::script& like);
    void order_scripts();
    bool stop_scripts(bool pre, effects& out);
    bool start_scripts(bool pre, effects& out);
    void run_own_script(const own_parts::script& item, part_change what, effects& out);
    bool script_changed(const node::process_exited& item, effects& out);
    void script_started(const node::process_exited& item, effects& out);
    void script_stopped(const node::process_exited& item);
    void drop_uncalled_script();
    void set_wanted_storage(const package_config& config);
    void lay_over_storage();
    [[nodiscard]] std::vector<own_parts::storage> wanted_storage() const;
    [[nodiscard]] std::vector<own_parts::storage>::iterator own_storage(const own_parts::storage& like);
    [[nodiscard]] package_config known_storage_as_in(const package_config& config) const;
    [[nodiscard]] bool lacks_storage() const;
    [[nodiscard]] bool pre_scripts_come();
    bool add_storage_first(effects& out);
    bool add_storage(effects& out);
    bool enlist_storage();
    void start_storage(const own_parts::storage& item, effects& out);
    void storage_added(const plugin_answer& item, effects& out);
    [[nodiscard]] bool is_storage_up(const std::string& part) const;
    void address_added(bool ok, const plugin_answer& item, effects& out);
    void address_removed(bool ok, const plugin_answer& item);
    void call_own_address(const own_parts::ip_address& item, part_change what, effects& out);
    void tell(const char* event, std::string detail);
    [[nodiscard]] bool is_stuck(const std::string& address) const;
    void change_later(time_point now, effects& out);
    [[nodiscard]] std::string name_of(const step& item) const;
    void look(time_point now, effects& out);
    [[nodiscard]] bool may_look(const std::string& part) const;
    [[nodiscard]] static bool has_status(const step& item);
    bool status_answered(const plugin_answer& item, effects& out);
    void part_is_gone(const std::string& part, const std::string& how, effects& out);
    void report(cluster::report what, std::string detail);

    package_config config_;
    mainstay::generation generation_;
    std::string own_node_;
    string_pairs environment_;
    runner_phase phase_ = runner_phase::over;
    std::size_t begun_ = 0;          // steps begun, from the first
    request_id waiting_;             // the step's process or call under way
    bool killing_ = false;           // ... which was told to end
    std::vector<service> services_;  // as in config_.services
    bool ended_ = false;
    std::optional<cluster::report> start_failure_;
    bool skip_halt_script_ = false;  // adopted in the middle of undoing: the scripts had their turn
    std::optional<cluster::report> halt_failure_;
    std::string failure_detail_;
    bool halt_asked_ = false;
    std::vector<runner_news> news_;
    std::set<request_id> orphans_;  // scripts of a former daemon that have to end before anything is undone
    std::set<std::string> doubtful_;
    bool probing_ = false;  // the call under way only looks
    bool needed_ = false;
    bool maintained_ = false;
    bool condition_failed_ = false;    // told once
    bool awaits_ = false;              // the last step: generic resources of during_package_start
    time_point awaits_until_ = never;  // run_script_timeout, once it is known when the waiting began
    script_parts parts_;
    std::map<request_id, address_call> address_calls_;
    std::string removing_;                           // the address that the call under way takes away
    std::map<std::string, bool> attempted_;          // addresses of the script that were called for: is it surely up
    std::set<std::string> kept_;                     // addresses that could not be taken away in this halt
    std::vector<service_config> wanted_services_;    // of the newest configuration; config_ has what own_ has
    std::vector<package_address> wanted_addresses_;  // ...
    std::vector<volume_group_config> wanted_groups_;
    std::vector<filesystem_config> wanted_filesystems_;
    own_parts own_;
    part_change changing_ = part_change::none;
    std::string changing_address_;
    // Addresses that could not be changed, and storage that could not be added, and told; true = until change_again_.
    std::map<std::string, bool> stuck_;
    std::vector<std::string> changed_;  // in the change under way, in words
    bool wants_record_ = false;
    std::uint64_t record_after_ = 0;  // 0 = own_ is durable
    time_point change_again_ = never;
    bool behind_ = false;  // adopted, and not yet caught up
    time_point look_at_ = never;
    std::map<request_id, std::string> looks_;  // calls of `status` under way, by part
    std::map<std::string, seen_part> seen_;
    bool look_soon_ = false;
    std::vector<package_step> only_;  // empty = all
    std::vector<own_parts::script> wanted_scripts_;
    own_parts::script changing_script_;
    std::map<request_id, step> beside_;          // volume groups or file systems under way; waiting_ is one of them
    std::optional<std::string> storage_failed_;  // of this start, while others of it are under way
    bool uncalled_script_ = false;  // the one of own_ that is not up is put on record only: nothing of it has begun
    own_parts::storage changing_storage_;
};

}  // namespace mainstay::node
