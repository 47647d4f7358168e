// What runs on this node: starts only by committed decisions under a fresh lease, ends with it
// (invariant 2, D6, "Packages").
#include <algorithm>
#include <utility>

#include "model/mutation.hpp"
#include "model/validations.hpp"
#include "node/node.hpp"
#include "policy/next_nodes.hpp"

namespace mainstay::node {

using cluster::package_phase;
using cluster::report;

void node::reconcile() {
    if (!state_.formed() || resets_itself()) return;
    adopt_recovered();
    for (const auto& [name, item] : state_.packages) reconcile(name, item);
    // A generation that the log knows to be over must not run on here.
    for (auto& [name, runner] : runners_) {
        auto found = state_.packages.find(name);
        runner.needed_by_others(!state_.active_dependents(name).empty());
        if (settled()) {
            bool newest = found != state_.packages.end() && found->second.generation == runner.generation();
            if (newest && runner.is_behind()) runner.restarts_counted(found->second.restarts);
            runner.caught_up(at_.now, out_);
        }
        bool over = found == state_.packages.end() || found->second.generation != runner.generation() ||
                    !found->second.active() || found->second.owner != self_;
        bool behind = found != state_.packages.end() && found->second.generation < runner.generation();
        if (over && !behind && runner.phase() != runner_phase::over && !start_after_store_.contains(name))
            runner.halt(out_);
    }
    tell_conditions();
    forget_ended();
    keep_event_sources();
    report_subnets();
}

void node::reconcile(const std::string& name, const cluster::package_state& item) {
    bool this_life = item.owner_boot.machine == boot_.machine || mutated(mutation::start_for_any_boot);
    if (item.owner != self_ || !this_life || !item.active()) return;
    if (recovered_.contains(name) || reports_open_.contains(name) || reports_after_store_.contains(name)) return;
    auto found = runners_.find(name);
    // A restarted daemon has not applied as far yet as the one before it: this generation is over long since.
    if (found != runners_.end() && found->second.generation() > item.generation) return;
    bool here = found != runners_.end() && found->second.generation() == item.generation;
    if (item.phase == package_phase::starting && !here) return begin_generation(name, item);
    if (here && item.phase == package_phase::halting) {
        if (start_after_store_.erase(name) > 0) {
            // Asked to halt before its first step: nothing has begun.
            runners_.erase(found);
            here = false;
        } else {
            return found->second.halt(out_);
        }
    }
    bool unsaid = here && item.phase == package_phase::starting && found->second.phase() == runner_phase::running;
    if (unsaid && settled()) {
        // The daemon before this one died with the word of it on its way: nobody else would ever say it.
        reports_open_[name] =
            submit_command(cluster::package_report{name, item.generation, self_, report::running, ""}, name_);
        return;
    }
    if (!here && item.phase != package_phase::starting && guard_known_) {
        // Nothing of it was ever begun in this life of the machine.
        ended_[name] = item.generation;
        report_over({name, item.generation, self_, report::halted, "nothing of it runs here"});
    }
}

bool node::is_over_here(const std::string& name, generation number) const {
    auto ended = ended_.find(name);
    return ended != ended_.end() && ended->second >= number && !mutated(mutation::restart_ended_generation);
}

void node::begin_generation(const std::string& name, const cluster::package_state& item) {
    if (is_over_here(name, item.generation)) {
        return report_over({name, item.generation, self_, report::lease_ended, "the lease was lost"});
    }
    // A generation names the life it is meant for; only that life, settled, may obey.
    bool this_life = item.owner_boot.machine == boot_.machine || mutated(mutation::start_for_any_boot);
    if (!this_life || !settled() || stopped_applying_ || reset_asked_ || lease_lost_ || leaving_) return;
    if (!lease_.may_start(at_.now, times_.member_timeout, state_.applied)) return;
    auto former = runners_.find(name);
    if (former != runners_.end() && former->second.phase() != runner_phase::over) return;
    auto config = config_of(name);
    if (!config) return;
    runner fresh(*config, item.generation, name_, environment_of(*config, item.generation));
    if (const auto* partly = state_.runs_partly(name)) fresh.take_only(partly->steps);
    runners_.insert_or_assign(name, std::move(fresh));
    for (const auto& address : config->addresses)
        if (doubtful_.erase(address.address) > 0) runners_.at(name).doubt(address.address);
    local_.packages[name] = record_of(runners_.at(name), runner_phase::starting);
    persist_local();
    start_after_store_[name] = stores_made_;
    if (mutated(mutation::start_before_record)) start_after_store_[name] = 0, start_stored();
}

// The record is durable: the first step may be taken, if the lease still allows it.
void node::start_stored() {
    for (auto next = start_after_store_.begin(); next != start_after_store_.end();) {
        auto [name, number] = *next;
        if (number > stores_done_) {
            ++next;
            continue;
        }
        auto& item = runners_.at(name);
        auto found = state_.packages.find(name);
        bool wanted = found != state_.packages.end() && found->second.generation == item.generation() &&
                      found->second.phase == package_phase::starting && !is_over_here(name, item.generation());
        next = start_after_store_.erase(next);
        if (wanted && !lease_lost_ && !leaving_ && lease_.may_start(at_.now, times_.member_timeout, state_.applied)) {
            item.start(out_);
        } else {
            runners_.erase(name);  // reconcile() tries again or says that it is over
        }
    }
}

void node::adopt_recovered() {
    if (!guard_known_ || recovered_.empty() || !state_.formed()) return;
    // The log does not yet say all that the daemon before this one knew of it.
    if ((guard_detached_ || state_.is_detached(self_)) && !settled()) return;
    for (auto next = recovered_.begin(); next != recovered_.end();) {
        auto config = config_of(next->first);
        if (!config || stays_detached(next->first)) {
            ++next;
            continue;
        }
        auto recorded = next->second;
        auto known = state_.packages.find(next->first);
        bool over = known != state_.packages.end() && known->second.generation >= recorded.generation &&
                    (known->second.generation != recorded.generation || known->second.owner != self_ ||
                     !known->second.active() || known->second.phase == package_phase::halting);
        // The lease passed while the daemon was down: nothing of it may go on here.
        over = over || !lease_holds(at_.now);
        // A service that was halted on purpose must not count as one that died.
        if (over && recorded.phase == runner_phase::running) recorded.phase = runner_phase::halting;
        runner item(*config, recorded.generation, name_, environment_of(*config, recorded.generation));
        if (!recorded.only.empty()) item.take_only(recorded.only);
        item.recall(recorded.parts, recorded.own);
        bool counted = known != state_.packages.end() && known->second.generation == recorded.generation;
        if (counted) item.restarts_counted(known->second.restarts);
        item.maintained(known != state_.packages.end() && known->second.maintained);
        item.adopt(living_, recorded.phase, out_);
        runners_.insert_or_assign(next->first, std::move(item));
        next = recovered_.erase(next);
    }
    if (recovered_.empty()) living_.clear();
}

void node::runner_says(const std::string& name, runner& item) {
    bool of_the_reset = resets_itself();
    for (auto& news : item.take_news()) {
        if (of_the_reset) continue;
        if (news.fail_fast && !reset_asked_) {
            reset_asked_ = true;
            out_.add(reset_node{std::string(news.report == report::failing_fast ? "node" : "service") +
                                "_fail_fast_enabled: " + news.detail});
        }
        if (!news.event.empty()) {
            bool well = news.event == "package_changed" || news.event == "resource_seen_again";
            const char* severity = well ? "info" : "warning";
            submit_command(
                cluster::cluster_event{
                    self_, "", news.event, severity, {{"package", name}, {"said", std::move(news.detail)}}},
                name_);
            continue;
        }
        if (news.ignored) {
            submit_command(cluster::service_down{name, item.generation(), news.service, news.detail}, name_);
            continue;
        }
        if (!news.report) {
            submit_command(
                cluster::service_restarted{name, item.generation(), news.service, news.restarts, news.detail}, name_);
            continue;
        }
        auto what = *news.report;
        if (what == report::halted && is_over_here(name, item.generation())) what = report::lease_ended;
        auto& record = local_.packages[name];
        record = record_of(item, item.phase());
        bool gone = item.phase() == runner_phase::over &&
                    (what == report::halted || what == report::halt_exit_2 || what == report::lease_ended ||
                     what == report::start_exit_1 || what == report::start_exit_2 || what == report::start_timeout);
        cluster::package_report told{name, item.generation(), self_, what, std::move(news.detail)};
        if (gone) {
            report_over(std::move(told));
        } else {
            persist_local();
            reports_open_[name] = submit_command(std::move(told), name_);
        }
    }
}

// Once another node may run it, no daemon that starts here may find it on record as its own.
void node::report_over(cluster::package_report told) {
    auto name = told.package;
    auto recorded = local_.packages.find(name);
    if (recorded == local_.packages.end() || recorded->second.generation > told.generation) {
        reports_open_[name] = submit_command(std::move(told), name_);
        return;
    }
    local_.packages.erase(recorded);
    persist_local();
    reports_after_store_[name] = {stores_made_, std::move(told)};
}

void node::reports_stored() {
    for (auto next = reports_after_store_.begin(); next != reports_after_store_.end();) {
        auto& [name, item] = *next;
        if (item.after > stores_done_) {
            ++next;
            continue;
        }
        reports_open_[name] = submit_command(std::move(item.told), name_);
        next = reports_after_store_.erase(next);
    }
}

// A halt or undoing that has begun goes on record, so that a restarted daemon ends it instead of
// taking its dead services for failed ones. Starts are recorded before, ends with their report.
void node::record_phases() {
    bool changed = false;
    for (const auto& [name, item] : runners_) {
        auto found = local_.packages.find(name);
        bool ending = item.phase() == runner_phase::halting || item.phase() == runner_phase::undoing;
        if (found == local_.packages.end() || found->second.generation != item.generation()) continue;
        auto own = own_of(item);
        changed = changed || (ending && found->second.phase != item.phase()) || found->second.parts != item.parts() ||
                  found->second.own != own || item.wants_record();
        if (ending) found->second.phase = item.phase();
        found->second.parts = item.parts();
        found->second.own = std::move(own);
    }
    if (!changed) return;
    // What a part is that came while it runs, the log alone says: whoever finds the record has to find that too.
    bool comes =
        std::any_of(runners_.begin(), runners_.end(), [](const auto& item) { return item.second.wants_record(); });
    if (comes) raft_.keep_commit();
    if (comes) flush_stores();
    persist_local();
    for (auto& [name, item] : runners_)
        if (item.wants_record()) item.record_is(stores_made_);
}

// D2: an older version could not read it. From that level on it may change while the package runs (SG 3.11).
std::optional<own_parts> node::own_of(const runner& item) const {
    if (state_.feature_level < cluster::online_parts_level) return std::nullopt;
    auto own = item.own();
    if (state_.feature_level < cluster::online_scripts_level) own.scripts.reset();
    if (state_.feature_level < cluster::online_storage_level) own.stored.reset();
    return own;
}

local_record::active node::record_of(const runner& item, runner_phase phase) const {
    return {item.generation(), boot_.machine, phase, item.parts(), own_of(item), item.taken_only()};
}

void node::forget_ended() {
    // A start that was given up before its first step, and whose generation others have ended since.
    auto stale = std::erase_if(local_.packages, [this](const auto& item) {
        const auto& [name, record] = item;
        if (runners_.contains(name) || recovered_.contains(name)) return false;
        auto found = state_.packages.find(name);
        return found == state_.packages.end() || found->second.generation > record.generation;
    });
    if (stale > 0) persist_local();
    std::erase_if(runners_, [this](const auto& item) {
        if (item.second.phase() != runner_phase::over || start_after_store_.contains(item.first)) return false;
        if (reports_open_.contains(item.first) || reports_after_store_.contains(item.first)) return false;
        auto found = state_.packages.find(item.first);
        bool still_ours = found != state_.packages.end() && found->second.active() && found->second.owner == self_ &&
                          found->second.generation == item.second.generation();
        return !still_ours;
    });
}

// While the fence runs there is time to look whether somebody else answers for the addresses.
void node::probe_addresses(const cluster::fence_request& request) {
    policy::plan made(state_);
    policy::next_nodes next(state_, made);
    for (const auto& [name, item] : state_.packages) {
        const auto* config = state_.find_package(name);
        if (config == nullptr || config->addresses.empty()) continue;
        if (!item.active() || item.owner != request.node || next.of(name) != self_) continue;
        for (const auto& address : config->addresses) {
            auto id = out_.new_request();
            probes_[id] = address.address;
            out_.add(call_plugin{id, name + "/address " + address.address, "prepare", {}, duration{5'000'000}});
        }
    }
}

// One whose halt failed may have addresses up and data open: it binds this node as one that runs.
bool node::packages_here() const {
    // A start on record is one that the next daemon has to undo: the lease binds it before its first step.
    if (!start_after_store_.empty()) return true;
    return std::any_of(runners_.begin(), runners_.end(),
                       [](const auto& item) { return item.second.phase() != runner_phase::over; }) ||
           !active_packages().empty();
}

// "When the lease is lost the generation is over on that node": whether it runs, or was still to begin.
void node::mark_generations_over() {
    for (const auto& [name, item] : state_.packages)
        if (item.owner == self_ && item.owner_boot.machine == boot_.machine) ended_[name] = item.generation;
    for (auto& [name, item] : runners_) ended_[name] = std::max(ended_[name], item.generation());
}

void node::end_generations() {
    mark_generations_over();
    for (auto& [name, item] : runners_) {
        if (!start_after_store_.contains(name) && item.phase() != runner_phase::over) item.halt(out_);
    }
}

// "Two voters": one of two at most, with proof as the tie-break, can't be passed by: whoever would lead needs its
// vote or its power-off. Evaluated on every turn, before a stored entry is answered.
bool node::lease_endless() const {
    const auto& active = raft_.active();
    if (mutated(mutation::endless_lease_of_three)) return true;
    return raft_.of_two_at_most(self_) && std::all_of(active.begin(), active.end(), [this](const auto& item) {
               const auto* own = item.set.find(self_);
               return item.set.kind == consensus::tie_break::proof && own->store == store_;
           });
}

bool node::lease_holds(time_point now) const {
    if (mutated(mutation::run_past_lease)) return true;
    if (detached_here()) return true;
    return lease_.valid(now) || (lease_.end() != time_point::min() && lease_endless());
}

void node::check_lease() {
    // After a daemon restart the lease is what the guard was last told; until it says so, nothing
    // is known, and the guard watches its end meanwhile.
    if (!guard_known_) return;
    if (detached_here()) {
        lease_lost_ = lease_lapsed_ = holds_told_ = false;
        if (std::exchange(told_detached_, true)) return;
        told_packages_ = false;
        told_lease_end_ = lease_without_end;
        return out_.add(set_lease{lease_without_end, false, true});
    }
    if (unbound()) return;
    bool packages = packages_here();
    if (lease_holds(at_.now)) {
        lease_lost_ = false;
        lease_lapsed_ = false;
    } else if (!lease_lapsed_ && lease_.end() != time_point::min()) {
        lease_lapsed_ = true;
        mark_generations_over();
    }
    if (!lease_holds(at_.now) && packages && !lease_lost_) {
        lease_lost_ = true;
        out_.say("error", "the lease has ended: no quorate leader acknowledged this node in time");
        bool reset = state_.config.cluster.on_quorum_loss == cluster_config::quorum_loss::reset;
        if (reset && !reset_asked_) {
            reset_asked_ = true;
            out_.add(reset_node{"lease ended"});
        }
        end_generations();
    }
    if (lease_lost_ && !lease_endless() && packages && !reset_asked_ && at_.now >= lease_.end() + times_.halt_timeout) {
        reset_asked_ = true;
        out_.add(reset_node{"packages did not halt within lease_halt_timeout"});
    }
    auto end = lease_.end();
    if (end == time_point::min()) return;
    // Under `halt` the guard waits until the halting had its time.
    end = lease_endless() ? lease_without_end : end + times_.halt_timeout;
    bool shorter = end < told_lease_end_;
    bool bound_again = told_detached_ || (holds_for_ && !holds_told_);
    if (shorter || packages != told_packages_ || told_lease_end_ == time_point::min() || bound_again ||
        end - told_lease_end_ >= times_.heartbeat_interval / 2) {
        told_detached_ = false;
        holds_told_ = static_cast<bool>(holds_for_);
        told_packages_ = packages;
        told_lease_end_ = end;
        out_.add(set_lease{end, packages, false});
    }
}

// The package as its instance here runs it: NAME@NODE is what processes and plugins are called by.
std::optional<package_config> node::config_of(const std::string& instance) const {
    const auto* found = state_.find_package(instance);
    if (found == nullptr) return std::nullopt;
    auto config = *found;
    config.name = instance;
    return config;
}

// What a Serviceguard script expects (SG 3.10), and the same under names of our own.
string_pairs node::environment_of(const package_config& package, generation number) const {
    auto name = cluster::package_of(package.name);
    std::string addresses;
    for (const auto& item : package.addresses) addresses += (addresses.empty() ? "" : " ") + item.address;
    string_pairs list{{"SG_PACKAGE", name},
                      {"SG_PACKAGE_NAME", name},
                      {"SG_NODE", name_},
                      {"SG_CLUSTER", state_.config.cluster.name},
                      {"SG_SCRIPT_LOG_FILE", package.script_log_file},
                      {"SG_LOG_LEVEL", std::to_string(package.log_level)},
                      {"MAINSTAY_PACKAGE", name},
                      {"MAINSTAY_NODE", name_},
                      {"MAINSTAY_CLUSTER", state_.config.cluster.name},
                      {"MAINSTAY_GENERATION", std::to_string(number.value)},
                      {"MAINSTAY_ADDRESSES", addresses}};
    for (const auto& [variable, value] : package.variables) list.emplace_back(environment_name(variable), value);
    return list;
}

}  // namespace mainstay::node
