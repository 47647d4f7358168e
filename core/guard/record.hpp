// What a guard leaves in RUN_DIR for the next one, should it die without a word: whose marks its processes carry, and,
// while packages are detached, which they are. RUN_DIR ends with the machine (tmpfs), as the processes do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guard/keeper.hpp"
#include "model/result.hpp"

namespace mainstay::guard {

struct guard_record {
    std::string identity;  // first part of all marks
    bool detached = false;
    std::vector<kept_process> processes;  // of packages; only while they are detached
    static void fields(auto& self, auto&& visit) {
        visit("identity", self.identity);
        visit("detached", self.detached);
        visit("processes", self.processes);
    }
};

// Whole or not at all.
[[nodiscard]] result<void> write_record(const std::string& run_dir, const guard_record& record);
// Nothing when there is none, or when it can't be read.
[[nodiscard]] std::optional<guard_record> read_record(const std::string& run_dir);
void forget_record(const std::string& run_dir);

// Kills what carries package marks of that guard, until nothing of it is left. False: something does not die in time.
[[nodiscard]] bool end_leftovers(const std::string& identity);

}  // namespace mainstay::guard
