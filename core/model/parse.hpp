// Text of configuration files in, a configuration and everything that is wrong with it out (D12).
// Pure: reads no file. Syntax and single values are judged here; what must fit together (names,
// subnets, timing, fencing) in check.hpp, which wants a configuration without errors from here.
#pragma once

#include <span>
#include <string>

#include "model/config.hpp"
#include "model/problem.hpp"

namespace mainstay {

struct named_text {
    std::string name;  // as it should stand in messages: cluster.conf, packages/web.conf
    std::string text;
    std::string unreadable = {};  // why there is no text: becomes a problem of the file
};

struct parse_outcome {
    configuration config;
    bool has_cluster = false;  // a cluster_name was found
    problems found;            // in the order of files and lines
    [[nodiscard]] bool ok() const { return !has_errors(found); }
};

// Reports all problems of all files. One file may hold the cluster and packages, or many packages.
[[nodiscard]] parse_outcome parse_configuration(std::span<const named_text> files);

}  // namespace mainstay
