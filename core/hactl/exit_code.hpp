// What hactl's exit code means. Documented in docs/reference/admin-api.md and `hactl help`; scripts
// rely on it: numbers are never reused.
#pragma once

namespace mainstay::hactl {

enum class exit_code : int {
    done = 0,
    refused = 1,      // refused or failed; a configuration with errors
    usage = 2,        // the command line makes no sense
    unreachable = 3,  // no mainstayd on this node
    no_leader = 4,    // no quorum, no leader, no cluster: nothing was changed
    unconfirmed = 5,  // the outcome is unknown
    denied = 6,       // not allowed
};

}  // namespace mainstay::hactl
