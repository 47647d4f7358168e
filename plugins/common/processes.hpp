// Processes that keep something busy: finding them, naming them, ending them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace mainstay::kit {

struct process {
    pid_t pid = 0;
    std::string name;  // of the program
};

// All but our own and the first one for which `holds("/proc/4711")`.
[[nodiscard]] std::vector<process> processes_that(const std::function<bool(const std::string&)>& holds);

// SIGTERM for those that `find` finds, and SIGKILL for those that are still there after `patience`. Returns once they
// are gone or will not go.
void end_processes(const std::function<std::vector<process>()>& find, std::chrono::milliseconds patience);

// "sleep (pid 4711), sh (pid 4712)"; at most a few.
[[nodiscard]] std::string list_of(const std::vector<process>& list);

// The names in a directory; nothing when it can't be read.
[[nodiscard]] std::vector<std::string> entries_of(const std::string& directory);

// Where a symbolic link points; empty when it is none.
[[nodiscard]] std::string link_target(const std::string& path);

}  // namespace mainstay::kit
