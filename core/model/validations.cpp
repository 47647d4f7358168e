#include "model/validations.hpp"

#include <algorithm>
#include <set>

#include "model/check.hpp"
#include "model/print.hpp"

namespace mainstay {

namespace {

using checking::position;

std::set<std::string> unchanged_packages(const configuration& in_force, const configuration& wanted) {
    std::set<std::string> same;
    for (const auto& package : wanted.packages)
        for (const auto& known : in_force.packages)
            if (known.name == package.name && print_package(known) == print_package(package)) same.insert(known.name);
    return same;
}

// SG 3.10: at validate there is SG_PACKAGE_NAME; nothing of it runs anywhere yet, so there is no node and no
// generation.
std::vector<std::pair<std::string, std::string>> environment_of(const configuration& config,
                                                                const package_config& package) {
    std::string addresses;
    for (const auto& item : package.addresses) addresses += (addresses.empty() ? "" : " ") + item.address;
    std::vector<std::pair<std::string, std::string>> list{{"SG_PACKAGE_NAME", package.name},
                                                          {"SG_CLUSTER", config.cluster.name},
                                                          {"SG_LOG_LEVEL", std::to_string(package.log_level)},
                                                          {"MAINSTAY_PACKAGE", package.name},
                                                          {"MAINSTAY_CLUSTER", config.cluster.name},
                                                          {"MAINSTAY_ADDRESSES", addresses}};
    for (const auto& [variable, value] : package.variables) list.emplace_back(environment_name(variable), value);
    return list;
}

bool can_run(const program_looks& looks, const std::string& node, const std::string& path) {
    auto look = looks.find(node);
    if (look == looks.end()) return true;
    auto seen = look->second.seen.find(path);
    return seen == look->second.seen.end() || seen->second.what == program_seen::kind::good;
}

std::string text_of(const validation_seen& seen) {
    auto text = seen.timed_out  ? std::string("did not end in time")
                : seen.code < 0 ? "killed by signal " + std::to_string(-seen.code)
                                : "exit " + std::to_string(seen.code);
    return seen.line.empty() ? text : text + ", said: " + seen.line;
}

}  // namespace

std::string environment_name(const std::string& variable) {
    auto upper = "PEV_" + variable;
    for (char& c : upper)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return upper;
}

std::vector<script_to_validate> scripts_to_validate(const configuration& in_force, const configuration& wanted,
                                                    const program_looks& looks) {
    std::vector<script_to_validate> out;
    auto same = unchanged_packages(in_force, wanted);
    for (const auto& package : wanted.packages) {
        if (same.contains(package.name)) continue;
        bool all = package.nodes.empty() || std::count(package.nodes.begin(), package.nodes.end(), "*") > 0;
        auto nodes = package.nodes;
        if (all) nodes.clear();
        for (const auto& node : wanted.cluster.nodes)
            if (all) nodes.push_back(node.name);
        auto add = [&](const std::string& path, const char* keyword) {
            script_to_validate item{package.name, path, keyword, {}, {}, environment_of(wanted, package)};
            item.where = position(package.lines, std::string(keyword) + ' ' + path, package.where);
            for (const auto& node : nodes)
                if (can_run(looks, node, path)) item.nodes.push_back(node);
            out.push_back(std::move(item));
        };
        for (const auto& path : package.external_pre_scripts) add(path, "external_pre_script");
        for (const auto& path : package.external_scripts) add(path, "external_script");
    }
    return out;
}

problems judge_validations(const configuration& config, const std::vector<script_to_validate>& scripts,
                           const validation_results& results) {
    problems found;
    for (const auto& node : config.cluster.nodes) {
        auto result = results.find(node.name);
        if (result == results.end() || result->second.silence.empty()) continue;
        checking::add_warning(
            found, node.where, "node_name",
            "external scripts were not called with validate on " + node.name + ": " + result->second.silence);
    }
    for (const auto& script : scripts) {
        std::vector<std::pair<std::string, std::string>> wrong;  // what it said, and where
        for (const auto& node : script.nodes) {
            auto result = results.find(node);
            if (result == results.end()) continue;
            auto seen = result->second.seen.find({script.package, script.path});
            if (seen == result->second.seen.end() || seen->second.good()) continue;
            auto text = text_of(seen->second);
            auto same = std::find_if(wrong.begin(), wrong.end(), [&](const auto& item) { return item.first == text; });
            if (same == wrong.end()) {
                wrong.emplace_back(text, node);
            } else {
                same->second.append(", ").append(node);
            }
        }
        for (const auto& [said, nodes] : wrong) {
            auto text = script.path;
            text.append(" validate on ").append(nodes).append(": ").append(said).append("; exit 0 was expected");
            checking::add_error(found, script.where, script.keyword, std::move(text));
        }
    }
    return found;
}

}  // namespace mainstay
