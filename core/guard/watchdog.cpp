#include "guard/watchdog.hpp"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>

#include "guard/unique_fd.hpp"

namespace mainstay::guard {

namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t arm_again_us = 5 * second_us;
// Three times out of four may be missed.
constexpr int feeds_per_timeout = 4;

tl::unexpected<error> trouble_with(const std::string& path, const std::string& what, int code) {
    auto text = path + ": " + what + ": " + std::strerror(code);
    if (code == EBUSY) text += "; another program holds it (systemd: RuntimeWatchdogSec=off)";
    return fail(text);
}

class device final : public watchdog {
public:
    static result<std::unique_ptr<watchdog>> open(const std::string& path, duration timeout) {
        std::unique_ptr<device> made(new device);
        made->path_ = path;
        made->fd_.reset(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        if (!made->fd_) return trouble_with(path, "can't be opened", errno);
        // From here on it counts. Some devices have one fixed timeout: they refuse, and say it below.
        int seconds = static_cast<int>((timeout.count() + second_us - 1) / second_us);
        (void)::ioctl(made->fd_.get(), WDIOC_SETTIMEOUT, &seconds);
        int told = 0;
        if (::ioctl(made->fd_.get(), WDIOC_GETTIMEOUT, &told) != 0 || told <= 0) {
            int code = errno;
            (void)made->disarm();
            return trouble_with(path, "does not say how long it waits", code);
        }
        // Whole seconds are what the device may round to.
        made->timeout_ = duration{(std::int64_t{told} + 1) * second_us};
        auto fed = made->feed();
        if (!fed) return tl::make_unexpected(fed.error());
        return std::unique_ptr<watchdog>(std::move(made));
    }
    result<void> feed() override {
        int ignored = 0;
        if (::ioctl(fd_.get(), WDIOC_KEEPALIVE, &ignored) != 0) return trouble_with(path_, "can't be fed", errno);
        return {};
    }
    result<void> disarm() override {
        watchdog_info info{};
        bool known = ::ioctl(fd_.get(), WDIOC_GETSUPPORT, &info) == 0;
        bool closes = known && (info.options & WDIOF_MAGICCLOSE) != 0;
        bool said = ::write(fd_.get(), "V", 1) == 1;
        fd_.reset();
        if (!closes || !said) return fail(path_ + ": can't be stopped once it counts: this node will be reset");
        return {};
    }

private:
    device() = default;
    std::string path_;
    unique_fd fd_;
};

// A program that plays the watchdog of this node, such as an agent of the machine that it is a guest of: packets
// `timeout MICROSECONDS`, answered by the same with what it really does, `keepalive`, and `V` to stop.
class remote final : public watchdog {
public:
    static result<std::unique_ptr<watchdog>> open(const std::string& path, duration timeout) {
        std::unique_ptr<remote> made(new remote);
        made->path_ = path;
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path) return fail(path + ": too long for a socket");
        std::memcpy(address.sun_path, path.c_str(), path.size());
        made->fd_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        const timeval patience{1, 0};
        ::setsockopt(made->fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(made->fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (::connect(made->fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            return trouble_with(path, "can't be reached", errno);
        if (!made->say("timeout " + std::to_string(timeout.count()))) return trouble_with(path, "does not hear", errno);
        char answer[64] = {};
        auto size = ::recv(made->fd_.get(), answer, sizeof answer - 1, 0);
        constexpr std::string_view word = "timeout ";
        bool told = size > 0 && std::string_view(answer).starts_with(word);
        made->timeout_ = duration{told ? std::atoll(answer + word.size()) : 0};
        if (made->timeout_.count() <= 0) return fail(path + ": does not say how long it waits");
        return std::unique_ptr<watchdog>(std::move(made));
    }
    result<void> feed() override {
        if (!say("keepalive")) return trouble_with(path_, "can't be fed", errno);
        return {};
    }
    result<void> disarm() override {
        if (!say("V")) return trouble_with(path_, "can't be stopped", errno);
        return {};
    }

private:
    remote() = default;
    bool say(const std::string& text) {
        return ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
    }
    std::string path_;
    unique_fd fd_;
};

}  // namespace

result<std::unique_ptr<watchdog>> open_watchdog(const std::string& path, duration timeout) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return trouble_with(path, "no watchdog", errno);
    if (S_ISSOCK(info.st_mode)) return remote::open(path, timeout);
    if (S_ISCHR(info.st_mode)) return device::open(path, timeout);
    return fail(path + ": neither a watchdog device nor a socket");
}

void watchdog_keeper::want(const std::string& path, duration timeout) {
    path_ = path;
    wanted_ = timeout;
    due_us_ = 0;
    if (armed_ && (path_ != armed_path_ || wanted_ != armed_for_))
        trouble_ = armed_path_ + " stays armed as it is until mainstay is stopped on this node";
    else if (!failing_)
        trouble_.clear();
}

duration watchdog_keeper::timeout() const { return armed_ && !failing_ ? armed_->timeout() : duration{0}; }

bool watchdog_keeper::arm(std::int64_t now_us) {
    due_us_ = now_us + arm_again_us;
    auto made = open_watchdog(path_, wanted_);
    bool news = made || trouble_ != made.error().message;
    trouble_ = made ? std::string() : made.error().message;
    if (!made) return news;
    armed_ = std::move(*made);
    armed_path_ = path_;
    armed_for_ = wanted_;
    due_us_ = now_us + armed_->timeout().count() / feeds_per_timeout;
    return true;
}

bool watchdog_keeper::step(std::int64_t now_us, bool (*may_feed)(void*), void* who) {
    if (now_us < due_us_) return false;
    if (!armed_) return !path_.empty() && arm(now_us);
    // Asked at the last moment: what was true when the turn began may be over.
    if (!may_feed(who)) return false;
    due_us_ = now_us + armed_->timeout().count() / feeds_per_timeout;
    auto fed = armed_->feed();
    if (fed.has_value() != failing_) return false;
    failing_ = !fed;
    trouble_ = fed ? std::string() : fed.error().message;
    return true;
}

std::int64_t watchdog_keeper::next_due_us(bool may_feed) const {
    constexpr auto never_us = std::numeric_limits<std::int64_t>::max();
    bool waits = armed_ ? may_feed : !path_.empty();
    return waits ? due_us_ : never_us;
}

std::string watchdog_keeper::disarm() {
    if (!armed_) return {};
    auto done = armed_->disarm();
    armed_.reset();
    path_.clear();
    return done ? std::string() : done.error().message;
}

}  // namespace mainstay::guard
