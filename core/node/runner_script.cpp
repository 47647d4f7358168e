// What a control script asks for while it is under way: cmrunserv, cmhaltserv, cmmodnet (SG 3.12, 4.5).
#include <algorithm>

#include "node/runner.hpp"

namespace mainstay::node {

namespace {

constexpr std::size_t command_bytes_max = 32'768;  // far below what one argument of a program may have
constexpr std::size_t addresses_max = 200;         // as of a package's own
constexpr duration address_patience{120'000'000};  // as other calls of a package

bool refuse(std::uint64_t admin, std::string why, effects& out) {
    out.add(admin_done{admin, admin_result::refused, std::move(why)});
    return false;
}

void answer(std::uint64_t admin, std::string text, effects& out) {
    out.add(admin_done{admin, admin_result::done, std::move(text)});
}

}  // namespace

void runner::recall(script_parts parts, const std::optional<own_parts>& own) {
    if (own) {
        own_ = *own;
        if (!own_.scripts) own_.scripts = wanted_scripts_;
        if (!own_.stored) own_.stored = wanted_storage();
        services_.assign(own_.services.size(), {});
        lay_over();
    }
    parts_ = std::move(parts);
    for (const auto& [name, given] : parts_.services)
        if (auto index = find_service(name)) services_[*index].restarts = given.restarts;
}

std::optional<std::size_t> runner::find_service(const std::string& name) const {
    for (std::size_t i = 0; i < config_.services.size(); ++i)
        if (config_.services[i].name == name) return i;
    return std::nullopt;
}

std::optional<std::uint32_t> runner::restart_max(std::size_t index) const {
    const auto& config = config_.services[index];
    auto given = parts_.services.find(config.name);
    return config.by_script() && given != parts_.services.end() ? given->second.restart_max : config.restart_max;
}

// A script that was told to end begins nothing any more.
bool runner::may_begin(request_id script) const {
    return waiting_ && waiting_ == script && phase_ == runner_phase::starting && !killing_ && !halt_asked_;
}

bool runner::script_asks(const script_call& asked, std::uint64_t admin, effects& out) {
    if (!waiting_ || waiting_ != asked.script)
        return refuse(admin, "this script of package " + config_.name + " is not under way any more", out);
    bool begins = asked.verb == script_verb::run_service || asked.verb == script_verb::add_address;
    if (begins && phase_ == runner_phase::running)
        return refuse(admin, "a script that is added while the package runs can't begin this", out);
    // What an earlier step begins would be left when a step before the script's own fails.
    if (begins && phase_ == runner_phase::starting && steps()[begun_ - 1].kind == step::kind_type::pre_script)
        return refuse(admin, "an external_pre_script can't begin this, the run_script can", out);
    if (begins && !may_begin(asked.script)) return refuse(admin, "package " + config_.name + " is halting", out);
    switch (asked.verb) {
        case script_verb::run_service:
            return asks_to_run(asked, admin, out);
        case script_verb::add_address:
            return asks_for_address(asked, admin, out);
        case script_verb::halt_service:
            asks_to_halt(asked, admin, out);
            return false;
        default:
            asks_to_remove(asked, admin, out);
            return false;
    }
}

void runner::script_recorded(const script_call& asked, std::uint64_t admin, effects& out) {
    bool goes_on = may_begin(asked.script);
    if (asked.verb == script_verb::add_address) {
        if (!goes_on || !parts_.addresses.contains(asked.name)) {
            parts_.addresses.erase(asked.name);
            refuse(admin, "package " + config_.name + " is halting", out);
        } else if (is_changing(asked.name)) {
            refuse(admin, asked.name + " is being added or removed already", out);
        } else if (attempted_.contains(asked.name)) {
            address_calls_[call_address(asked.name, "start", out)] = {admin, asked, false};
        } else {
            // SG 6.1: whether somebody else has it is asked first.
            address_calls_[call_address(asked.name, "prepare", out)] = {admin, asked, true};
        }
        return;
    }
    auto index = find_service(asked.name);
    bool wanted = index && !services_[*index].process && parts_.services.contains(asked.name);
    if (!goes_on || !wanted) {
        if (wanted) parts_.services.erase(asked.name);
        refuse(admin, "service " + asked.name + " was halted before it began", out);
        return;
    }
    auto& now = services_[*index];
    now.restarts = 0;
    now.started = time_point::min();
    now.back_off = duration{0};
    start_service(*index, out);
    answer(admin, "service " + asked.name + " runs", out);
}

// ---- services ------------------------------------------------------------------------------------

bool runner::asks_to_run(const script_call& asked, std::uint64_t admin, effects& out) {
    auto index = find_service(asked.name);
    if (!index) {
        std::string known;
        for (const auto& item : config_.services) known += (known.empty() ? "" : ", ") + item.name;
        return refuse(admin,
                      "package " + config_.name + " has no service " + asked.name + "; its service_name lines name " +
                          (known.empty() ? "none" : known),
                      out);
    }
    if (!config_.services[*index].by_script())
        return refuse(admin, "service " + asked.name + " has a service_cmd: it is started after the script", out);
    if (asked.text.empty() || asked.text.size() > command_bytes_max || asked.text.find('\0') != std::string::npos)
        return refuse(admin, "the command of service " + asked.name + " is empty, too long or holds a zero byte", out);
    auto& now = services_[*index];
    if (now.process || (parts_.services.contains(asked.name) && now.failed.empty()))
        return refuse(admin, "service " + asked.name + " runs already", out);
    now.failed.clear();
    parts_.services[asked.name] = {asked.text, asked.restart_max, 0};
    return true;
}

void runner::asks_to_halt(const script_call& asked, std::uint64_t admin, effects& out) {
    auto index = find_service(asked.name);
    if (!index || !config_.services[*index].by_script()) {
        refuse(admin, "package " + config_.name + " has no service " + asked.name + " that its script starts", out);
        return;
    }
    auto& now = services_[*index];
    now.restart_at = never;
    now.failed.clear();
    if (!now.process) {
        parts_.services.erase(asked.name);
        return answer(admin, "service " + asked.name + " does not run", out);
    }
    now.halters.push_back(admin);
    if (now.halters.size() == 1) out.add(kill_process{now.process, config_.services[*index].halt_timeout});
}

void runner::halted_by_script(std::size_t index, effects& out) {
    const auto& name = config_.services[index].name;
    parts_.services.erase(name);
    for (auto admin : std::exchange(services_[index].halters, {})) answer(admin, "service " + name + " is halted", out);
}

// After the start's scripts: has a service that one of them started died for good meanwhile?
bool runner::died_early(effects& out) {
    for (std::size_t i = 0; i < services_.size(); ++i) {
        if (services_[i].failed.empty()) continue;
        auto how = std::exchange(services_[i].failed, {});
        maintained_ ? ended_in_maintenance(i, how) : service_dead(i, how, out);
        if (!maintained_) return true;
    }
    return false;
}

// ---- addresses -----------------------------------------------------------------------------------

request_id runner::call_address(const std::string& address, const char* verb, effects& out) {
    auto request = out.new_request();
    auto arguments = environment_;
    arguments.emplace_back("address", address);
    arguments.emplace_back("subnet", parts_.addresses[address]);
    out.add(call_plugin{request, config_.name + "/address " + address, verb, std::move(arguments), address_patience});
    return request;
}

bool runner::is_changing(const std::string& address) const {
    return std::any_of(address_calls_.begin(), address_calls_.end(),
                       [&](const auto& item) { return item.second.asked.name == address; });
}

bool runner::asks_for_address(const script_call& asked, std::uint64_t admin, effects& out) {
    if (parts_.addresses.contains(asked.name)) {
        if (is_changing(asked.name)) return refuse(admin, asked.name + " is being added or removed already", out);
        auto tried = attempted_.find(asked.name);
        // One that could not be added, or not removed, is on record too: it is tried again, not taken for up.
        if (tried == attempted_.end() || !tried->second) return true;
        answer(admin, asked.name + " is here already", out);
        return false;
    }
    if (parts_.addresses.size() >= addresses_max)
        return refuse(admin, "a package has at most " + std::to_string(addresses_max) + " addresses", out);
    parts_.addresses[asked.name] = asked.text;
    return true;
}

void runner::asks_to_remove(const script_call& asked, std::uint64_t admin, effects& out) {
    if (!parts_.addresses.contains(asked.name)) return answer(admin, asked.name + " is not here", out);
    if (is_changing(asked.name)) return void(refuse(admin, asked.name + " is being added or removed already", out));
    address_calls_[call_address(asked.name, "stop", out)] = {admin, asked, false};
}

bool runner::address_answered(const plugin_answer& item, effects& out) {
    auto found = address_calls_.find(item.request);
    if (found == address_calls_.end()) return false;
    auto call = std::move(found->second);
    address_calls_.erase(found);
    const auto& address = call.asked.name;
    bool adds = call.asked.verb == script_verb::add_address;
    bool ok = item.outcome == call_outcome::ok || (!adds && item.outcome == call_outcome::not_running);
    // As with an address of the package's own, only a station that answers keeps it from being taken.
    bool goes_on = call.probing && item.outcome != call_outcome::failed && may_begin(call.asked.script);
    if (goes_on) {
        call.probing = false;
        address_calls_[call_address(address, "start", out)] = std::move(call);
        return true;
    }
    if (!call.probing) attempted_[address] = adds && ok;
    if (!adds && ok) attempted_.erase(address);
    // Nothing of it is here. One that could not be added or removed stays on record: it is taken away after the script.
    if (call.probing || (!adds && ok)) parts_.addresses.erase(address);
    if (ok && !call.probing) {
        answer(call.admin, address + (adds ? " is on this node" : " is removed"), out);
    } else {
        bool late = call.probing && item.outcome != call_outcome::failed;
        auto why = late                ? "package " + config_.name + " is halting"
                   : item.text.empty() ? address + ": " + to_string(item.outcome)
                                       : item.text;
        out.add(admin_done{call.admin, admin_result::failed, std::move(why)});
    }
    if (phase_ != runner_phase::starting && phase_ != runner_phase::running && phase_ != runner_phase::over &&
        !waiting_ && orphans_.empty())
        next_undo(out);
    return true;
}

// The script had its turn: true when nothing is left of what it began.
bool runner::end_script_parts(effects& out) {
    parts_.services.clear();
    if (!address_calls_.empty()) return false;
    for (const auto& [address, subnet] : parts_.addresses) {
        if (kept_.contains(address)) continue;
        removing_ = address;
        waiting_ = call_address(removing_, "stop", out);
        return false;
    }
    return true;
}

}  // namespace mainstay::node
