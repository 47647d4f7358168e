#include "guard/clearing.hpp"

#include <signal.h>

#include <algorithm>
#include <set>

namespace mainstay::guard {

namespace {

constexpr std::int64_t look_again_us = 20'000;
constexpr std::int64_t leaving_us = 1'000'000;
constexpr std::int64_t ending_us = 5'000'000;
constexpr std::int64_t killing_us = 5'000'000;

}  // namespace

clearing::clearing(const std::string& guard, clear_package asked, std::int64_t now_us)
    : mark_(package_mark(guard, asked.package)),
      asked_(std::move(asked)),
      due_us_(now_us),
      next_phase_us_(now_us + leaving_us) {}

bool clearing::step(std::int64_t now_us, const std::vector<process_info>& all, const std::set<pid_t>& group) {
    if (now_us < due_us_) return false;
    due_us_ = now_us + look_again_us;
    auto members = marked_members_of(all, mark_, group);
    living_.clear();
    for (const auto& item : members) {
        process_key key{item.pid, item.start};
        living_[key] = std::to_string(item.pid) + ' ' + item.name;
        // SIGTERM once: some take a second one for impatience.
        if (phase_ == phase::ending && told_.emplace(key, living_[key]).second) signal_process(item, SIGTERM);
    }
    bool kills = phase_ == phase::killing;
    if (kills) told_.insert(living_.begin(), living_.end());
    if (tree_.is_gone(all, std::move(members), kills ? SIGKILL : 0)) return true;
    if (now_us < next_phase_us_) return false;
    if (kills) return true;
    phase_ = phase_ == phase::leaving ? phase::ending : phase::killing;
    next_phase_us_ = now_us + (phase_ == phase::ending ? ending_us : killing_us);
    due_us_ = now_us;
    return false;
}

package_cleared clearing::result() const {
    package_cleared out{asked_.request, {}, {}};
    for (const auto& [key, words] : told_)
        if (!living_.contains(key)) out.ended.push_back(words);
    for (const auto& [key, words] : living_) out.living.push_back(words);
    return out;
}

}  // namespace mainstay::guard
