// The real mainstay-guard in a directory of its own, with the test in the place of the daemon.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "guard/client.hpp"

namespace mainstay::guard::testing {

inline constexpr std::chrono::seconds limit{60};  // generous: a loaded machine is no failure

class real_guard {
public:
    explicit real_guard(std::vector<std::string> options = {});
    ~real_guard();
    real_guard(const real_guard&) = delete;
    real_guard& operator=(const real_guard&) = delete;

    // Waits for a (fake) daemon to come up; its arguments, one a line.
    std::string accept_daemon();
    // accept_daemon and the exchange of hellos.
    guard_hello connect();
    void send(const to_guard& message);
    void send_raw(const std::string& data);
    void crash_daemon();

    // The next message, which has to be of this kind; another kind fails the test.
    template <class Message>
    Message expect(unique_fd* attached = nullptr) {
        auto arrived = next();
        auto* message = std::get_if<Message>(&arrived.message);
        if (message == nullptr) unexpected(arrived.message);
        if (attached != nullptr) *attached = std::move(arrived.attached);
        return *message;
    }
    // Starts a shell command and waits for `started`.
    request_id run(const std::string& command, start_process base = {});

    int wait_for_end();  // of the guard; its exit code
    void start();        // another one after it, in the same directory
    void kill();         // without a word, and its daemon with it
    [[nodiscard]] std::string path(const std::string& name) const { return directory_ + '/' + name; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::vector<std::string> command_line() const;

private:
    using channel = message_channel<to_guard, from_guard>;
    channel::arrived next();
    [[noreturn]] void unexpected(const from_guard& message);

    std::string directory_;
    std::vector<std::string> options_;
    unique_fd listener_;
    std::optional<channel> daemon_;
    pid_t pid_ = 0;
    std::uint64_t last_request_ = 0;
};

// A named pipe that a script writes one line to; reading waits for it.
class line_pipe {
public:
    explicit line_pipe(std::string path);
    [[nodiscard]] const std::string& path() const { return path_; }
    std::string read_line();
    [[nodiscard]] bool is_empty();

private:
    std::string path_;
    unique_fd fd_;
};

[[nodiscard]] bool is_alive(pid_t pid);
// Waits for it, for what was killed but may still be busy dying.
[[nodiscard]] bool is_dead_soon(pid_t pid);
[[nodiscard]] time_point boot_now();

}  // namespace mainstay::guard::testing
