#include "model/programs.hpp"

#include <algorithm>
#include <set>
#include <system_error>

#include "model/check.hpp"
#include "model/lexer.hpp"
#include "model/limits.hpp"
#include "model/print.hpp"

namespace mainstay {

namespace {

using checking::position;

bool lies_below(const std::string& path, const std::string& folder) {
    return !folder.empty() && path.starts_with(folder) &&
           (folder.back() == '/' || path.size() == folder.size() || path[folder.size()] == '/');
}

bool is_mounted_by_a_package(const configuration& config, const std::string& path) {
    for (const auto& package : config.packages)
        for (const auto& item : package.filesystems)
            if (lies_below(path, item.directory)) return true;
    return false;
}

// The program of a command line for /bin/sh, when that is plain to see.
std::string program_of(const std::string& command) {
    auto words = split_words(command);
    if (!words || words->empty() || words->front().empty() || words->front().front() != '/') return {};
    bool expanded = words->front().find_first_of("$`*?[;&|<>()") != std::string::npos;
    return expanded ? std::string() : words->front();
}

// As the plugin init-script reads it.
std::string init_script_of(const plugin_instance& item, source_position& where) {
    for (const auto& param : item.params) {
        if (param.name != "script" || param.value.empty()) continue;
        where = param.where;
        return param.value.find('/') == std::string::npos ? "/etc/init.d/" + param.value : param.value;
    }
    return {};
}

class collector {
public:
    explicit collector(const configuration& config) : config_(config) {}

    void collect(const package_config& package) {
        package_ = &package;
        nodes_ = package.nodes;
        if (nodes_.empty())
            for (const auto& node : config_.cluster.nodes) nodes_.push_back(node.name);
        seen_.clear();
        auto script = [&](const std::string& path, const char* keyword, const std::string& key) {
            add(path, keyword, position(package.lines, key, package.where), true);
        };
        for (const auto& path : package.external_pre_scripts)
            script(path, "external_pre_script", "external_pre_script " + path);
        script(package.run_script, "run_script", "run_script");
        script(package.halt_script, "halt_script", "halt_script");
        if (!package.volume_groups.empty())
            for (const auto& path : volume_group_tools(package)) tool(path, package.volume_groups.front().where);
        for (const auto& path : package.external_scripts) script(path, "external_script", "external_script " + path);
        for (const auto& item : package.resources) {
            if (item.plugin != "init-script") continue;
            auto where = item.where;
            auto path = init_script_of(item, where);
            add(path, "resource_param", where, true);
        }
        for (const auto& item : package.services)
            add(program_of(item.command), "service_cmd", position(item.lines, "service_cmd", item.where), false);
    }

    std::vector<named_program> take() { return std::move(out_); }

private:
    void tool(const std::string& path, source_position where) {
        auto before = out_.size();
        add(path, "vg", std::move(where), true);
        if (out_.size() > before) out_.back().of_system = true;
    }

    void add(const std::string& path, const char* keyword, source_position where, bool required) {
        bool plain = !path.empty() && path.front() == '/' && path.find('\0') == std::string::npos;
        if (!plain || is_mounted_by_a_package(config_, path) || !seen_.insert(path).second) return;
        out_.push_back({path, package_->name, keyword, std::move(where), nodes_, required});
    }

    const configuration& config_;
    const package_config* package_ = nullptr;
    std::vector<std::string> nodes_;
    std::set<std::string> seen_;
    std::vector<named_program> out_;
};

// node1 | node1 and node2 | node1, node2 and node3
std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i)
        out += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
    return out;
}

std::string wrong_text(const program_seen& seen) {
    switch (seen.what) {
        case program_seen::kind::missing:
            return "is missing";
        case program_seen::kind::no_file:
            return "is not a regular file";
        case program_seen::kind::not_executable:
            return "is not executable";
        default:
            return std::string("can't be looked at (") + std::generic_category().message(seen.error) + ")";
    }
}

std::string remedy(const program_seen& seen, const named_program& program, const std::vector<std::string>& good) {
    bool one = program.keyword == "service_cmd";
    switch (seen.what) {
        case program_seen::kind::missing:
            if (program.of_system)
                return "; install the LVM tools there (lvm2), or name the vgchange to use in vgchange_cmd";
            return (good.empty() ? "; put it there" : "; copy it there from " + good.front()) +
                   (one ? ", unless a script or resource of the package brings it" : "");
        case program_seen::kind::no_file:
            return "; a program or a script is expected";
        case program_seen::kind::not_executable:
            return "; chmod 755 it there, on a file system that is not mounted noexec";
        default:
            return "";
    }
}

void judge(const named_program& program, const program_looks& looks, problems& found) {
    std::map<std::pair<program_seen::kind, std::int32_t>, std::vector<std::string>> wrong;
    std::vector<std::pair<bytes, std::vector<std::string>>> versions;  // in the order of the nodes
    std::vector<std::string> good;
    for (const auto& node : program.nodes) {
        auto look = looks.find(node);
        if (look == looks.end()) continue;
        auto seen = look->second.seen.find(program.path);
        if (seen == look->second.seen.end()) continue;
        const auto& file = seen->second;
        if (file.what != program_seen::kind::good) {
            wrong[{file.what, file.error}].push_back(node);
            continue;
        }
        good.push_back(node);
        // Binaries of a distribution differ between its releases, and rightly so.
        if (file.digest.empty() || program.of_system || (!program.required && !file.script)) continue;
        auto same = std::find_if(versions.begin(), versions.end(),
                                 [&file](const auto& version) { return version.first == file.digest; });
        if (same == versions.end()) same = versions.insert(versions.end(), {file.digest, {}});
        same->second.push_back(node);
    }
    for (const auto& [how, nodes] : wrong) {
        program_seen seen{how.first, how.second, false, {}};
        auto text = program.path + ' ' + wrong_text(seen) + " on " + listed(nodes) + remedy(seen, program, good);
        if (program.required && seen.what != program_seen::kind::unreadable) {
            checking::add_error(found, program.where, program.keyword, std::move(text));
        } else {
            checking::add_warning(found, program.where, program.keyword, std::move(text));
        }
    }
    if (versions.size() < 2) return;
    std::string text = program.path + " is not the same on all nodes:";
    for (std::size_t i = 0; i < versions.size(); ++i)
        text += (i == 0 ? " one on " : ", another on ") + listed(versions[i].second);
    checking::add_warning(found, program.where, program.keyword, text + "; copy the right one to the others");
}

}  // namespace

std::vector<named_program> programs_of(const configuration& config) {
    collector all(config);
    for (const auto& package : config.packages) all.collect(package);
    return all.take();
}

void spare_unchanged(std::vector<named_program>& programs, const configuration& in_force, const configuration& wanted) {
    std::map<std::string, std::string> printed;
    for (const auto& package : in_force.packages) printed[package.name] = print_package(package);
    std::set<std::string> unchanged;
    for (const auto& package : wanted.packages) {
        auto known = printed.find(package.name);
        if (known != printed.end() && known->second == print_package(package)) unchanged.insert(package.name);
    }
    for (auto& program : programs)
        if (unchanged.contains(program.package)) program.required = false;
}

std::map<std::string, std::vector<std::string>> where_to_look(const std::vector<named_program>& programs) {
    std::map<std::string, std::set<std::string>> wanted;
    for (const auto& program : programs)
        for (const auto& node : program.nodes) wanted[node].insert(program.path);
    std::map<std::string, std::vector<std::string>> out;
    for (const auto& [node, paths] : wanted) out[node].assign(paths.begin(), paths.end());
    return out;
}

problems judge_programs(const configuration& config, const std::vector<named_program>& programs,
                        const program_looks& looks) {
    problems found;
    for (const auto& node : config.cluster.nodes) {
        auto look = looks.find(node.name);
        if (look == looks.end() || look->second.silence.empty()) continue;
        checking::add_warning(
            found, node.where, "node_name",
            "could not look at the programs of packages on " + node.name + ": " + look->second.silence);
    }
    for (const auto& program : programs) judge(program, looks, found);
    if (found.size() > limits::problems) {
        auto more = found.size() - limits::problems;
        std::stable_partition(found.begin(), found.end(),
                              [](const problem& item) { return item.severity == problem::level::error; });
        found.resize(limits::problems);
        checking::add_warning(found, {}, "", std::to_string(more) + " more problems of programs are not shown");
    }
    return found;
}

}  // namespace mainstay
