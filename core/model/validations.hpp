// External scripts are asked before they are needed: each is called with `validate` on every node that may run its
// package (SG 3.10). Which ones, with what environment, and what comes of the answers. Pure; the calls are the edge's.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/config.hpp"
#include "model/problem.hpp"
#include "model/programs.hpp"

namespace mainstay {

// pev_NAME as a script finds it: PEV_NAME, in capitals.
[[nodiscard]] std::string environment_name(const std::string& variable);

struct script_to_validate {
    std::string package;
    std::string path;
    std::string keyword;  // external_script or external_pre_script
    source_position where;
    std::vector<std::string> nodes;  // where it is to be called
    std::vector<std::pair<std::string, std::string>> environment;
};

// Those of packages that are not in force as they are wanted, in the order of the configuration. On nodes where `looks`
// says that it can't run it is not called: that is an error already. Control scripts know no `validate`.
[[nodiscard]] std::vector<script_to_validate> scripts_to_validate(const configuration& in_force,
                                                                  const configuration& wanted,
                                                                  const program_looks& looks);

// What one node said, by package and path; or why it was not asked or said nothing.
struct validation_result {
    std::string silence;
    std::map<std::pair<std::string, std::string>, validation_seen> seen;
};
using validation_results = std::map<std::string, validation_result>;  // by node

// Errors for scripts that found fault, one for each script and each way to say so; warnings for nodes that said
// nothing.
[[nodiscard]] problems judge_validations(const configuration& config, const std::vector<script_to_validate>& scripts,
                                         const validation_results& results);

}  // namespace mainstay
