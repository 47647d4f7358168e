// The node's watchdog (D6): it ends the node when the guard did not feed it for `timeout()`. One interface, two
// kinds: a device of the /dev/watchdog protocol, and a socket of a program that plays one for this node.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "model/result.hpp"
#include "model/time.hpp"

namespace mainstay::guard {

class watchdog {
public:
    // Without disarm() it goes on counting: that is how a node whose guard died ends.
    virtual ~watchdog() = default;
    watchdog(const watchdog&) = delete;
    watchdog& operator=(const watchdog&) = delete;

    // W: the longest that the node can live after it was fed last, as the device itself says.
    [[nodiscard]] duration timeout() const { return timeout_; }
    [[nodiscard]] virtual result<void> feed() = 0;
    [[nodiscard]] virtual result<void> disarm() = 0;

protected:
    watchdog() = default;
    duration timeout_{0};
};

// Armed and just fed. The device may round `timeout`; one that can't say what it counts is no proof and refused.
[[nodiscard]] result<std::unique_ptr<watchdog>> open_watchdog(const std::string& path, duration timeout);

// When it is armed and fed, for the guard's loop. It never lets go by itself: what the cluster was told of W stays
// true until this node leaves in good order.
class watchdog_keeper {
public:
    // Which one is wanted. Armed once; another wish while it is armed changes nothing, see trouble().
    void want(const std::string& path, duration timeout);
    // Arms what is wanted, feeds what is armed. `may_feed` tells whether the node may go on living now.
    // True when timeout() or trouble() have changed.
    bool step(std::int64_t now_us, bool (*may_feed)(void*), void* who);
    [[nodiscard]] std::int64_t next_due_us(bool may_feed) const;
    // Nothing runs here any more. What went wrong, or nothing.
    [[nodiscard]] std::string disarm();

    [[nodiscard]] duration timeout() const;  // zero when none is armed
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

private:
    bool arm(std::int64_t now_us);

    std::string path_;
    duration wanted_{0};
    std::unique_ptr<watchdog> armed_;
    std::string armed_path_;
    duration armed_for_{0};
    bool failing_ = false;
    std::string trouble_;
    std::int64_t due_us_ = 0;
};

}  // namespace mainstay::guard
