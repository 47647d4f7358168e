// How a node ends itself (D6). One seam for all of it, so that a test or a lab never resets the
// machine it runs on.
#pragma once

#include <poll.h>

#include <optional>
#include <string>
#include <vector>

#include "guard/launch.hpp"
#include "model/result.hpp"

namespace mainstay::guard {

struct reset_options {
    std::string command;        // called with the reason; replaces reboot(2)
    bool allow_reboot = false;  // in the initial pid namespace, where reboot(2) is the real thing
};

// Is this the machine's own pid namespace, not that of a container or lab node?
[[nodiscard]] bool in_initial_pid_namespace();

class node_resetter {
public:
    explicit node_resetter(reset_options options) : options_(std::move(options)) {}

    // Does not return when reboot(2) works. With a command: starts it, and says so; is_over() tells
    // when it should be tried again. An error means that this node may not be reset at all.
    [[nodiscard]] result<std::string> reset(const std::string& reason, std::int64_t now_us);
    [[nodiscard]] bool is_over(std::int64_t now_us);
    // Of the command while it runs, or 0.
    [[nodiscard]] pid_t pid() const { return running_ ? running_->pid : 0; }
    [[nodiscard]] std::int64_t give_up_us() const { return give_up_us_; }
    void add_polls(std::vector<pollfd>& polls) const;
    // How the last try ended, or empty while it runs.
    [[nodiscard]] const std::string& outcome() const { return outcome_; }

private:
    reset_options options_;
    std::optional<launched> running_;
    std::int64_t give_up_us_ = 0;
    std::string outcome_;
};

}  // namespace mainstay::guard
