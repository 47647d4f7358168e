// cluster check, apply, get: configuration files from this node's disk.
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "hactl/command.hpp"
#include "hactl/fields.hpp"
#include "hactl/render.hpp"
#include "model/check.hpp"
#include "model/limits.hpp"
#include "model/parse.hpp"
#include "model/timing.hpp"
#include "runtime/configuration_files.hpp"
#include "runtime/plugin_catalog.hpp"
#include "runtime/problem_json.hpp"
#include "runtime/program_files.hpp"

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

// cluster.conf and packages/*.conf, in order of name.
std::vector<std::string> usual_files(const std::string& config_dir) {
    std::vector<std::string> packages;
    std::error_code problem;
    for (const auto& entry : std::filesystem::directory_iterator(config_dir + "/packages", problem)) {
        if (entry.path().extension() == ".conf") packages.push_back(entry.path().string());
    }
    std::sort(packages.begin(), packages.end());
    packages.insert(packages.begin(), config_dir + "/cluster.conf");
    return packages;
}

std::string counted(std::size_t count, const char* word) {
    return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

exit_code show_checked(const context& c, const json& checked, std::size_t files) {
    const auto& problems = member(checked, "problems");
    c.to.err(render_problems(problems, c.to));
    std::size_t errors = 0;
    for (const auto& item : problems) errors += text_of(item, "severity") == "error" ? 1 : 0;
    if (!is_set(checked, "ok") || errors != 0) {
        c.to.err(
            fmt::format("hactl: {} in {}; nothing was changed\n", counted(errors, "error"), counted(files, "file")));
        return exit_code::refused;
    }
    c.to.out(text_of(checked, "timing"));
    for (const auto& change : member(checked, "changes")) {
        if (change.is_string()) c.to.line("would change  " + change.get<std::string>());
    }
    auto warnings = problems.size();
    c.to.line(fmt::format("{} good{}", counted(files, "file"),
                          warnings == 0 ? "" : ", with " + counted(warnings, "warning")));
    return exit_code::done;
}

// Of the programs of packages, those that this machine may have to run.
void look_here(const context& c, const std::vector<named_text>& files, runtime::checked_files& checked) {
    auto programs = programs_of(checked.config);
    auto where = where_to_look(programs);
    auto here = where.find(c.around.node);
    if (here != where.end()) {
        program_looks looks;
        for (const auto& path : here->second) looks[here->first].seen[path] = runtime::look_at_program(path);
        runtime::add_programs(checked, files, programs, looks);
    }
    if (where.size() > (here == where.end() ? 0 : 1) && !c.to.json)
        c.to.err("hactl: the scripts and programs of packages were not looked at on other nodes\n");
}

// Without mainstayd: the same checks, with the plugins that are installed where hactl runs.
json check_here(const context& c, const std::vector<named_text>& files) {
    json out{{"ok", false}, {"problems", json::array()}, {"changes", json::array()}, {"timing", ""}};
    runtime::checked_files checked;
    std::error_code problem;
    bool there = std::filesystem::is_directory(c.given.plugin_dir, problem);
    auto installed = there ? runtime::describe_plugins(c.around.plugin_host, c.given.plugin_dir)
                           : result<runtime::plugin_list>(fail("there are no plugins in '" + c.given.plugin_dir + "'"));
    if (installed) {
        checked = runtime::check_files(files, *installed, c.given.plugin_dir);
    } else {
        auto parsed = parse_configuration(files);
        checked.found = examine(parsed);
        checked.config = std::move(parsed.config);
        if (!c.to.json) {
            c.to.err("hactl: " + installed.error().message + "; the parameters of plugins were not checked\n");
        }
    }
    look_here(c, files, checked);
    out["problems"] = json::parse(runtime::problems_json(checked.found));
    out["ok"] = !has_errors(checked.found);
    if (out["ok"] == true) out["timing"] = mainstay::explain(timings_of(checked.config.cluster));
    return out;
}

}  // namespace

std::vector<named_text> read_files(const context& c, const std::vector<std::string>& names) {
    std::vector<named_text> out;
    for (const auto& name : names.empty() ? usual_files(c.around.config_dir) : names) {
        std::error_code problem;
        if (std::filesystem::is_directory(name, problem)) {
            out.push_back({name, {}, "is a directory; a file was expected"});
            continue;
        }
        std::ifstream in(name, std::ios::binary);
        if (!in) {
            out.push_back({name, {}, "can't be read: " + std::string(std::strerror(errno))});
            continue;
        }
        // One byte more than allowed is enough for the parser to say so.
        std::string text(limits::file_bytes + 1, '\0');
        in.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(in.gcount()));
        out.push_back({name, std::move(text)});
    }
    return out;
}

json files_json(const std::vector<named_text>& files) {
    json out = json::array();
    for (const auto& file : files) {
        // A mainstayd that does not know `unreadable` must not take it for an empty file.
        out.push_back({{"name", file.name}, {"text", file.unreadable.empty() ? file.text : "unreadable"}});
        if (!file.unreadable.empty()) out.back()["unreadable"] = file.unreadable;
    }
    return out;
}

namespace {

json asked_of(const context& c, const std::vector<named_text>& files) {
    json asked{{"files", files_json(files)}};
    if (!c.given.remove.empty()) asked["remove"] = names_in(c.given.remove);
    return asked;
}

}  // namespace

exit_code cluster_check(context& c) {
    auto files = read_files(c, c.given.words);
    json checked;
    if (!c.given.offline) {
        auto connected = c.around.connect(c.given.socket);
        if (connected) {
            auto answer = connected->call("cluster.check", asked_of(c, files), {}, c.given.wait_ms);
            if (!answer) return report(c, answer.error());
            checked = std::move(*answer);
        } else if (!c.to.json) {
            c.to.err("hactl: checked without mainstayd, which does not answer on " + c.given.socket + '\n');
        }
    }
    if (checked.is_null()) checked = check_here(c, files);
    if (!c.to.json) return show_checked(c, checked, files.size());
    c.to.line(checked.dump(2, ' ', false, json::error_handler_t::replace));
    return is_set(checked, "ok") ? exit_code::done : exit_code::refused;
}

exit_code cluster_apply(context& c) { return act(c, "cluster.apply", asked_of(c, read_files(c, c.given.words))); }

exit_code cluster_get(context& c) {
    return read(c, "cluster.get", json::object(), [&c](const json& answer) {
        c.to.out(text_of(answer, "text"));
        return exit_code::done;
    });
}

}  // namespace mainstay::hactl
