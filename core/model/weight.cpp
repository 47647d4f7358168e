#include "model/weight.hpp"

namespace mainstay {

std::uint64_t weight_of(const cluster_config& cluster, const package_config& package, const std::string& name) {
    auto own = package.weight.find(name);
    if (own != package.weight.end()) return own->second;
    auto usual = cluster.weight_defaults.find(name);
    if (usual != cluster.weight_defaults.end()) return usual->second;
    return name == package_limit ? weight_unit : 0;
}

std::uint64_t weight_of(const cluster_config& cluster, const package_config& package) {
    std::uint64_t sum = 0;
    for (const auto& [name, value] : package.weight) sum += value;
    for (const auto& [name, value] : cluster.weight_defaults)
        if (!package.weight.contains(name)) sum += value;
    return sum > 0 ? sum : weight_unit;
}

}  // namespace mainstay
