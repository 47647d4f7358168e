#include "common/run_command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "common/text.hpp"
#include "common/unique_fd.hpp"

namespace mainstay::kit {

namespace {

using clock = std::chrono::steady_clock;
constexpr unsigned close_range_cloexec = 4;  // CLOSE_RANGE_CLOEXEC of linux/close_range.h

// argv or environment as exec wants it. Made before the fork: after it, no memory may be taken.
class c_list {
public:
    explicit c_list(std::vector<std::string> words) : words_(std::move(words)) {
        for (auto& word : words_) pointers_.push_back(word.data());
        pointers_.push_back(nullptr);
    }
    [[nodiscard]] char* const* get() const { return pointers_.data(); }

private:
    std::vector<std::string> words_;
    std::vector<char*> pointers_;
};

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& added) {
    std::vector<std::string> result;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view old(*entry);
        auto name = old.substr(0, old.find('='));
        if (std::none_of(added.begin(), added.end(), [name](const auto& item) { return item.first == name; }))
            result.emplace_back(old);
    }
    for (const auto& [name, value] : added) result.push_back(std::string(name).append("=").append(value));
    return result;
}

struct pipes {
    // A socket pair for input: writing to a program that does not read it must not raise SIGPIPE.
    std::array<unique_fd, 2> input, output, failure;
};

bool make_pipes(pipes& made) {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return false;
    made.input = {unique_fd(pair[0]), unique_fd(pair[1])};
    if (::pipe2(pair.data(), O_CLOEXEC) != 0) return false;
    made.output = {unique_fd(pair[0]), unique_fd(pair[1])};
    if (::pipe2(pair.data(), O_CLOEXEC) != 0) return false;
    made.failure = {unique_fd(pair[0]), unique_fd(pair[1])};
    return ::fcntl(made.output[0].get(), F_SETFL, O_NONBLOCK) == 0 &&
           ::fcntl(made.input[0].get(), F_SETFL, O_NONBLOCK) == 0;
}

// Only calls that are allowed between fork and exec in a process with threads.
[[noreturn]] void become(const c_list& argv, const c_list& environment, const pipes& fds, bool dies_with_us) {
    ::setpgid(0, 0);
    if (dies_with_us) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(fds.input[1].get(), 0);
    ::dup2(fds.output[1].get(), 1);
    ::dup2(fds.output[1].get(), 2);
    // A daemon that the program leaves behind must not hold a descriptor of ours for years.
    ::syscall(SYS_close_range, 3U, ~0U, close_range_cloexec);
    ::execve(argv.get()[0], argv.get(), environment.get());
    const int problem = errno;
    [[maybe_unused]] auto written = ::write(fds.failure[1].get(), &problem, sizeof problem);
    ::_exit(127);
}

class running {
public:
    running(pid_t pid, pipes& fds, std::size_t keep)
        : pid_(pid), fds_(fds), keep_(keep), life_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

    // Moves input and output until the process ends (true) or the deadline has passed (false).
    bool wait(std::string_view input, clock::time_point deadline) {
        while (true) {
            if (input.empty()) fds_.input[0].reset();
            auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
            if (left <= 0) return false;
            std::array<pollfd, 3> wanted{
                {{life_.get(), POLLIN, 0}, {fds_.output[0].get(), POLLIN, 0}, {fds_.input[0].get(), POLLOUT, 0}}};
            if (::poll(wanted.data(), wanted.size(), static_cast<int>(std::min<long long>(left, 1'000'000))) < 0 &&
                errno != EINTR)
                return false;
            if (wanted[1].revents != 0 && !take_output()) fds_.output[0].reset();
            if (wanted[2].revents != 0) {
                auto sent = ::send(fds_.input[0].get(), input.data(), input.size(), MSG_NOSIGNAL);
                if (sent > 0) input.remove_prefix(static_cast<std::size_t>(sent));
                if (sent < 0 && errno != EAGAIN && errno != EINTR) input = {};
            }
            if (wanted[0].revents != 0) return true;
        }
    }

    void kill_group() const {
        ::kill(-pid_, SIGKILL);
        ::kill(pid_, SIGKILL);
    }

    int reap() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        // What is in the pipe now; a background child may hold its other end for years.
        while (fds_.output[0] && take_output()) {
        }
        return status;
    }

    std::string output;

private:
    // False when nothing more can come or nothing is there.
    bool take_output() {
        std::array<char, 4096> buffer{};
        auto size = ::read(fds_.output[0].get(), buffer.data(), buffer.size());
        if (size <= 0) return size < 0 && errno == EINTR;
        output.append(buffer.data(), static_cast<std::size_t>(size));
        if (output.size() > 2 * keep_) output.erase(0, output.size() - keep_);
        return true;
    }

    pid_t pid_;
    pipes& fds_;
    std::size_t keep_;
    unique_fd life_;
};

}  // namespace

command_end run_command(const command& what) {
    const auto deadline = clock::now() + what.timeout;
    const c_list argv(what.argv);
    const c_list environment(environment_with(what.environment));
    pipes fds;
    if (what.argv.empty() || !make_pipes(fds)) return {command_end::how::not_started, errno, {}};
    const pid_t pid = ::fork();
    if (pid < 0) return {command_end::how::not_started, errno, {}};
    if (pid == 0) become(argv, environment, fds, what.dies_with_us);
    ::setpgid(pid, pid);  // both sides do it: whoever comes first
    fds.input[1].reset();
    fds.output[1].reset();
    fds.failure[1].reset();
    running child(pid, fds, what.keep);
    int problem = 0;
    const bool failed = ::read(fds.failure[0].get(), &problem, sizeof problem) == sizeof problem;
    const bool in_time = failed || child.wait(what.input, deadline);
    if (!in_time) child.kill_group();
    const int status = child.reap();
    if (failed) return {command_end::how::not_started, problem, {}};
    auto output = child.output.size() > what.keep ? child.output.substr(child.output.size() - what.keep)
                                                  : std::move(child.output);
    if (!in_time) return {command_end::how::timed_out, 0, std::move(output)};
    if (WIFSIGNALED(status)) return {command_end::how::signalled, WTERMSIG(status), std::move(output)};
    return {command_end::how::exited, WEXITSTATUS(status), std::move(output)};
}

std::string command_end::text() const {
    auto said = last_line(output);
    auto with_output = [&said](const std::string& first) { return said.empty() ? first : first + ": " + said; };
    switch (what) {
        case how::exited:
            return with_output("exit code " + std::to_string(code));
        case how::signalled:
            return with_output("killed by signal " + std::to_string(code));
        case how::timed_out:
            return with_output("not finished in time, killed");
        default:
            return "can't be started: " + error_text(code);
    }
}

std::vector<std::string> shell_command(std::string line) { return {"/bin/sh", "-c", std::move(line)}; }

}  // namespace mainstay::kit
