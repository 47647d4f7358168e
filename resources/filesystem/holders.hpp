// Processes that keep a directory busy: open files, working and root directories, programs and
// libraries below it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace mainstay::filesystem {

struct holder {
    pid_t pid = 0;
    std::string name;  // of the program
};

// Our own process is never one of them.
[[nodiscard]] std::vector<holder> holders_of(const std::string& directory);

// SIGTERM, and SIGKILL for those that are still there after `patience`. Returns once they are gone
// or will not go.
void end_holders(const std::string& directory, std::chrono::milliseconds patience);

// "sleep (pid 4711), sh (pid 4712)"; at most a few.
[[nodiscard]] std::string list_of(const std::vector<holder>& list);

}  // namespace mainstay::filesystem
