// One process that the guard was told to start, from fork to its last output. Driven by the guard's
// loop: readable descriptors and due deadlines come in, what became of it is asked for.
#pragma once

#include <poll.h>

#include <memory>
#include <optional>
#include <vector>

#include "guard/keeper.hpp"
#include "guard/launch.hpp"
#include "guard/log_file.hpp"
#include "guard/process_tree.hpp"
#include "guard/protocol.hpp"

namespace mainstay::guard {

// An external script asked what it thinks of a configuration: of no package that runs.
[[nodiscard]] inline bool is_validation(const start_process& what) { return what.label.rfind("validate:", 0) == 0; }

class process {
public:
    // What the guard has to tell about it after a step.
    enum class news { none, started, start_failed, exited };

    process(start_process what, launched child, std::string mark, std::shared_ptr<log_file> log, std::int64_t now_us);

    // One that a former guard has started: not our child, so nobody tells how it ends, only that it does.
    process(const kept_process& known, kept_output output);
    // For the next guard: what it is, and what it writes to.
    [[nodiscard]] kept_process keep() const;
    [[nodiscard]] kept_output take_kept() { return {std::move(child_.output), log_}; }

    void add_polls(std::vector<pollfd>& polls) const;
    // After poll(): reads what is there. `now_us` is CLOCK_BOOTTIME.
    [[nodiscard]] news step(std::int64_t now_us);
    // When step() is due even if nothing is readable; never: INT64_MAX.
    [[nodiscard]] std::int64_t next_due_us() const { return due_us_; }

    // SIGTERM now, SIGKILL after `grace`.
    void end(std::int64_t now_us, duration grace, bool whole_tree);
    // SIGKILL to every member at once.
    void kill_now(std::int64_t now_us);

    [[nodiscard]] const start_process& what() const { return what_; }
    [[nodiscard]] pid_t pid() const { return child_.pid; }
    [[nodiscard]] std::string failure() const;  // after start_failed
    [[nodiscard]] exited result() const;        // after exited
    [[nodiscard]] unique_fd take_socket() { return std::move(child_.socket); }
    // What it left behind may go on writing: the pipe, or an empty one.
    [[nodiscard]] unique_fd take_output() { return std::move(child_.output); }
    [[nodiscard]] const std::shared_ptr<log_file>& log() const { return log_; }
    // Collects the dead process; its number is free from then on.
    void collect();

private:
    enum class phase { starting, running, ending, killing };

    void signal(int number) const;
    void ended_unseen();
    void read_output();
    [[nodiscard]] bool read_exec_result();
    void look_at_end();
    // False while members of the tree live.
    [[nodiscard]] bool tree_is_gone(int signal);
    [[nodiscard]] bool is_over(std::int64_t now_us);

    start_process what_;
    launched child_;
    std::string mark_;
    std::shared_ptr<log_file> log_;
    tail_buffer tail_{tail_bytes_max};
    phase phase_ = phase::starting;
    ending_tree tree_;
    bool whole_tree_ = false;
    bool ends_call_ = false;       // of a plugin host: only what its call has not let go
    std::set<std::string> calls_;  // marks of those
    bool ended_ = false;
    bool adopted_ = false;
    std::uint64_t start_ = 0;  // of an adopted one: its number may be somebody else's by now
    bool timed_out_ = false;
    int exit_code_ = 0;
    int signal_ = 0;
    int exec_errno_ = 0;
    std::int64_t due_us_;
    std::int64_t kill_at_us_ = 0;
};

// Moves what a pipe holds into the log; false at its end. Bounded, so that one process that prints
// without end does not keep the guard from the others.
bool drain(int fd, log_file& log, tail_buffer* tail);

}  // namespace mainstay::guard
