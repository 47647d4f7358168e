// The configuration of a running generation changes (SG 3.11): services, scripts and addresses that are not wanted any
// more are halted, then the new ones are started; scripts are in runner_change_scripts.cpp, storage, which only comes,
// in runner_change_storage.cpp. What has begun here is own_, and config_ says the same; what is wanted may differ.
// Nothing is begun that could not be found again: a service is its process, an address or a script is on record before
// it is called for.
#include <algorithm>

#include "model/online_change.hpp"
#include "node/how_it_ended.hpp"
#include "node/runner.hpp"

namespace mainstay::node {

using cluster::report;

namespace {

constexpr duration address_patience{120'000'000};  // as other calls of a package
constexpr duration again_after{10'000'000};        // what could not be removed is tried again

}  // namespace

// ---- what is wanted, and what has begun ----------------------------------------------------------

void runner::set_wanted(const package_config& config) {
    wanted_services_ = config.services;
    std::erase_if(wanted_services_, [this](const auto& item) {
        return !takes(item.by_script() ? package_step::run_script : package_step::service);
    });
    wanted_addresses_ = takes(package_step::address) ? config.addresses : std::vector<package_address>{};
    wanted_scripts_.clear();
    auto add = [this](package_step what, const std::vector<std::string>& paths, bool pre) {
        if (!takes(what)) return;
        for (const auto& path : paths) wanted_scripts_.push_back({path, pre, true});
    };
    add(package_step::external_pre_script, config.external_pre_scripts, true);
    add(package_step::external_script, config.external_scripts, false);
    set_wanted_storage(config);
}

// Its steps begin, or have begun, all of it.
void runner::own_all() {
    own_ = {};
    for (const auto& item : wanted_services_)
        own_.services.push_back({item.name, item.command, item.halt_timeout, false});
    for (const auto& item : wanted_addresses_) own_.addresses.push_back({item.address, item.subnet, true});
    own_.scripts = wanted_scripts_;
    own_.stored = wanted_storage();
    services_.assign(own_.services.size(), {});
    config_.services = wanted_services_;
    config_.addresses = wanted_addresses_;
    lay_over_storage();
}

const service_config* runner::wanted_service(const own_parts::service& item) const {
    for (const auto& wanted : wanted_services_)
        if (wanted.name == item.name && wanted.command == item.command) return &wanted;
    return nullptr;
}

bool runner::is_wanted(const own_parts::ip_address& item) const {
    return std::any_of(wanted_addresses_.begin(), wanted_addresses_.end(), [&](const auto& address) {
        return address.address == item.address && address.subnet == item.subnet;
    });
}

own_parts::ip_address* runner::own_address(const std::string& address) {
    for (auto& item : own_.addresses)
        if (item.address == address) return &item;
    return nullptr;
}

// How a service is watched and halted is said by the newest configuration that has it.
void runner::lay_over() {
    config_.services.clear();
    for (auto& item : own_.services) {
        service_config made;
        made.name = item.name;
        made.command = item.command;
        made.halt_timeout = item.halt_timeout;
        if (const auto* wanted = wanted_service(item)) made = *wanted;
        item.halt_timeout = made.halt_timeout;
        config_.services.push_back(std::move(made));
    }
    config_.addresses.clear();
    for (const auto& item : own_.addresses) config_.addresses.push_back({item.address, item.subnet, {}});
    config_.external_pre_scripts.clear();
    config_.external_scripts.clear();
    for (const auto& item : *own_.scripts)
        (item.pre ? config_.external_pre_scripts : config_.external_scripts).push_back(item.path);
    lay_over_storage();
    if (phase_ == runner_phase::running) begun_ = steps().size();
}

void runner::set_config(package_config config) {
    set_wanted(config);
    config_ = std::move(config);
    lay_over();
}

void runner::take_config(package_config config, string_pairs environment, effects& out) {
    bool begun = phase_ != runner_phase::over || halt_failure_;
    if (begun && !needs_down(known_storage_as_in(config), config, {true, true, true}).empty()) return;
    if (begun) {
        set_config(std::move(config));
        begun_ = std::min(begun_, steps().size());  // the waiting for generic resources may be gone
    } else {
        set_wanted(config);
        config_ = std::move(config);
        own_all();
    }
    environment_ = std::move(environment);
    stuck_.clear();
    next_change(out);
}

// ---- the change ----------------------------------------------------------------------------------

// As far as it goes at once; called again when something of it has ended.
void runner::next_change(effects& out) {
    bool idle = phase_ == runner_phase::running && !halt_asked_ && !waiting_ && orphans_.empty() && !wants_record_ &&
                record_after_ == 0 && !behind_;
    // The new parts begin in the order of a start, the old ones end in that of a halt.
    bool changed = idle && add_storage_first(out) && end_leaving(out) && stop_scripts(false, out) &&
                   remove_addresses(out) && stop_scripts(true, out) && start_scripts(true, out) && add_storage(out) &&
                   add_addresses(out) && start_scripts(false, out);
    if (!changed) return;
    begin_services(out);
    std::string text;
    for (const auto& item : std::exchange(changed_, {})) text += (text.empty() ? "" : ", ") + item;
    if (!text.empty()) tell("package_changed", std::move(text));
}

void runner::tell(const char* event, std::string detail) {
    runner_news item;
    item.event = event;
    item.detail = std::move(detail);
    news_.push_back(std::move(item));
}

bool runner::is_stuck(const std::string& address) const {
    auto found = stuck_.find(address);
    return found != stuck_.end() && found->second;
}

void runner::change_later(time_point now, effects& out) {
    bool waits = std::any_of(stuck_.begin(), stuck_.end(), [](const auto& item) { return item.second; });
    if (!waits || phase_ != runner_phase::running) change_again_ = never;
    if (waits && phase_ == runner_phase::running && change_again_ == never) change_again_ = now + again_after;
    if (change_again_ > now) return;
    change_again_ = never;
    for (auto& [address, waiting] : stuck_) waiting = false;
    next_change(out);
}

void runner::stored(std::uint64_t count, effects& out) {
    if (record_after_ == 0 || record_after_ > count) return;
    record_after_ = 0;
    next_change(out);
}

void runner::caught_up(time_point now, effects& out) {
    if (!std::exchange(behind_, false)) return;
    for (std::size_t i = 0; i < services_.size(); ++i) {
        bool ended = std::exchange(services_[i].unjudged, false) && phase_ == runner_phase::running;
        if (ended && wanted_service(own_.services[i]) != nullptr) ended_meanwhile(i, now, out);
    }
    next_change(out);
}

void runner::ended_meanwhile(std::size_t index, time_point now, effects& out) {
    node::process_exited gone;
    gone.code = unseen_end;
    service_ended(index, gone, now, out);
}

// True when no service is left that is not wanted. Its end is no failure, however it ends: that is on record before.
bool runner::end_leaving(effects& out) {
    for (std::size_t i = 0; i < services_.size();) {
        auto& item = own_.services[i];
        bool leaves = item.leaving || wanted_service(item) == nullptr;
        if (leaves && !services_[i].process) {
            forget_service(i);
            continue;
        }
        if (leaves && !std::exchange(item.leaving, true)) {
            services_[i].restart_at = never;
            wants_record_ = true;
        }
        ++i;
    }
    if (wants_record_) return false;
    bool gone = true;
    for (std::size_t i = 0; i < services_.size(); ++i) {
        if (!own_.services[i].leaving) continue;
        gone = false;
        if (!std::exchange(services_[i].leaving, true))
            out.add(kill_process{services_[i].process, own_.services[i].halt_timeout});
    }
    return gone;
}

void runner::forget_service(std::size_t index) {
    auto at = static_cast<std::ptrdiff_t>(index);
    changed_.push_back("service " + own_.services[index].name + " halted");
    services_.erase(services_.begin() + at);
    own_.services.erase(own_.services.begin() + at);
    lay_over();
}

void runner::begin_services(effects& out) {
    for (const auto& wanted : wanted_services_) {
        bool there = std::any_of(own_.services.begin(), own_.services.end(),
                                 [&](const auto& item) { return item.name == wanted.name; });
        if (there || wanted.by_script()) continue;
        own_.services.push_back({wanted.name, wanted.command, wanted.halt_timeout, false});
        services_.emplace_back();
        lay_over();
        changed_.push_back("service " + wanted.name + " started");
        start_service(services_.size() - 1, out);
    }
}

// True when no address is left that is not wanted, as near to it as it comes.
bool runner::remove_addresses(effects& out) {
    for (const auto& item : own_.addresses) {
        if (is_wanted(item) || is_stuck(item.address)) continue;
        call_own_address(item, part_change::removing, out);
        return false;
    }
    return true;
}

bool runner::add_addresses(effects& out) {
    for (const auto& wanted : wanted_addresses_) {
        if (own_address(wanted.address) != nullptr) continue;
        own_.addresses.push_back({wanted.address, wanted.subnet, false});
        lay_over();
        wants_record_ = true;
    }
    if (wants_record_) return false;
    for (const auto& item : own_.addresses) {
        if (item.up || !is_wanted(item) || is_stuck(item.address)) continue;
        // SG 6.1: whether somebody else has it is asked first.
        call_own_address(item, part_change::probing, out);
        return false;
    }
    return true;
}

void runner::call_own_address(const own_parts::ip_address& item, part_change what, effects& out) {
    const char* verb = what == part_change::probing ? "prepare" : what == part_change::adding ? "start" : "stop";
    waiting_ = out.new_request();
    changing_ = what;
    changing_address_ = item.address;
    auto arguments = environment_;
    arguments.emplace_back("address", item.address);
    arguments.emplace_back("subnet", item.subnet);
    auto instance = config_.name + "/address " + item.address;
    out.add(call_plugin{waiting_, std::move(instance), verb, std::move(arguments), address_patience});
}

bool runner::change_answered(const plugin_answer& item, effects& out) {
    if (!waiting_ || item.request != waiting_ || changing_ == part_change::none) return false;
    waiting_ = request_id{};
    bool halt_waits = phase_ == runner_phase::halting;
    auto what = std::exchange(changing_, part_change::none);
    if (what == part_change::adding_storage) {
        storage_added(item, out);
    } else if (what == part_change::removing) {
        address_removed(item.outcome == call_outcome::ok || item.outcome == call_outcome::not_running, item);
    } else if (what == part_change::adding) {
        address_added(item.outcome == call_outcome::ok, item, out);
    } else {
        const auto* address = own_address(changing_address_);
        bool goes_on = phase_ == runner_phase::running && !halt_asked_ && is_wanted(*address);
        // As with an address of the start, only a station that answers keeps it from being taken.
        if (item.outcome == call_outcome::failed) {
            address_added(false, item, out);
        } else if (goes_on) {
            call_own_address(*address, part_change::adding, out);
            return true;
        }
    }
    change_ended(halt_waits, out);
    return true;
}

void runner::change_ended(bool halt_waits, effects& out) {
    if (halt_waits) {
        begun_ = steps().size();
        if (orphans_.empty()) next_undo(out);
    }
    next_change(out);
}

// Its clients count on it: a package without it has failed as by a service that can't be started. It stays on record,
// and is taken away with the package.
void runner::address_added(bool ok, const plugin_answer& item, effects& out) {
    if (ok) {
        stuck_.erase(changing_address_);
        own_address(changing_address_)->up = true;
        changed_.push_back("address " + changing_address_ + " added");
        return;
    }
    if (phase_ != runner_phase::running || halt_asked_) return;
    bool told = stuck_.contains(changing_address_);
    stuck_[changing_address_] = true;
    auto why = changing_address_ + ": " + (item.text.empty() ? std::string(to_string(item.outcome)) : item.text);
    if (maintained_) return told ? void() : tell("address_not_added", std::move(why));
    condition_failed_ = true;
    runner_news dead;
    dead.report = report::service_failed;
    dead.detail = "address " + why;
    news_.push_back(std::move(dead));
    if (!needed_) halt(out);
}

// What could not be removed is tried again, and when the package halts.
void runner::address_removed(bool ok, const plugin_answer& item) {
    if (!ok) {
        bool told = stuck_.contains(changing_address_);
        stuck_[changing_address_] = true;
        if (told) return;
        auto why = item.text.empty() ? std::string(to_string(item.outcome)) : item.text;
        return tell("address_not_removed", changing_address_ + ": " + why);
    }
    stuck_.erase(changing_address_);
    std::erase_if(own_.addresses, [&](const auto& each) { return each.address == changing_address_; });
    changed_.push_back("address " + changing_address_ + " removed");
    lay_over();
}

}  // namespace mainstay::node
