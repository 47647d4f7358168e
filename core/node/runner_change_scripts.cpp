// External scripts of a running package that come and go (SG 3.11): one that is added runs with `start` at once, one
// that is taken out with `stop`. One that is added is on record before it runs: whoever starts here after a crash ends
// what it has begun.
#include <algorithm>

#include "node/how_it_ended.hpp"
#include "node/runner.hpp"

namespace mainstay::node {

using cluster::report;

namespace {

bool same(const own_parts::script& one, const own_parts::script& other) {
    return one.path == other.path && one.pre == other.pre;
}

std::string called(const own_parts::script& item) {
    return (item.pre ? "external_pre_script " : "external_script ") + item.path;
}

}  // namespace

bool runner::is_wanted(const own_parts::script& item) const {
    return std::any_of(wanted_scripts_.begin(), wanted_scripts_.end(),
                       [&](const auto& wanted) { return same(wanted, item); });
}

std::vector<own_parts::script>::iterator runner::own_script(const own_parts::script& like) {
    return std::find_if(own_.scripts->begin(), own_.scripts->end(), [&](const auto& item) { return same(item, like); });
}

// As the configuration has them; what is on its way out comes last, and so is halted first.
void runner::order_scripts() {
    std::vector<own_parts::script> list;
    for (const auto& wanted : wanted_scripts_)
        if (auto found = own_script(wanted); found != own_.scripts->end()) list.push_back(*found);
    for (const auto& item : *own_.scripts)
        if (!is_wanted(item)) list.push_back(item);
    own_.scripts = std::move(list);
    lay_over();
}

// True when none of that kind is left that is not wanted; the last one first.
bool runner::stop_scripts(bool pre, effects& out) {
    order_scripts();
    auto& list = *own_.scripts;
    auto last =
        std::find_if(list.rbegin(), list.rend(), [&](const auto& item) { return item.pre == pre && !is_wanted(item); });
    if (last == list.rend()) return true;
    run_own_script(*last, part_change::stopping_script, out);
    return false;
}

// True when all of that kind that are wanted are up.
bool runner::start_scripts(bool pre, effects& out) {
    if (condition_failed_) return true;
    for (const auto& wanted : wanted_scripts_) {
        if (wanted.pre != pre) continue;
        auto found = own_script(wanted);
        if (found == own_.scripts->end()) {
            own_.scripts->push_back({wanted.path, pre, false});
            uncalled_script_ = true;
            wants_record_ = true;
            order_scripts();
            return false;
        }
        if (found->up) continue;
        uncalled_script_ = false;
        run_own_script(*found, part_change::starting_script, out);
        return false;
    }
    return true;
}

void runner::run_own_script(const own_parts::script& item, part_change what, effects& out) {
    changing_ = what;
    changing_script_ = item;
    const auto& paths = item.pre ? config_.external_pre_scripts : config_.external_scripts;
    step run;
    run.kind = item.pre ? step::kind_type::pre_script : step::kind_type::external;
    run.index = static_cast<std::size_t>(std::find(paths.begin(), paths.end(), item.path) - paths.begin());
    script(run, what == part_change::starting_script, out);
}

bool runner::script_changed(const node::process_exited& item, effects& out) {
    bool starting = changing_ == part_change::starting_script;
    if (!starting && changing_ != part_change::stopping_script) return false;
    changing_ = part_change::none;
    bool halt_waits = phase_ == runner_phase::halting;
    starting ? script_started(item, out) : script_stopped(item);
    change_ended(halt_waits, out);
    return true;
}

// The package without it is not what its configuration says: it has failed as by a service that can't be started. As at
// a start the script itself is not told to stop. One that was broken off by a halt is.
void runner::script_started(const node::process_exited& item, effects& out) {
    auto found = own_script(changing_script_);
    if (found == own_.scripts->end()) return;  // a halt that came in between has let it go
    if (item.code == 0 && !item.timed_out) {
        found->up = true;
        changed_.push_back(called(*found) + " started");
        return;
    }
    if (phase_ != runner_phase::running || halt_asked_) return;
    auto why = called(*found) + ' ' + how_it_ended(item);
    own_.scripts->erase(found);
    lay_over();
    condition_failed_ = true;
    report(report::service_failed, std::move(why));
    if (!needed_) halt(out);
}

// It is not in the configuration any more: nobody could ask for its halt again.
void runner::script_stopped(const node::process_exited& item) {
    if (item.code != 0 || item.timed_out) {
        tell("script_not_stopped", called(changing_script_) + ' ' + how_it_ended(item));
    } else {
        changed_.push_back(called(changing_script_) + " stopped");
    }
    // One that never ran is let go of by a halt that comes in between.
    auto found = own_script(changing_script_);
    if (found == own_.scripts->end()) return;
    own_.scripts->erase(found);
    lay_over();
}

void runner::drop_uncalled_script() {
    if (!std::exchange(uncalled_script_, false)) return;
    std::erase_if(*own_.scripts, [](const auto& item) { return !item.up; });
    lay_over();
    begun_ = steps().size();
}

}  // namespace mainstay::node
