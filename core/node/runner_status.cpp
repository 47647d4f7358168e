// While a package runs, its addresses, volume groups, file systems and resources are looked at now and then: what
// somebody took away from it fails it as a service does that ends.
#include <algorithm>

#include "node/runner.hpp"

namespace mainstay::node {

using cluster::report;

namespace {

constexpr duration look_period{30'000'000};
constexpr duration look_soon_after{1'000'000};  // once more, before anything comes of it
constexpr duration look_patience{30'000'000};   // it may wait for a script, or for a server that is gone

}  // namespace

void runner::look(time_point now, effects& out) {
    bool any = !config_.addresses.empty() || !config_.resources.empty() || !config_.volume_groups.empty() ||
               !config_.filesystems.empty();
    bool looks = any && phase_ == runner_phase::running && !halt_asked_ && !maintained_ && !condition_failed_;
    if (!looks) {
        look_at_ = never;
        return seen_.clear();
    }
    if (look_at_ == never) look_at_ = now + look_period;
    if (std::exchange(look_soon_, false)) look_at_ = std::min(look_at_, now + look_soon_after);
    if (look_at_ > now) return;
    look_at_ = now + look_period;
    for (const auto& item : steps()) {
        if (!has_status(item) || !may_look(name_of(item))) continue;
        auto request = out.new_request();
        looks_[request] = name_of(item);
        out.add(call_plugin{request, config_.name + "/" + name_of(item), "status", environment_, look_patience});
    }
}

bool runner::has_status(const step& item) {
    using kind = step::kind_type;
    return item.kind == kind::address || item.kind == kind::volume_group || item.kind == kind::file_system ||
           item.kind == kind::resource;
}

// Not what comes or goes just now, nor what has not answered yet.
bool runner::may_look(const std::string& part) const {
    for (const auto& item : own_.addresses)
        if (part == "address " + item.address && (!item.up || !is_wanted(item))) return false;
    if (!is_storage_up(part)) return false;
    return std::none_of(looks_.begin(), looks_.end(), [&](const auto& item) { return item.second == part; });
}

bool runner::status_answered(const plugin_answer& item, effects& out) {
    auto found = looks_.find(item.request);
    if (found == looks_.end()) return false;
    auto part = std::move(found->second);
    looks_.erase(found);
    auto list = steps();
    bool here = std::any_of(list.begin(), list.end(),
                            [&](const auto& each) { return has_status(each) && name_of(each) == part; });
    if (!here || !may_look(part) || phase_ != runner_phase::running || halt_asked_ || maintained_) return true;
    auto& seen = seen_[part];
    // Init scripts and their like may know no `status`, and say that nothing runs. Addresses and storage are named by
    // two words.
    bool can_tell = seen.up || part.find(' ') != std::string::npos;
    bool gone = item.outcome == call_outcome::not_running && can_tell;
    bool ok = item.outcome == call_outcome::ok;
    if (gone && seen.gone) return part_is_gone(part, item.text, out), true;
    look_soon_ = look_soon_ || gone;
    seen.gone = gone;
    seen.up = seen.up || ok;
    // Whoever can't tell fails nothing.
    bool in_doubt = !ok && !gone;
    if (std::exchange(seen.in_doubt, in_doubt) == in_doubt) return true;
    auto why = item.text.empty() ? std::string(to_string(item.outcome)) : item.text;
    tell(in_doubt ? "resource_in_doubt" : "resource_seen_again", part + (in_doubt ? ": " + why : ""));
    return true;
}

void runner::part_is_gone(const std::string& part, const std::string& how, effects& out) {
    condition_failed_ = true;
    runner_news dead;
    dead.report = report::service_failed;
    dead.detail = part + " is gone" + (how.empty() ? "" : ": " + how);
    news_.push_back(std::move(dead));
    if (!needed_) halt(out);
}

}  // namespace mainstay::node
