// A package that is said to be down is looked for: what its scripts left behind is ended before anybody else runs it.
// Pure but for the signals: snapshots of /proc and the package's group come in.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guard/process_tree.hpp"
#include "guard/protocol.hpp"

namespace mainstay::guard {

class clearing {
public:
    // `guard` is the first part of all marks.
    clearing(const std::string& guard, clear_package asked, std::int64_t now_us);

    // True when it is over: nothing is left, or what is left does not end.
    bool step(std::int64_t now_us, const std::vector<process_info>& all, const std::set<pid_t>& group);
    [[nodiscard]] std::int64_t next_due_us() const { return due_us_; }
    [[nodiscard]] const std::string& package() const { return asked_.package; }
    [[nodiscard]] package_cleared result() const;  // once it is over

private:
    // Who was just told to end by its halt script gets the time to; then SIGTERM, then SIGKILL.
    enum class phase { leaving, ending, killing };
    using process_key = std::pair<pid_t, std::uint64_t>;  // with the start time

    std::string mark_;
    clear_package asked_;
    phase phase_ = phase::leaving;
    ending_tree tree_;
    std::map<process_key, std::string> told_;    // in words, who was told to end
    std::map<process_key, std::string> living_;  // when it was last looked
    std::int64_t due_us_;
    std::int64_t next_phase_us_;
};

}  // namespace mainstay::guard
