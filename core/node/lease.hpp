// A node may run packages only while a quorate leader acknowledged it (D6, R6, "Packages").
#pragma once

#include <algorithm>

#include "model/ids.hpp"
#include "model/mutation.hpp"
#include "model/time.hpp"

namespace mainstay::node {

class node_lease {
public:
    // A beat of the leader of `term` acknowledges what we sent at `sent`; `length` is its L.
    void acknowledged(const term& by, time_point sent, duration length, log_index newest_package_entry);
    // What the guard was told last, after a daemon restart: it still binds us.
    void inherited(time_point end) { end_ = std::max(end_, end); }

    [[nodiscard]] time_point end() const { return end_; }
    [[nodiscard]] bool valid(time_point now) const { return now < end_; }
    // Starting needs more than running: an acknowledgement younger than T, and everything applied
    // up to the package entry it named.
    [[nodiscard]] bool may_start(time_point now, duration member_timeout, log_index applied) const {
        if (mutated(mutation::start_under_old_lease)) return acknowledged_ != time_point::min();
        return valid(now) && acknowledged_ != time_point::min() && now - acknowledged_ <= member_timeout &&
               applied >= required_;
    }

    static void fields(auto& self, auto&& visit) {
        visit("end", self.end_);
        visit("acknowledged", self.acknowledged_);
        visit("term", self.term_);
        visit("required", self.required_);
    }

private:
    time_point end_ = time_point::min();
    time_point acknowledged_ = time_point::min();
    term term_;
    log_index required_;
};

}  // namespace mainstay::node
