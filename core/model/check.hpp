// Does a configuration make sense as a whole? Names that refer to each other, subnets, timing,
// fencing, plugin parameters. Pure; wants a configuration that parsed without errors, because a
// value the parser refused is missing here.
#pragma once

#include <span>

#include "model/parse.hpp"
#include "model/schema.hpp"

namespace mainstay {

// All problems, errors and warnings, by section. A configuration with an error must not be applied.
// Instances whose plugin has no schema in `schemas` keep their parameters unchecked: the caller,
// who knows where plugins are looked for, reports a missing one.
[[nodiscard]] problems check_configuration(const configuration& config, std::span<const plugin_schema> schemas = {});

// All that is wrong with what was parsed, in one go: what the parser found, and the checks of
// all that does not rest on what could not be read (examine.cpp).
[[nodiscard]] problems examine(const parse_outcome& parsed, std::span<const plugin_schema> schemas = {});

namespace checking {

// The parts of it, each appending to `found`.
void check_cluster(const configuration& config, problems& found);
void check_links(const cluster_config& cluster, problems& found);
void check_watchdogs(const cluster_config& cluster, problems& found);
void check_fencing(const cluster_config& cluster, problems& found);
void check_packages(const configuration& config, problems& found);
void check_placement(const configuration& config, problems& found);
void check_sites(const configuration& config, problems& found);
void check_together(const configuration& config, problems& found);
void check_storage(const configuration& config, problems& found);
void check_filesystems(const configuration& config, problems& found);
void check_plugins(const configuration& config, std::span<const plugin_schema> schemas, problems& found);

// Where `key` stood (see keyword_lines), or where its section began.
[[nodiscard]] source_position position(const keyword_lines& lines, const std::string& key,
                                       const source_position& section);
void add_error(problems& found, source_position where, std::string keyword, std::string message,
               std::string expected = {}, std::string nearest = {});
// The same about what is not there.
void add_missing(problems& found, source_position where, std::string keyword, std::string message,
                 std::string expected = {});
void add_warning(problems& found, source_position where, std::string keyword, std::string message);
// Reports `name` at `keyword` unless the cluster has such a node.
void require_node(const cluster_config& cluster, const std::string& name, const source_position& where,
                  const std::string& keyword, problems& found);

}  // namespace checking

}  // namespace mainstay
