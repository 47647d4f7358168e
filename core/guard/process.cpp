#include "guard/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace mainstay::guard {

namespace {

constexpr std::int64_t never_us = std::numeric_limits<std::int64_t>::max();
// How often a tree that is being ended is looked at: members die one after the other.
constexpr std::int64_t look_again_us = 20'000;
constexpr std::int64_t kill_again_us = 100'000;
constexpr int drain_rounds = 16;
constexpr std::size_t drain_bytes = 64U << 10U;

bool is_readable(int fd) {
    pollfd one{fd, POLLIN, 0};
    return fd >= 0 && ::poll(&one, 1, 0) > 0;
}

}  // namespace

bool drain(int fd, log_file& log, tail_buffer* tail) {
    static_assert(drain_bytes <= 128U << 10U, "lives on the stack");
    char buffer[drain_bytes];
    for (int round = 0; round < drain_rounds; ++round) {
        auto got = ::read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        if (got == 0) return false;
        std::string_view text(buffer, static_cast<std::size_t>(got));
        log.write(text);
        if (tail != nullptr) tail->append(text);
    }
    return true;
}

process::process(start_process what, launched child, std::string mark, std::shared_ptr<log_file> log,
                 std::int64_t now_us)
    : what_(std::move(what)), child_(std::move(child)), mark_(std::move(mark)), log_(std::move(log)) {
    due_us_ = what_.timeout ? now_us + what_.timeout->count() : never_us;
    // Only the first message needs them, and a guard with many processes must stay small.
    what_.argv.resize(1);
    what_.environment.clear();
}

process::process(const kept_process& known, kept_output output)
    : mark_(known.mark), log_(std::move(output.log)), phase_(phase::running), adopted_(true), start_(known.start) {
    what_.request = known.request;
    what_.label = known.label;
    what_.package = known.package;
    what_.argv = {known.command};
    what_.ends_whole = known.ends_whole;
    child_.pid = known.pid;
    child_.output = std::move(output.pipe);
    child_.handle.reset(static_cast<int>(::syscall(SYS_pidfd_open, known.pid, 0)));
    due_us_ = never_us;
    if (child_.output) ::fcntl(child_.output.get(), F_SETFL, O_NONBLOCK);
    // Looked at once it is held: what has this number now is the same, or it is gone.
    if (child_.handle && start_of(known.pid) != known.start) child_.handle.reset();
    if (!child_.handle) ended_unseen();
}

kept_process process::keep() const {
    return {what_.request,
            what_.label,
            what_.package,
            what_.argv.front(),
            log_->path(),
            what_.ends_whole,
            static_cast<std::int32_t>(child_.pid),
            adopted_ ? start_ : start_of(child_.pid),
            mark_};
}

void process::ended_unseen() {
    ended_ = true;
    exit_code_ = 255;
    tail_.append("nobody saw how it ended: it was started by a former guard\n");
    // Its number is free, and not to be taken for its own any more.
    child_.pid = 0;
    due_us_ = 0;
}

void process::signal(int number) const {
    if (child_.handle) (void)::syscall(SYS_pidfd_send_signal, child_.handle.get(), number, nullptr, 0);
}

void process::add_polls(std::vector<pollfd>& polls) const {
    if (child_.exec_error) polls.push_back({child_.exec_error.get(), POLLIN, 0});
    if (child_.output) polls.push_back({child_.output.get(), POLLIN, 0});
    if (!ended_) polls.push_back({child_.handle.get(), POLLIN, 0});
}

void process::read_output() {
    if (child_.output && !drain(child_.output.get(), *log_, &tail_)) child_.output.reset();
}

bool process::read_exec_result() {
    int code = 0;
    auto got = ::read(child_.exec_error.get(), &code, sizeof code);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    child_.exec_error.reset();
    if (got == static_cast<ssize_t>(sizeof code)) exec_errno_ = code;
    return true;
}

void process::look_at_end() {
    if (ended_ || !is_readable(child_.handle.get())) return;
    if (adopted_) return ended_unseen();
    siginfo_t info{};
    // Left uncollected on purpose: while the zombie is there, nobody else gets its number.
    if (::waitid(P_PID, static_cast<id_t>(child_.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;
    if (info.si_pid == 0) return;
    ended_ = true;
    bool by_exit = info.si_code == CLD_EXITED;
    exit_code_ = by_exit ? info.si_status : 0;
    signal_ = by_exit ? 0 : info.si_status;
}

bool process::tree_is_gone(int signal) {
    auto all = snapshot_processes();
    if (whole_tree_ || !ends_call_) return tree_.is_gone(all, members_of(all, child_.pid, mark_), signal);
    auto members = call_members_of(all, ended_ ? 0 : child_.pid, calls_);
    for (const auto& member : members) {
        if (!member.call.empty()) calls_.insert(member.call);
    }
    return tree_.is_gone(all, std::move(members), signal);
}

void process::end(std::int64_t now_us, duration grace, bool whole_tree) {
    if (phase_ == phase::killing) return;
    bool first = phase_ != phase::ending;
    auto kill_at = now_us + std::max<std::int64_t>(grace.count(), 0);
    // Asked twice: the earlier end counts.
    kill_at_us_ = first ? kill_at : std::min(kill_at, kill_at_us_);
    whole_tree_ = whole_tree_ || whole_tree;
    phase_ = phase::ending;
    due_us_ = std::min(kill_at_us_, now_us + look_again_us);
    if (!first) return;
    if (whole_tree_) {
        (void)tree_is_gone(SIGTERM);
    } else if (!ended_) {
        // A plugin host: what it is at ends with it, and without a word of it. The first look is for who
        // its children are, the second signals them.
        ends_call_ = true;
        (void)tree_is_gone(0);
        signal(SIGKILL);
        (void)tree_is_gone(SIGKILL);
    }
}

void process::kill_now(std::int64_t now_us) {
    phase_ = phase::killing;
    due_us_ = now_us + look_again_us;
    whole_tree_ = true;
    // The tree first: once its head is gone, nobody knows whose children those without our mark were.
    (void)tree_is_gone(SIGKILL);
    if (!ended_) signal(SIGKILL);
}

// After its first process has ended: is everything gone that has to go with it?
bool process::is_over(std::int64_t now_us) {
    if (!ended_) return false;
    bool wait_for_tree = phase_ == phase::running || phase_ == phase::starting ? what_.ends_whole : whole_tree_;
    if (!wait_for_tree && !ends_call_) return true;
    // A service that died by itself takes what it left along at once.
    bool kill = phase_ != phase::ending || ends_call_ || now_us >= kill_at_us_;
    if (tree_is_gone(kill ? SIGKILL : 0)) return true;
    if (kill) {
        phase_ = phase::killing;
        whole_tree_ = whole_tree_ || !ends_call_;
    }
    due_us_ = now_us + look_again_us;
    return false;
}

process::news process::step(std::int64_t now_us) {
    read_output();
    look_at_end();
    if (child_.exec_error && read_exec_result()) {
        if (exec_errno_ != 0) return news::start_failed;
        if (phase_ == phase::starting) phase_ = phase::running;
        return news::started;
    }
    if (ended_) {
        if (!is_over(now_us)) return news::none;
        read_output();
        return news::exited;
    }
    if (now_us < due_us_) return news::none;
    switch (phase_) {
        case phase::starting:
        case phase::running:
            timed_out_ = true;
            end(now_us, what_.grace, true);
            break;
        case phase::ending:
            due_us_ = std::min(kill_at_us_, now_us + look_again_us);
            if (now_us >= kill_at_us_) {
                bool whole = whole_tree_;
                phase_ = phase::killing;
                due_us_ = now_us + kill_again_us;
                if (whole) (void)tree_is_gone(SIGKILL);
                signal(SIGKILL);
            }
            break;
        case phase::killing:
            due_us_ = now_us + kill_again_us;
            if (whole_tree_) (void)tree_is_gone(SIGKILL);
            break;
    }
    return news::none;
}

std::string process::failure() const { return what_.argv.front() + ": " + std::strerror(exec_errno_); }

exited process::result() const { return {what_.request, exit_code_, signal_, timed_out_, tail_.text()}; }

void process::collect() {
    if (!adopted_) ::waitpid(child_.pid, nullptr, 0);
}

}  // namespace mainstay::guard
