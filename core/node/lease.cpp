#include "node/lease.hpp"

namespace mainstay::node {

void node_lease::acknowledged(const term& by, time_point sent, duration length, log_index newest_package_entry) {
    if (by < term_) return;
    if (term_ < by) {
        term_ = by;
        required_ = log_index{};
        acknowledged_ = time_point::min();  // of a former leader: good for running on, not for starting
    }
    required_ = std::max(required_, newest_package_entry);
    acknowledged_ = std::max(acknowledged_, sent);
    end_ = std::max(end_, sent + length);
}

}  // namespace mainstay::node
