// One log entry in, the next state out. Deterministic: the same entries give the same state on
// every node. What an administrator asks is accepted or refused here, so every node agrees on that
// too. Never fails: an entry that makes no sense is refused with a reason, and counted.
#pragma once

#include <string>
#include <vector>

#include "cluster/state.hpp"
#include "consensus/types.hpp"

namespace mainstay::cluster {

struct applied {
    bool accepted = true;
    bool duplicate = false;             // this submission had been counted before
    bool unknown = false;               // unreadable to this version: the state did not move
    std::string refusal;                // a sentence for whoever asked
    std::vector<std::string> packages;  // whose state may have changed
    bool configuration_changed = false;
    bool watchdog_changed = false;  // a boot entry of a life that is known and goes on
    log_index planned_at;           // refused because something has changed since this entry; 0 = not for that
};

applied apply(state& current, log_index index, const consensus::entry& item);

// How an event is called for notifiers and history ("node_lost", "package_failed" ...), and its
// one-line text for people. Call with the state *after* the entry.
struct description {
    std::string event;
    std::string severity;  // info | warning | alarm
    std::string text;
    std::string package;  // subject, or empty
    std::string node;
    std::vector<std::pair<std::string, std::string>> details;
};
[[nodiscard]] description describe(const state& after, const consensus::entry& item, const applied& outcome);

}  // namespace mainstay::cluster
