// mainstay-guard (D9): the parent of mainstayd and of everything it starts. Keeps the processes when
// the daemon dies, starts it again, and ends packages and node when the lease ends without word
// from it. One thread, one poll loop, nothing foreign is parsed: only messages of our own daemon.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "guard/clearing.hpp"
#include "guard/client.hpp"
#include "guard/keeper.hpp"
#include "guard/package_groups.hpp"
#include "guard/process.hpp"
#include "guard/reset.hpp"
#include "guard/watchdog.hpp"

namespace mainstay::guard {

struct guard_options {
    std::string daemon;  // path of mainstayd
    std::string config_dir = "/etc/mainstay";
    std::string state_dir = "/var/lib/mainstay";
    std::string run_dir = "/run/mainstay";
    std::string log_dir = "/var/log/mainstay";
    std::string plugin_dir;  // empty = the daemon's default
    std::string node;
    reset_options reset;
    bool foreground = false;  // log to stderr instead of LOG_DIR/guard.log
    std::uint64_t log_bytes_max = log_file::bytes_max_default;
};

class guard {
public:
    explicit guard(guard_options options);

    // Until it was told to shut down (0) or the node cannot be reset (1).
    [[nodiscard]] int run();

private:
    // What is known of the daemon; `running` is empty between its death and the next start.
    struct daemon_state {
        std::unique_ptr<process> running;
        std::unique_ptr<daemon_channel> channel;
        bool said_hello = false;
        std::uint32_t starts = 0;
        std::int64_t started_us = 0;
        std::int64_t kill_us = 0;  // when it closed its socket: then, if it still lives
        std::int64_t start_again_us = 0;
        std::int64_t back_off_us = 0;
    };

    [[nodiscard]] bool prepare();
    void wait_for_something();
    [[nodiscard]] std::int64_t next_due_us() const;
    void turn();

    void start_daemon();
    void watch_daemon();
    void daemon_died();
    void read_messages(std::size_t limit);
    void handle(const daemon_hello& message);
    void handle(const start_process& message);
    void handle(const kill_process& message);
    void handle(const set_lease& message);
    void handle(const reset_node& message);
    void handle(const shut_down& message);
    void handle(const got_exit& message);
    void handle(const end_call& message);
    void handle(const arm_watchdog& message);
    void handle(const clear_package& message);
    void handle(const write_log& message);
    void tell(const from_guard& message, unique_fd attached = {});

    void step_processes();
    void finish(process& ended);
    void end_calls();
    void clear_packages();
    void read_strays();
    void read_signals();
    void collect_orphans();

    [[nodiscard]] bool lease_has_ended() const;
    // At this very moment: the watchdog is fed only then.
    [[nodiscard]] bool may_live() const;
    void step_watchdog();
    void let_go_of_watchdog();
    void end_node(const std::string& reason);
    void try_reset();
    // True when something was still alive.
    bool kill_packages();
    void step_shutdown();

    // detached.cpp: packages that outlive this guard (SG 7.4)
    [[nodiscard]] bool take_over_former();
    void take_over_kept(kept& all);
    void keep_record();
    void leave_to_keeper();
    [[noreturn]] void be_keeper(keeper& door);

    void log(const std::string& text);
    std::shared_ptr<log_file> log_of(const std::string& path);

    guard_options options_;
    std::string identity_;  // first part of all marks
    std::int64_t now_us_ = 0;
    unique_fd signals_;
    unique_fd timer_;
    std::unique_ptr<log_file> own_log_;

    daemon_state daemon_;
    std::map<request_id, std::unique_ptr<process>> processes_;
    std::map<request_id, exited> unacknowledged_;
    std::vector<kept_output> strays_;
    std::map<request_id, ending_tree> calls_ending_;
    std::int64_t calls_due_us_ = 0;
    std::map<request_id, clearing> clearings_;
    package_groups groups_;
    std::map<std::string, std::weak_ptr<log_file>> logs_;

    time_point lease_end_ = time_point::min();
    bool lease_packages_ = false;
    bool detached_ = false;  // packages run here and are to outlive this guard
    std::int64_t keeper_again_us_ = 0;
    std::string ending_;  // why this node ends; empty as long as it does not
    node_resetter resetter_;
    watchdog_keeper watchdog_;
    std::int64_t reset_again_us_ = 0;
    std::int64_t collect_us_;
    std::int64_t shutdown_kill_us_ = 0;
    bool shutting_down_ = false;
    int exit_code_ = -1;
};

}  // namespace mainstay::guard
