#include "model/check.hpp"

#include <algorithm>

namespace mainstay {

problems check_configuration(const configuration& config, std::span<const plugin_schema> schemas) {
    problems found;
    checking::check_cluster(config, found);
    checking::check_links(config.cluster, found);
    checking::check_fencing(config.cluster, found);
    checking::check_watchdogs(config.cluster, found);
    checking::check_packages(config, found);
    checking::check_placement(config, found);
    checking::check_sites(config, found);
    checking::check_together(config, found);
    checking::check_storage(config, found);
    checking::check_filesystems(config, found);
    checking::check_plugins(config, schemas, found);
    return found;
}

namespace checking {

source_position position(const keyword_lines& lines, const std::string& key, const source_position& section) {
    auto found = lines.find(key);
    return found == lines.end() ? section : found->second;
}

void add_error(problems& found, source_position where, std::string keyword, std::string message, std::string expected,
               std::string nearest) {
    found.push_back({problem::level::error, std::move(where), std::move(keyword), std::move(message),
                     std::move(expected), std::move(nearest)});
}

void add_missing(problems& found, source_position where, std::string keyword, std::string message,
                 std::string expected) {
    add_error(found, std::move(where), std::move(keyword), std::move(message), std::move(expected));
    found.back().for_want = true;
}

void add_warning(problems& found, source_position where, std::string keyword, std::string message) {
    found.push_back({problem::level::warning, std::move(where), std::move(keyword), std::move(message), {}, {}});
}

void require_node(const cluster_config& cluster, const std::string& name, const source_position& where,
                  const std::string& keyword, problems& found) {
    if (cluster.name.empty()) return;
    std::vector<std::string_view> names;
    for (const auto& node : cluster.nodes) names.push_back(node.name);
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    std::string known;
    for (auto known_name : names) (known += known.empty() ? "" : ", ") += known_name;
    add_error(found, where, keyword, "there is no node " + name + " in the cluster",
              names.empty() ? "a node_name in the cluster part" : "one of " + known, nearest_word(name, names));
}

}  // namespace checking

}  // namespace mainstay
