#include "conversation.hpp"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/text.hpp"

namespace mainstay::serial_strip {

namespace {

// A device that babbles must not fill the memory.
constexpr std::size_t heard_limit = 2048;

bool wait_for(int fd, short events, clock::time_point deadline) {
    while (true) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
        if (left <= 0) return false;
        pollfd wanted{fd, events, 0};
        auto ready = ::poll(&wanted, 1, static_cast<int>(left));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

}  // namespace

conversation::conversation(const std::string& device, const kit::line_settings& settings)
    : settings_(settings), device_(device), port_(kit::open_serial(device, settings, problem_)) {}

bool conversation::say(std::string_view what, clock::time_point deadline) {
    if (!port_) return false;
    ::tcflush(port_.get(), TCIFLUSH);
    heard_.clear();
    while (!what.empty()) {
        if (!wait_for(port_.get(), POLLOUT, deadline)) {
            problem_ = device_ + ": does not take the bytes (flow control?)";
            return false;
        }
        auto size = ::write(port_.get(), what.data(), what.size());
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (size < 0) {
            problem_ = device_ + ": can't be written: " + kit::error_text(errno);
            return false;
        }
        what.remove_prefix(static_cast<std::size_t>(size));
    }
    ::tcdrain(port_.get());
    return true;
}

bool conversation::hear() {
    std::array<char, 256> buffer{};
    auto size = ::read(port_.get(), buffer.data(), buffer.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (size <= 0) {
        problem_ = device_ + ": " + (size == 0 ? "hung up" : kit::error_text(errno));
        port_.reset();
        return false;
    }
    for (char c : std::string_view(buffer.data(), static_cast<std::size_t>(size)))
        if (c != '\0') heard_ += c;
    if (heard_.size() > heard_limit) heard_.erase(0, heard_.size() - heard_limit);
    return true;
}

int conversation::listen(const std::vector<const pattern*>& patterns, clock::time_point deadline) {
    while (port_) {
        for (std::size_t i = 0; i < patterns.size(); ++i)
            if (patterns[i]->fits(heard_)) return static_cast<int>(i);
        if (!wait_for(port_.get(), POLLIN, deadline) || !hear()) return -1;
    }
    return -1;
}

void conversation::settle(clock::time_point deadline) {
    const std::chrono::milliseconds silence(50 + 4 * 1000 * settings_.bits_per_byte() / settings_.baud);
    while (port_ && wait_for(port_.get(), POLLIN, std::min(deadline, clock::now() + silence)) && hear()) {
    }
}

}  // namespace mainstay::serial_strip
