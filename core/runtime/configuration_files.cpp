#include "runtime/configuration_files.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "model/check.hpp"
#include "model/print.hpp"

namespace mainstay::runtime {

namespace {

// Every plugin that the configuration names has to load on this node.
void require(const plugin_instance& item, const std::string& plugin_dir, const std::set<std::string>& known,
             const std::map<std::string, std::string>& broken, problems& found) {
    if (item.plugin.empty() || known.contains(item.plugin)) return;
    problem missing;
    missing.where = item.where;
    missing.keyword = item.plugin;
    auto reason = broken.find(item.plugin);
    missing.message =
        reason != broken.end() ? reason->second : "there is no plugin " + item.plugin + " in " + plugin_dir;
    std::vector<std::string_view> words(known.begin(), known.end());
    missing.nearest = nearest_word(item.plugin, words);
    found.push_back(std::move(missing));
}

void sort_as(problems& found, std::span<const named_text> files) {
    std::vector<std::string> order;
    for (const auto& item : files) order.push_back(item.name);
    sort_by_position(found, order);
}

}  // namespace

checked_files check_files(std::span<const named_text> files, std::span<const plugin::listed_plugin> installed,
                          const std::string& plugin_dir) {
    checked_files out;
    auto parsed = parse_configuration(files);
    std::vector<plugin_schema> schemas;
    std::set<std::string> known;
    std::map<std::string, std::string> broken;
    for (const auto& item : installed) {
        if (item.info) {
            known.insert(item.info->name);
            schemas.push_back(plugin::to_schema(*item.info));
        } else {
            broken[item.file.stem().string()] = item.info.error().message;
        }
    }
    out.found = examine(parsed, schemas);
    bool parsed_well = parsed.ok();
    out.config = std::move(parsed.config);
    const auto& cluster = out.config.cluster;
    if (parsed_well)
        for (const auto& item : effective_links(cluster)) require(item, plugin_dir, known, broken, out.found);
    for (const auto& item : cluster.stonith) require(item, plugin_dir, known, broken, out.found);
    for (const auto& item : cluster.arbitrators) require(item, plugin_dir, known, broken, out.found);
    for (const auto& item : cluster.event_sources) require(item, plugin_dir, known, broken, out.found);
    for (const auto& item : cluster.notifiers) require(item, plugin_dir, known, broken, out.found);
    for (const auto& package : out.config.packages) {
        for (const auto& item : package.volume_groups)
            require(volume_group_instance(cluster, package, item), plugin_dir, known, broken, out.found);
        for (const auto& item : package.filesystems)
            require(filesystem_instance(package, item), plugin_dir, known, broken, out.found);
        for (const auto& item : package.resources) require(item, plugin_dir, known, broken, out.found);
    }
    sort_as(out.found, files);
    if (!has_errors(out.found)) out.canonical = print_configuration(out.config);
    return out;
}

void add_problems(checked_files& checked, std::span<const named_text> files, problems more) {
    for (auto& item : more) checked.found.push_back(std::move(item));
    sort_as(checked.found, files);
    if (has_errors(checked.found)) checked.canonical.clear();
}

void add_programs(checked_files& checked, std::span<const named_text> files, const std::vector<named_program>& programs,
                  const program_looks& looks) {
    add_problems(checked, files, judge_programs(checked.config, programs, looks));
}

void add_validations(checked_files& checked, std::span<const named_text> files,
                     const std::vector<script_to_validate>& scripts, const validation_results& results) {
    add_problems(checked, files, judge_validations(checked.config, scripts, results));
}

result<configuration> read_initial(const std::string& config_dir) {
    auto path = config_dir + "/cluster.conf";
    std::ifstream in(path);
    if (!in)
        return fail(path + ": " + std::strerror(errno) +
                    "; it tells a node that is in no cluster yet where the others are");
    std::array<named_text, 1> files{named_text{path, std::string(std::istreambuf_iterator<char>(in), {})}};
    auto parsed = parse_configuration(files);
    for (const auto& item : parsed.found)
        if (item.severity == problem::level::error) return fail(to_text(item));
    return std::move(parsed.config);
}

}  // namespace mainstay::runtime
