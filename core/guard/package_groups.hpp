// cgroup v2: a group of its own for each package, below the guard's. Nothing that a process does to its environment,
// parent or session takes it out. Where the kernel has none, or does not let us, there are the marks alone.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>

namespace mainstay::guard {

class package_groups {
public:
    // Finds out where groups can be made, and which there are; `guard` is the first part of all marks.
    void open(const std::string& guard);
    // Made when it is missing: the file that a process joins it by. Empty = there is none.
    [[nodiscard]] std::string join(const std::string& package);
    // Numbers as this process sees them.
    [[nodiscard]] std::set<pid_t> members(const std::string& package) const;
    [[nodiscard]] std::set<pid_t> members() const;
    // Removes those that are empty.
    void tidy();

private:
    [[nodiscard]] std::string path_of(const std::string& package) const;

    std::string prefix_;  // empty = no groups
    std::set<std::string> packages_;
};

// Of /proc/self/cgroup and /proc/self/mounts: the directory of this process in the cgroup v2 tree, or empty.
[[nodiscard]] std::string own_group(const std::string& cgroup, const std::string& mounts);

}  // namespace mainstay::guard
