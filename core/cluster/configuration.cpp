#include "cluster/configuration.hpp"

#include <array>

#include "model/parse.hpp"

namespace mainstay::cluster {

result<configuration> parse_canonical(const std::string& text) {
    std::array<named_text, 1> files{named_text{"configuration", text}};
    auto outcome = parse_configuration(files);
    if (!outcome.ok()) {
        for (const auto& item : outcome.found)
            if (item.severity == problem::level::error) return fail(to_text(item));
    }
    if (!outcome.has_cluster) return fail("configuration: no cluster_name in it");
    return std::move(outcome.config);
}

bool complete(state& value, const state* former) {
    if (!value.formed()) return true;
    if (former != nullptr && former->formed() && former->configuration_text == value.configuration_text) {
        value.config = former->config;
    } else {
        auto parsed = parse_canonical(value.configuration_text);
        if (!parsed) return false;
        value.config = std::move(*parsed);
    }
    return coherent(value);
}

}  // namespace mainstay::cluster
