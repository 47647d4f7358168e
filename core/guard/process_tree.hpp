// Which processes belong to one that we started: its session and group, its descendants, and what
// left both but still carries our mark in its environment. Members are found in a snapshot of
// /proc, which is pure; only taking it and signalling touch the system.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
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
    std::string name;  // of its program, as ps shows it
    std::string mark;  // value of MAINSTAY_PROCESS, or empty
    std::string call;  // the plugin call that started it (call_mark), or empty
};

// The start time of a process (process_info::start); 0 when there is none of that number.
[[nodiscard]] std::uint64_t start_of(pid_t pid);

// Everything alive and readable now. Marks cost a second file per process.
[[nodiscard]] std::vector<process_info> snapshot_processes(bool with_marks = true);

// One line of /proc/PID/stat. False when it is none.
[[nodiscard]] bool parse_stat(std::string_view line, process_info& out);

// Mark of a process: GUARD/PACKAGE/REQUEST. A package's processes all start with the first two.
[[nodiscard]] std::string process_mark(std::string_view guard, std::string_view package, std::uint64_t request);
[[nodiscard]] std::string package_mark(std::string_view guard, std::string_view package);
// Of every package, any: what ends with the lease.
[[nodiscard]] bool is_package_mark(std::string_view guard, std::string_view mark);

// From MAINSTAY_CALL, which a plugin host sets for what a call starts. Another guard's calls differ.
[[nodiscard]] std::string call_mark(std::string_view guard, std::string_view call);

// Living (not zombie) members of the tree of `root`, which led its own session. `root` may be gone; 0: its number may
// be another one's by now, the mark alone tells.
[[nodiscard]] std::vector<process_info> members_of(const std::vector<process_info>& all, pid_t root,
                                                   std::string_view mark);

// Living processes whose mark begins so (package_mark) or that are in `group`, and their descendants without a mark.
[[nodiscard]] std::vector<process_info> marked_members_of(const std::vector<process_info>& all,
                                                          std::string_view mark_begin, const std::set<pid_t>& group);

// What a plugin call started and has not let go: descendants of the plugin host `root` while it lives
// (0 = gone), what carries the mark of one of `calls`, and the groups and descendants of those. A
// server that an earlier call left behind is none of them.
[[nodiscard]] std::vector<process_info> call_members_of(const std::vector<process_info>& all, pid_t root,
                                                        const std::set<std::string>& calls);

// A tree that is being ended, looked at again and again until nothing of it is left.
class ending_tree {
public:
    // `now` are its members in the snapshot `all`; they get `signal` (0 = none). True: all are gone.
    bool is_gone(const std::vector<process_info>& all, std::vector<process_info> now, int signal);

private:
    std::vector<process_info> members_;  // when it was last looked at
    int looks_ = 0;                      // at an empty tree, with nameless orphans about
};

// Sends through a pidfd after a second look at the start time, so that a number that was given
// away meanwhile is never hit. False when the process is gone.
bool signal_process(const process_info& process, int signal);

}  // namespace mainstay::guard
