#include "guard/reset.hpp"

#include <signal.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mainstay::guard {

namespace {

constexpr std::int64_t command_limit_us = 10'000'000;
// The kernel gives the initial pid namespace this inode number (PROC_PID_INIT_INO).
constexpr ino_t initial_pid_namespace = 0xEFFFFFFC;

}  // namespace

bool in_initial_pid_namespace() {
    struct stat info {};
    // Unreadable: be careful, and take it for the real machine.
    return ::stat("/proc/self/ns/pid", &info) != 0 || info.st_ino == initial_pid_namespace;
}

result<std::string> node_resetter::reset(const std::string& reason, std::int64_t now_us) {
    outcome_.clear();
    if (!options_.command.empty()) {
        auto child = launch({.argv = {options_.command, reason}, .discard_output = true});
        if (!child) return options_.command + " could not be started: " + child.error().message;
        running_ = std::move(*child);
        give_up_us_ = now_us + command_limit_us;
        return "calling " + options_.command;
    }
    if (in_initial_pid_namespace() && !options_.allow_reboot) {
        return fail(
            "a reset of this machine is not allowed: start mainstay-guard with --allow-reboot on a real node, or "
            "give a --reset-command");
    }
    // No sync: what was not stored counts as lost, and a disk that hangs must not delay the end.
    ::reboot(RB_AUTOBOOT);
    return "reboot failed: " + std::string(std::strerror(errno));
}

bool node_resetter::is_over(std::int64_t now_us) {
    if (!running_) return true;
    siginfo_t info{};
    bool ended = ::waitid(P_PID, static_cast<id_t>(running_->pid), &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0;
    if (!ended && now_us < give_up_us_) return false;
    if (!ended) {
        ::kill(running_->pid, SIGKILL);
        ::waitpid(running_->pid, nullptr, 0);
        outcome_ = options_.command + " took too long";
    } else {
        outcome_ = options_.command + " came back (" + (info.si_code == CLD_EXITED ? "exit code " : "signal ") +
                   std::to_string(info.si_status) + ") and this node still runs";
    }
    running_.reset();
    return true;
}

void node_resetter::add_polls(std::vector<pollfd>& polls) const {
    if (running_) polls.push_back({running_->handle.get(), POLLIN, 0});
}

}  // namespace mainstay::guard
