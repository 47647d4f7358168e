// The canonical text of a configuration: what the replicated log carries and `hactl cluster get`
// shows. Reading it back gives the same configuration, and printing that gives the same bytes.
// Values are written out even where they are the default, so that a release with other defaults
// changes nothing under a running cluster.
#pragma once

#include <string>

#include "model/config.hpp"

namespace mainstay {

[[nodiscard]] std::string print_configuration(const configuration& config);
// One part of it; two packages are the same when their texts are.
[[nodiscard]] std::string print_cluster(const cluster_config& cluster);
[[nodiscard]] std::string print_package(const package_config& package);

}  // namespace mainstay
