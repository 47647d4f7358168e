// Configuration files as an administrator hands them in: parsed, checked against the plugins that
// are installed here, and turned into the canonical text of the log.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "model/config.hpp"
#include "model/parse.hpp"
#include "model/problem.hpp"
#include "model/programs.hpp"
#include "model/result.hpp"
#include "model/validations.hpp"
#include "runtime/plugin/loader.hpp"

namespace mainstay::runtime {

struct checked_files {
    configuration config;
    problems found;         // all of all files
    std::string canonical;  // empty when there are errors
    [[nodiscard]] bool ok() const { return !canonical.empty(); }
};

// `installed` are the plugins of `plugin_dir` (plugin_catalog.hpp).
[[nodiscard]] checked_files check_files(std::span<const named_text> files,
                                        std::span<const plugin::listed_plugin> installed,
                                        const std::string& plugin_dir);

// What else is wrong joins what was found.
void add_problems(checked_files& checked, std::span<const named_text> files, problems more);

// What the nodes have of the programs that it names joins what was found.
void add_programs(checked_files& checked, std::span<const named_text> files, const std::vector<named_program>& programs,
                  const program_looks& looks);

// What external scripts say to `validate` joins what was found.
void add_validations(checked_files& checked, std::span<const named_text> files,
                     const std::vector<script_to_validate>& scripts, const validation_results& results);

// The cluster part of CONFIG_DIR/cluster.conf, for a node that is in no cluster yet: it tells the
// links on which others are to be found. The error is for the log and for status.
[[nodiscard]] result<configuration> read_initial(const std::string& config_dir);

}  // namespace mainstay::runtime
