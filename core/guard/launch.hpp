// Starts one process and nothing else: in a session of its own, with nothing of ours inherited.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "guard/unique_fd.hpp"
#include "model/result.hpp"

namespace mainstay::guard {

struct launch_request {
    std::vector<std::string> argv;
    std::vector<std::pair<std::string, std::string>> environment;
    std::string directory = "/";
    bool wants_socket = false;    // a stream socket pair
    bool discard_output = false;  // nobody will read it, and it must not end by writing
    std::string group;            // cgroup.procs of the group it is to be in; empty = in ours
    int give = -1;                // a descriptor of ours that becomes 3, instead of the pair's end
};

struct launched {
    pid_t pid = 0;
    unique_fd handle;  // pidfd: readable when the process has ended
    // Readable once it is known whether exec worked: ends without a byte when it did, otherwise
    // carries the error number. exec may hang on a dead file server: never wait for it.
    unique_fd exec_error;
    unique_fd output;  // what it writes, both streams; not blocking
    unique_fd socket;  // our end
};

[[nodiscard]] result<launched> launch(const launch_request& request);

// CLOCK_BOOTTIME in microseconds: the clock of leases and deadlines.
[[nodiscard]] std::int64_t boot_time_us();

}  // namespace mainstay::guard
