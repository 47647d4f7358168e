// What a package weighs (SG 5.8): its own weight of that name, else the cluster's default for it. In thousandths.
#pragma once

#include <cstdint>
#include <string>

#include "model/config.hpp"

namespace mainstay {

// Of a name that neither gives: 1 for package_limit, which every package has, else nothing.
[[nodiscard]] std::uint64_t weight_of(const cluster_config& cluster, const package_config& package,
                                      const std::string& name);

// Of all names together; a package to which none is given counts 1. For comparing what the halves of a split run.
[[nodiscard]] std::uint64_t weight_of(const cluster_config& cluster, const package_config& package);

}  // namespace mainstay
