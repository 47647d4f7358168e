// Of a package nothing may run here any more: once it is said to be down, and when this node ends.
#include <signal.h>

#include <algorithm>

#include "guard/guard.hpp"

namespace mainstay::guard {

void guard::handle(const clear_package& message) {
    clearings_.try_emplace(message.request, identity_, message, now_us_);
}

void guard::clear_packages() {
    bool due = std::any_of(clearings_.begin(), clearings_.end(),
                           [this](const auto& item) { return now_us_ >= item.second.next_due_us(); });
    if (!due) return;
    auto all = snapshot_processes();
    // Asked about a package whatever becomes of it.
    std::set<std::string> apart;
    for (const auto& [request, process] : processes_)
        if (is_validation(process->what()))
            apart.insert(process_mark(identity_, process->what().package, request.value));
    std::erase_if(all, [&apart](const auto& process) { return apart.count(process.mark) != 0; });
    for (auto entry = clearings_.begin(); entry != clearings_.end();) {
        bool over = entry->second.step(now_us_, all, groups_.members(entry->second.package()));
        if (over) tell(entry->second.result());
        if (over) collect_orphans();
        entry = over ? clearings_.erase(entry) : std::next(entry);
    }
    groups_.tidy();
}

bool guard::kill_packages() {
    bool alive = false;
    for (auto& [request, process] : processes_) {
        if (process->what().package.empty()) continue;
        process->kill_now(now_us_);
        alive = true;
    }
    // Servers that scripts left behind carry the mark, or are in a group, although no entry of ours names them.
    auto grouped = groups_.members();
    for (const auto& process : snapshot_processes()) {
        bool ours = is_package_mark(identity_, process.mark) || grouped.count(process.pid) != 0;
        if (process.zombie || !ours) continue;
        signal_process(process, SIGKILL);
        alive = true;
    }
    return alive;
}

}  // namespace mainstay::guard
