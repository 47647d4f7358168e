// One simulated machine: what survives its power, what survives its daemon, and what does neither.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "sim/world.hpp"

namespace mainstay::sim {

struct world::machine {
    static constexpr duration never_woken = duration::max();

    std::string name;

    // ---- the disk: survives everything ----
    consensus::durable_state log;
    bytes local;
    std::uint32_t machine_counter = 0;
    std::uint32_t incarnation = 0;
    store_id store;
    duration disk_bad_until{0};
    duration wall_offset{0};                               // of its battery-backed clock
    std::uint32_t installed = cluster::own_feature_level;  // of the software; the next daemon is of it

    // ---- the cables: no power needed ----
    std::set<std::string> subnets_down;
    bool links_down = false;  // by its own hand; a boot brings them up

    // ---- the machine's life: ends with the power ----
    bool power = false;
    bool stopped = false;      // the daemon has left: nobody starts it but an administrator
    std::uint64_t life = 0;    // of the power; events of an older one count for nothing
    duration clock_offset{0};  // its clock starts anywhere ...
    double drift = 0;          // ... and runs a little fast or slow
    std::uint64_t kernel = 0;  // names this life
    duration clock_zero{0};
    struct process {
        std::string package;
        std::string label;
        bool service = false;
        bool ending = false;
        int calls = 0;                           // of a script: cmrunserv and its like, not yet answered
        bool refused = false;                    // one of them
        std::optional<std::int32_t> at_its_end;  // it only waits for those; its exit code
    };
    std::map<request_id, process> processes;
    std::set<std::string> leavings;                          // packages of which a script has left a process behind
    std::map<std::string, std::set<std::string>> resources;  // package -> instances started or in doubt
    time_point lease_end = time_point::min();
    bool lease_packages = false;
    bool detached = false;  // as the guard was told

    struct hearing {
        duration since{0};
        duration last{0};
    };
    std::map<std::string, hearing> hears;  // by sender: for how long without a gap of a member_timeout

    // ---- the daemon's life ----
    std::optional<node::node> daemon;
    std::uint64_t daemon_life = 0;
    std::uint32_t feature_level = 0;  // of the software that runs
    bool links_told = false;          // it knows that its own links are down
    duration paused_until{0};
    std::deque<node::input> inbox;     // came in while it was paused
    std::deque<node::store> unsynced;  // told to the disk, not yet durable
    std::uint64_t stores_done = 0;
    bool disk_busy = false;
    duration disk_time{0};
    bytes beat;
    duration published{0};  // when the core made it
    duration beat_period{0};
    duration beat_stale{0};
    duration last_turn{0};
    bool beating = false;
    std::uint64_t turns = 0;  // since turns_since
    duration turns_since{0};
    void next_daemon_life() {  // what waits for the former one comes to nothing
        ++daemon_life;
        wake_at = never_woken;
    }
    // When it wants a tick, and as which event; one that is due earlier in the queue is armed for it already.
    duration wake_at = never_woken;
    std::uint64_t wake_order = 0;
    duration armed_at = never_woken;
    std::uint64_t armed_order = 0;
    std::uint64_t checked_commit = 0;  // entries compared with the ghost log
    std::uint64_t checked_snapshot = 0;
    log_index checked_beat;       // its log's end when a beat of it was looked into
    log_index checked_decisions;  // applied when its decisions were looked into
    policy::planner planner;      // that has seen what it decided about before
};

}  // namespace mainstay::sim
