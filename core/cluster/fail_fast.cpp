#include "cluster/fail_fast.hpp"

namespace mainstay::cluster {

bool resets_node(const package_config& package, bool maintained, report how) {
    bool left = how == report::start_exit_2 || how == report::start_timeout || how == report::halt_timeout ||
                how == report::failing_fast;
    return package.node_fail_fast && left && !maintained;
}

}  // namespace mainstay::cluster
