// Volume groups and file systems, several at once as far as their package lets them (SG 3.9): first everything is
// checked, then mounted. One waits for those before it that it has to do with, and so do those behind it.
#include <algorithm>

#include "model/mount_path.hpp"
#include "node/how_it_ended.hpp"
#include "node/runner.hpp"

namespace mainstay::node {

using cluster::report;

namespace {

// The layers of an overlay are in its options.
bool rests_on(const filesystem_config& one, const filesystem_config& other) {
    return one.type == "overlay" || one.mount_options.find(plain_path(other.directory)) != std::string::npos;
}

// Neither is mounted in the other, nor comes out of it: a bind mount, an image.
bool apart(const filesystem_config& one, const filesystem_config& other) {
    if (rests_on(one, other) || rests_on(other, one)) return false;
    for (const auto& a : {plain_path(one.directory), plain_path(one.name)})
        for (const auto& b : {plain_path(other.directory), plain_path(other.name)})
            if (a == b || lies_in(a, b) || lies_in(b, a)) return false;
    return true;
}

}  // namespace

std::size_t runner::at_once(const step& item) const {
    using kind = step::kind_type;
    const auto& storage = config_.storage;
    switch (item.kind) {
        case kind::volume_group:
            return storage.concurrent_activation;
        case kind::file_system_check:
            return storage.concurrent_fsck;
        case kind::file_system:
            return storage.concurrent_mount;
        default:
            return 1;
    }
}

// Whether it may begin while others are under way. Nothing goes beside a step of another kind.
bool runner::goes_beside(const step& item) const {
    if (beside_.empty()) return true;
    if (beside_.size() >= at_once(item)) return false;
    return std::all_of(beside_.begin(), beside_.end(), [&](const auto& each) {
        const auto& other = each.second;
        if (other.kind != item.kind) return false;
        return item.kind != step::kind_type::file_system ||
               apart(config_.filesystems[item.index], config_.filesystems[other.index]);
    });
}

void runner::call_beside(const step& item, const char* verb, effects& out) {
    call(item, verb, out);
    beside_[waiting_] = item;
}

bool runner::storage_answered(const plugin_answer& item, effects& out) {
    auto found = beside_.find(item.request);
    if (found == beside_.end()) return false;
    auto which = found->second;
    beside_.erase(found);
    waiting_ = beside_.empty() ? request_id{} : beside_.begin()->first;
    bool ok = item.outcome == call_outcome::ok;
    bool starts = phase_ == runner_phase::starting;
    const auto* what = which.kind == step::kind_type::file_system_check ? " check: " : starts ? " start: " : " stop: ";
    log_step(name_of(which) + what + how_it_ended(item), out);
    if (starts) {
        storage_began(ok, item.text, out);
    } else {
        undo_step_ended(ok || item.outcome == call_outcome::not_running, report::halt_exit_1, item.text, out);
    }
    return true;
}

// A start that fails waits for what is under way beside it: all of it is undone then.
void runner::storage_began(bool ok, const std::string& text, effects& out) {
    if (!ok) storage_failed_ = storage_failed_ ? *storage_failed_ + "; then " + text : text;
    bool goes_on = !storage_failed_ && !halt_asked_;
    if (!beside_.empty()) return goes_on ? next_start(out) : void();
    auto failure = std::exchange(storage_failed_, std::nullopt);
    start_step_ended(!failure, report::start_exit_2, failure.value_or(""), false, out);
}

}  // namespace mainstay::node
