#include "node/runner.hpp"

#include <algorithm>

#include "cluster/fail_fast.hpp"
#include "model/assert.hpp"
#include "node/how_it_ended.hpp"

namespace mainstay::node {

using cluster::report;

namespace {

// For an address, and for what has no limit: longer than any fsck.
constexpr duration address_timeout{120'000'000};
constexpr duration no_timeout{std::int64_t{7} * 24 * 3600 * 1'000'000};

}  // namespace

runner::runner(package_config config, mainstay::generation generation, std::string own_node, string_pairs environment)
    : config_(std::move(config)),
      generation_(generation),
      own_node_(std::move(own_node)),
      environment_(std::move(environment)) {
    set_wanted(config_);
    own_all();
}

std::vector<runner::step> runner::steps() const {
    using kind = step::kind_type;
    std::vector<step> list;
    auto add = [&](kind what, package_step name, std::size_t count) {
        if (!takes(name)) return;
        for (std::size_t i = 0; i < count; ++i) list.push_back({what, i});
    };
    add(kind::pre_script, package_step::external_pre_script, config_.external_pre_scripts.size());
    add(kind::volume_group, package_step::volume_group, config_.volume_groups.size());
    add(kind::file_system_check, package_step::filesystem, config_.filesystems.size());
    add(kind::file_system, package_step::filesystem, config_.filesystems.size());
    add(kind::address, package_step::address, config_.addresses.size());
    add(kind::resource, package_step::resource, config_.resources.size());
    list.push_back({kind::script_parts, 0});
    bool scripts = !config_.run_script.empty() || !config_.halt_script.empty();
    add(kind::script, package_step::run_script, scripts ? 1 : 0);
    add(kind::external, package_step::external_script, config_.external_scripts.size());
    bool own = std::any_of(config_.services.begin(), config_.services.end(),
                           [](const auto& item) { return !item.by_script(); });
    add(kind::services, package_step::service, own ? 1 : 0);
    bool waits = std::any_of(config_.generic_resources.begin(), config_.generic_resources.end(),
                             [](const auto& item) { return !item.before_start; });
    add(kind::conditions, package_step::generic_resource, waits ? 1 : 0);
    return list;
}

bool runner::takes(package_step what) const {
    return only_.empty() || std::find(only_.begin(), only_.end(), what) != only_.end();
}

void runner::take_only(std::vector<package_step> steps) {
    only_ = std::move(steps);
    set_wanted(config_);
    own_all();
}

bool runner::is_script(const step& item) {
    using kind = step::kind_type;
    return item.kind == kind::script || item.kind == kind::pre_script || item.kind == kind::external;
}

const std::string& runner::path_of(const step& item, bool start) const {
    if (item.kind == step::kind_type::pre_script) return config_.external_pre_scripts[item.index];
    if (item.kind == step::kind_type::external) return config_.external_scripts[item.index];
    return start ? config_.run_script : config_.halt_script;
}

void runner::report(cluster::report what, std::string detail) {
    runner_news item;
    item.report = what;
    item.detail = std::move(detail);
    news_.push_back(std::move(item));
}

std::vector<runner_news> runner::take_news() { return std::exchange(news_, {}); }

// ---- start -------------------------------------------------------------------------------------

void runner::start(effects& out) {
    phase_ = runner_phase::starting;
    begun_ = 0;
    log_frame("starting package " + config_.name, out);
    next_start(out);
}

void runner::next_start(effects& out) {
    auto list = steps();
    while (phase_ == runner_phase::starting) {
        if (!beside_.empty() && (begun_ == list.size() || !goes_beside(list[begun_]))) return;
        if (begun_ == list.size()) {
            phase_ = runner_phase::running;
            log_frame("package start completed", out);
            report(report::running, "");
            return;
        }
        auto now = list[begun_++];
        switch (now.kind) {
            case step::kind_type::script:
            case step::kind_type::pre_script:
            case step::kind_type::external:
                if (path_of(now, true).empty()) continue;
                return script(now, true, out);
            case step::kind_type::services:
                for (std::size_t i = 0; i < services_.size(); ++i)
                    if (!config_.services[i].by_script()) start_service(i, out);
                continue;
            case step::kind_type::script_parts:
                continue;
            case step::kind_type::conditions:
                awaits_ = true;
                return;
            case step::kind_type::volume_group:
            case step::kind_type::file_system_check:
            case step::kind_type::file_system:
                call_beside(now, now.kind == step::kind_type::file_system_check ? "prepare" : "start", out);
                continue;
            case step::kind_type::address:
                probing_ = doubtful_.erase(config_.addresses[now.index].address) > 0;
                return call(now, probing_ ? "prepare" : "start", out);
            default:
                return call(now, "start", out);
        }
    }
}

void runner::start_step_ended(bool ok, cluster::report how, const std::string& detail, bool nothing_begun,
                              effects& out) {
    if (ok && !halt_asked_) return died_early(out) ? void() : next_start(out);
    if (nothing_begun) --begun_;
    if (halt_asked_) return begin_undo(out);
    failed(how, detail, nothing_begun, out);
}

// `nothing_begun`: the step left nothing, neither to undo nor to reset a node for.
void runner::failed(cluster::report how, std::string detail, bool nothing_begun, effects& out) {
    // A plugin says what it did and undoes it: a typo must not reset one node after the other. When undoing fails, the
    // halt has failed.
    bool by_plugin = how == report::start_exit_2 && begun_ > 0 && !runs_script();
    if (!nothing_begun && !by_plugin && fails_fast(how)) return fail_fast(std::move(detail), out);
    start_failure_ = how;
    failure_detail_ = std::move(detail);
    // SG 4.9: after a failed run script its halt script does not run; what began before it is undone.
    if (!nothing_begun && runs_script()) --begun_;
    phase_ = runner_phase::undoing;
    next_undo(out);
}

void runner::call(const step& item, const char* verb, effects& out) {
    waiting_ = out.new_request();
    killing_ = false;
    auto arguments = environment_;
    if (item.kind == step::kind_type::address) {
        const auto& address = own_.addresses[item.index];
        // No configuration says any more what it is.
        if (!is_wanted(address)) {
            arguments.emplace_back("address", address.address);
            arguments.emplace_back("subnet", address.subnet);
        }
    }
    auto limit = call_limit(item, verb != std::string_view("stop"));
    out.add(call_plugin{waiting_, config_.name + "/" + name_of(item), verb, std::move(arguments), limit});
}

duration runner::call_limit(const step& item, bool start) const {
    const auto& wanted = start ? config_.run_script_timeout : config_.halt_script_timeout;
    if (wanted && !maintained_) return *wanted;
    return item.kind == step::kind_type::address ? address_timeout : no_timeout;
}

std::string runner::name_of(const step& item) const {
    switch (item.kind) {
        case step::kind_type::address:
            return "address " + own_.addresses[item.index].address;
        case step::kind_type::volume_group:
            return "vg " + config_.volume_groups[item.index].name;
        case step::kind_type::file_system_check:
        case step::kind_type::file_system:
            return "filesystem " + config_.filesystems[item.index].directory;
        default:
            return config_.resources[item.index].name;
    }
}

bool runner::fails_fast(cluster::report how) const { return cluster::resets_node(config_, maintained_, how); }

void runner::script(const step& item, bool start, effects& out) {
    waiting_ = out.new_request();
    killing_ = false;
    const auto& path = path_of(item, start);
    run_process run;
    run.request = waiting_;
    run.package = config_.name;
    if (item.kind == step::kind_type::script) {
        run.label = start ? "run_script" : "halt_script";
    } else {
        auto kind = std::string(item.kind == step::kind_type::external ? "external_script " : "external_pre_script ");
        run.label = kind + path + (start ? "" : " stop");
    }
    run.argv = {path, start ? "start" : "stop"};
    run.environment = environment_;
    run.log_file = config_.script_log_file;
    if (!maintained_) run.timeout = start ? config_.run_script_timeout : config_.halt_script_timeout;
    out.add(std::move(run));
}

// ---- while it runs -----------------------------------------------------------------------------

time_point runner::deadline() const {
    auto due = never;
    for (const auto& item : services_) due = std::min(due, item.restart_at);
    due = std::min({due, look_at_, change_again_});
    return awaits_ ? std::min(due, awaits_until_) : due;
}

void runner::lacks(const std::vector<cluster::lacking>& now, time_point at, effects& out) {
    if (awaits_ && phase_ == runner_phase::starting) {
        auto missing = std::find_if(now.begin(), now.end(),
                                    [](const auto& item) { return item.what == report::during_resource_down; });
        if (missing == now.end() || maintained_) {
            awaits_ = false;
            return next_start(out);
        }
        if (awaits_until_ == never && config_.run_script_timeout) awaits_until_ = at + *config_.run_script_timeout;
        if (at < awaits_until_) return;
        awaits_ = false;
        return failed(report::start_timeout, missing->text, false, out);
    }
    auto gone = std::find_if(now.begin(), now.end(), [](const auto& item) { return !item.unknown; });
    if (gone == now.end() || maintained_ || phase_ != runner_phase::running || condition_failed_ || halt_asked_) return;
    condition_failed_ = true;
    runner_news lost;
    // SG 4.9: with node_fail_fast_enabled the node is reset, no halt script runs.
    lost.report = config_.node_fail_fast ? report::failing_fast : gone->what;
    lost.detail = gone->text;
    lost.fail_fast = config_.node_fail_fast;
    news_.push_back(std::move(lost));
    if (!config_.node_fail_fast && !needed_) halt(out);
}

// ---- halt --------------------------------------------------------------------------------------

void runner::halt(effects& out) {
    if (halt_asked_ && !ended_) return;
    if (ended_ && !halt_failure_) return;
    if (ended_) {  // halt_failed: tried again, after exit 3 from where it stopped, else from the top
        ended_ = false;
        if (halt_failure_ != report::halt_exit_3) begun_ = steps().size();
        halt_failure_.reset();
        failure_detail_.clear();
        skip_halt_script_ = false;
        kept_.clear();
    }
    halt_asked_ = true;
    log_frame("halting package " + config_.name, out);
    if (phase_ == runner_phase::starting && waiting_) {
        // The step under way ends first: a script is told to, a plugin call has its limit.
        if (!killing_ && runs_script()) {
            killing_ = true;
            out.add(kill_process{waiting_, duration{5'000'000}});
        }
        return;
    }
    if (phase_ == runner_phase::undoing) return;
    phase_ = runner_phase::halting;
    drop_uncalled_script();
    if (changing_ == part_change::starting_script && !std::exchange(killing_, true))
        out.add(kill_process{waiting_, duration{5'000'000}});
    // The call of a change under way ends first.
    if (orphans_.empty() && !waiting_) next_undo(out);
}

void runner::begin_undo(effects& out) {
    phase_ = runner_phase::halting;
    next_undo(out);
}

bool runner::runs_script() const {
    auto list = steps();
    return begun_ > 0 && is_script(list[begun_ - 1]);
}

void runner::next_undo(effects& out) {
    auto list = steps();
    while (begun_ > 0) {
        auto now = list[begun_ - 1];
        if (!goes_beside(now)) return;
        if (now.kind == step::kind_type::conditions || now.kind == step::kind_type::file_system_check) {
            awaits_ = false;
            --begun_;
            continue;
        }
        if (now.kind == step::kind_type::services) {
            if (!end_services(false, out)) return;
            --begun_;
            continue;
        }
        if (now.kind == step::kind_type::script_parts) {
            if (!end_services(true, out) || !end_script_parts(out)) return;
            --begun_;
            continue;
        }
        --begun_;
        if (is_script(now)) {
            if (path_of(now, false).empty() || skip_halt_script_) continue;
            return script(now, false, out);
        }
        if (now.kind != step::kind_type::volume_group && now.kind != step::kind_type::file_system)
            return call(now, "stop", out);
        call_beside(now, "stop", out);
    }
    if (beside_.empty()) undone(out);
}

void runner::undo_step_ended(bool ok, cluster::report how, const std::string& detail, effects& out) {
    if (ok) return next_undo(out);
    if (fails_fast(how)) return fail_fast(detail, out);
    // What failed first and worst is reported at the end: exit 2 says that it is down all the same.
    bool worse = halt_failure_ == report::halt_exit_2 && how != report::halt_exit_2;
    if (!halt_failure_ || worse) halt_failure_ = how;
    failure_detail_ = failure_detail_.empty() ? detail : failure_detail_ + "; then " + detail;
    if (how == report::halt_exit_3) {
        ++begun_;  // SG 4.8: it stops here, and goes on from here when it is halted again
        return undone(out);
    }
    next_undo(out);  // the rest is halted all the same
}

// ---- answers -----------------------------------------------------------------------------------

bool runner::process_exited(const node::process_exited& item, time_point now, effects& out) {
    for (std::size_t i = 0; i < services_.size(); ++i) {
        if (services_[i].process != item.request) continue;
        service_ended(i, item, now, out);
        return true;
    }
    if (orphans_.erase(item.request) > 0) {
        if (orphans_.empty() && phase_ == runner_phase::halting && !waiting_) next_undo(out);
        next_change(out);
        return true;
    }
    if (!waiting_ || item.request != waiting_) return false;
    waiting_ = request_id{};
    killing_ = false;
    if (script_changed(item, out)) return true;
    bool ok = item.code == 0 && !item.timed_out;
    auto list = steps();
    if (phase_ == runner_phase::starting) {
        MAINSTAY_ASSERT(begun_ > 0);
        auto name = list[begun_ - 1].kind == step::kind_type::script ? "run_script" : path_of(list[begun_ - 1], true);
        log_step(name + " start: " + how_it_ended(item), out);
        start_step_ended(ok, start_verdict(item), name + " " + how_it_ended(item), false, out);
    } else {
        MAINSTAY_ASSERT(begun_ < list.size());
        auto name = list[begun_].kind == step::kind_type::script ? "halt_script" : path_of(list[begun_], false);
        log_step(name + " stop: " + how_it_ended(item), out);
        undo_step_ended(ok, halt_verdict(item), name + " " + how_it_ended(item), out);
    }
    return true;
}

cluster::report runner::start_verdict(const node::process_exited& item) const {
    if (item.timed_out) return report::start_timeout;
    return item.code == 2 ? report::start_exit_2 : report::start_exit_1;
}

cluster::report runner::halt_verdict(const node::process_exited& item) const {
    // SG 4.8: a halt script that is missing or not executable counts as one that hangs.
    bool missing = item.code == 126 || item.code == 127;
    if (missing && config_.node_fail_fast && !maintained_) return report::failing_fast;
    if (item.timed_out) return report::halt_timeout;
    if (item.code == 2) return report::halt_exit_2;
    return item.code == 3 ? report::halt_exit_3 : report::halt_exit_1;
}

bool runner::plugin_answered(const plugin_answer& item, effects& out) {
    if (address_answered(item, out) || change_answered(item, out) || status_answered(item, out)) return true;
    if (storage_answered(item, out)) return true;
    if (!waiting_ || item.request != waiting_) return false;
    waiting_ = request_id{};
    auto list = steps();
    if (phase_ == runner_phase::starting) {
        MAINSTAY_ASSERT(begun_ > 0);
        if (std::exchange(probing_, false) && item.outcome != call_outcome::failed && !halt_asked_)
            return call(list[begun_ - 1], "start", out), true;
        log_step(name_of(list[begun_ - 1]) + " start: " + how_it_ended(item), out);
        start_step_ended(item.outcome == call_outcome::ok, report::start_exit_2, item.text,
                         item.outcome == call_outcome::not_running, out);
    } else {
        bool stopped = item.outcome == call_outcome::ok || item.outcome == call_outcome::not_running;
        auto address = std::exchange(removing_, {});
        log_step((address.empty() ? name_of(list[begun_]) : "address " + address) + " stop: " + how_it_ended(item),
                 out);
        if (!address.empty()) stopped ? void(parts_.addresses.erase(address)) : void(kept_.insert(address));
        undo_step_ended(stopped, report::halt_exit_1, item.text, out);
    }
    return true;
}

// ---- after a daemon restart ----------------------------------------------------------------------

void runner::adopt(const std::vector<living_process>& living, runner_phase recorded, effects& out) {
    begun_ = steps().size();
    phase_ = runner_phase::running;
    for (const auto& item : living) {
        if (item.package != config_.name) continue;
        bool known = false;
        for (std::size_t i = 0; i < services_.size(); ++i) {
            if (item.label != "service:" + config_.services[i].name) continue;
            services_[i].process = item.request;
            known = true;
        }
        if (known) continue;
        orphans_.insert(item.request);
        // Begun by a change of which nothing is on record yet; what is wanted is begun after it.
        auto grace = duration{1'000'000};
        for (const auto& wanted : wanted_services_)
            if (item.label == "service:" + wanted.name) grace = wanted.halt_timeout;
        out.add(kill_process{item.request, grace});
    }
    if (recorded == runner_phase::over) {
        // Only a failed halt is kept on record: something may be left, so it must not pass for halted.
        phase_ = runner_phase::over;
        ended_ = true;
        halt_failure_ = report::halt_exit_1;
        return report(*halt_failure_, "the halt had failed before the daemon restarted");
    }
    if (recorded != runner_phase::running) {
        halt_asked_ = true;  // or the log's wish to halt would start the next step beside this one
        if (recorded != runner_phase::halting) {
            start_failure_ = report::start_exit_2;
            failure_detail_ = "the daemon ended in the middle of the start";
            // How far a start got is unknown: what its run script left is for the halt script to end.
            skip_halt_script_ = recorded == runner_phase::undoing;
        }
        phase_ = runner_phase::halting;
        if (orphans_.empty()) next_undo(out);
        return;
    }
    for (std::size_t i = 0; i < services_.size(); ++i) {
        if (services_[i].process || phase_ != runner_phase::running) continue;
        const auto& config = config_.services[i];
        if (config.by_script() && !parts_.services.contains(config.name)) continue;
        if (own_.services[i].leaving) continue;
        services_[i].unjudged = true;
    }
    behind_ = true;
}

}  // namespace mainstay::node
