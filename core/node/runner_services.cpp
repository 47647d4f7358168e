// The services of a generation: started, watched, restarted (SG 4.5, 4.6), ended.
#include <algorithm>
#include <cctype>
#include <cstring>

#include "node/how_it_ended.hpp"
#include "node/runner.hpp"

namespace mainstay::node {

using cluster::report;

namespace {

// One program by its path with plain words takes the place of the shell, and its end is told as it was. All else is the
// shell's own to run; the whole tree is ended with it.
std::string for_shell(const std::string& command) {
    auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || std::strchr("_/.,:+@%^-=${} \t", c) != nullptr; };
    bool simple = command.starts_with('/') && command.find('\0') == std::string::npos &&
                  std::all_of(command.begin(), command.end(), plain);
    return simple ? "exec " + command : command;
}

}  // namespace

void runner::start_service(std::size_t index, effects& out) {
    auto& now = services_[index];
    now.process = out.new_request();
    run_process item;
    item.request = now.process;
    item.package = config_.name;
    item.label = "service:" + config_.services[index].name;
    const auto& config = config_.services[index];
    item.argv = {"/bin/sh", "-c",
                 for_shell(config.by_script() ? parts_.services[config.name].command : config.command)};
    item.environment = environment_;
    // SG 4.5: so that the service can see that it is a restart.
    item.environment.emplace_back("service_restart", std::to_string(now.restarts));
    item.environment.emplace_back("SERVICE_RESTART_COUNT", std::to_string(now.restarts));
    item.environment.emplace_back("MAINSTAY_SERVICE", config_.services[index].name);
    item.log_file = config_.script_log_file;
    item.service = true;
    log_step("service " + config.name + ": started" +
                 (now.restarts > 0 ? ", restart " + std::to_string(now.restarts) : std::string()),
             out);
    out.add(std::move(item));
}

// SG restarts at once. So does this, except for a service that dies young again and again: it would
// fill the log and the machine.
void runner::restart_later(std::size_t index, time_point now, effects& out) {
    constexpr duration young{1'000'000};
    constexpr duration back_off_first{100'000};
    constexpr duration back_off_max{5'000'000};
    auto& item = services_[index];
    bool died_young = item.started != time_point::min() && now - item.started < young;
    if (!died_young || item.restarts <= 1) {
        item.back_off = duration{0};
        item.started = now;
        return start_service(index, out);
    }
    item.back_off = std::clamp(item.back_off * 2, back_off_first, back_off_max);
    item.restart_at = now + item.back_off;
}

// One that heals starts anew with the daemon: nobody knows how long it has been well.
void runner::restarts_counted(const std::map<std::string, std::uint32_t>& counts) {
    for (std::size_t i = 0; i < services_.size(); ++i) {
        const auto& config = config_.services[i];
        auto found = counts.find(config.name);
        bool counts_on = found != counts.end() && !config.by_script() && !config.restart_heal;
        if (counts_on) services_[i].restarts = std::max(services_[i].restarts, found->second);
    }
}

void runner::reset_restarts(const std::string& named) {
    for (std::size_t i = 0; i < services_.size(); ++i) {
        const auto& name = config_.services[i].name;
        if (!named.empty() && name != named) continue;
        services_[i].restarts = 0;
        services_[i].back_off = duration{0};
        if (auto given = parts_.services.find(name); given != parts_.services.end()) given->second.restarts = 0;
    }
}

void runner::tick(time_point now, effects& out) {
    for (std::size_t i = 0; i < services_.size(); ++i) {
        if (services_[i].restart_at > now) continue;
        services_[i].restart_at = never;
        services_[i].started = now;
        bool runs = phase_ == runner_phase::running || phase_ == runner_phase::starting;
        if (!runs) continue;
        maintained_ ? ended_in_maintenance(i, "was about to be restarted") : start_service(i, out);
    }
    change_later(now, out);
    look(now, out);
}

void runner::ended_in_maintenance(std::size_t index, const std::string& how) {
    runner_news ended;
    ended.service = config_.services[index].name;
    ended.detail = how;
    ended.ignored = true;
    news_.push_back(std::move(ended));
}

void runner::service_ended(std::size_t index, const node::process_exited& item, time_point at, effects& out) {
    auto& now = services_[index];
    const auto& config = config_.services[index];
    now.process = request_id{};
    bool halted = !now.halters.empty();
    if (halted) halted_by_script(index, out);
    if (phase_ == runner_phase::undoing || phase_ == runner_phase::halting) {
        if (services_gone(config.by_script()) && !waiting_ && orphans_.empty()) next_undo(out);
        return;
    }
    if (halted || phase_ == runner_phase::over) return;
    if (own_.services[index].leaving) {
        forget_service(index);
        return next_change(out);
    }
    // What the log still has to say may be that all of this is over.
    if (behind_) {
        now.unjudged = true;
        return;
    }
    // SG 4.6: any exit, even 0, is a failure.
    auto text = how_it_ended(item);
    log_step("service " + config.name + ": " + text, out);
    if (maintained_) return ended_in_maintenance(index, text);
    bool healed = config.restart_heal && now.started != time_point::min() && at - now.started >= *config.restart_heal;
    if (healed) now.restarts = 0;
    auto limit = restart_max(index);
    if (!limit || now.restarts < *limit) {
        ++now.restarts;
        if (config.by_script()) parts_.services[config.name].restarts = now.restarts;
        runner_news again;
        again.service = config.name;
        again.restarts = now.restarts;
        again.detail = text;
        news_.push_back(std::move(again));
        restart_later(index, at, out);
        return;
    }
    // SG 4.5: one that ends during the run script has failed after the start.
    if (phase_ == runner_phase::starting && waiting_ && config.by_script()) {
        now.failed = text;
        return;
    }
    service_dead(index, text, out);
}

void runner::service_dead(std::size_t index, const std::string& how, effects& out) {
    const auto& config = config_.services[index];
    runner_news dead;
    dead.report = report::service_failed;
    dead.detail = "service " + config.name + " " + how;
    dead.fail_fast = config.fail_fast;
    news_.push_back(std::move(dead));
    // SG 4.9: with fail fast the node is reset, no halt script runs.
    if (!config.fail_fast && !needed_) halt(out);
}

std::vector<living_process> runner::living() const {
    std::vector<living_process> list;
    for (std::size_t i = 0; i < services_.size(); ++i)
        if (services_[i].process)
            list.push_back({services_[i].process, config_.name, "service:" + config_.services[i].name});
    return list;
}

bool runner::services_gone(bool by_script) const {
    for (std::size_t i = 0; i < services_.size(); ++i)
        if (config_.services[i].by_script() == by_script && services_[i].process) return false;
    return true;
}

// True when none of them is left.
bool runner::end_services(bool by_script, effects& out) {
    for (std::size_t i = 0; i < services_.size(); ++i)
        if (config_.services[i].by_script() == by_script) services_[i].restart_at = never;
    bool gone = services_gone(by_script);
    for (std::size_t i = 0; i < services_.size() && !gone && !killing_; ++i)
        if (config_.services[i].by_script() == by_script && services_[i].process && !services_[i].leaving)
            out.add(kill_process{services_[i].process, config_.services[i].halt_timeout});
    killing_ = !gone;
    return gone;
}

}  // namespace mainstay::node
