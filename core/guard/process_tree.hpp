// Which processes belong to one that we started: its session and group, its descendants, and what
// left both but still carries our mark in its environment. Members are found in a snapshot of
// /proc, which is pure; only taking it and signalling touch the system.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::guard {

struct process_info {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    std::uint64_t start = 0;  // clock ticks since boot; with pid it names a process for good
    bool zombie = false;
    std::string mark;  // value of MAINSTAY_PROCESS, or empty
};

// Everything alive and readable now. Marks cost a second file per process.
[[nodiscard]] std::vector<process_info> snapshot_processes(bool with_marks = true);

// One line of /proc/PID/stat. False when it is none.
[[nodiscard]] bool parse_stat(std::string_view line, process_info& out);

// Mark of a process: GUARD/PACKAGE/REQUEST. A package's processes all start with the first two.
[[nodiscard]] std::string process_mark(std::string_view guard, std::string_view package, std::uint64_t request);
[[nodiscard]] std::string package_mark(std::string_view guard, std::string_view package);
// Of every package, any: what ends with the lease.
[[nodiscard]] bool is_package_mark(std::string_view guard, std::string_view mark);

// Living (not zombie) members of the tree of `root`, which led its own session. `root` may be gone.
[[nodiscard]] std::vector<process_info> members_of(const std::vector<process_info>& all, pid_t root,
                                                   std::string_view mark);

// Sends through a pidfd after a second look at the start time, so that a number that was given
// away meanwhile is never hit. False when the process is gone.
bool signal_process(const process_info& process, int signal);

}  // namespace mainstay::guard
