// One command of hactl, and what all commands share.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

#include "hactl/cli.hpp"
#include "model/parse.hpp"

namespace mainstay::hactl {

struct context {
    const invocation& given;
    const surroundings& around;
    const console& to;  // of `around`, with --json taken into account
};

struct command {
    std::string_view name;       // "package move", or one word
    std::string_view arguments;  // for people: "PACKAGE [NODE]"
    std::string_view help;
    std::size_t words_min;
    std::size_t words_max;
    std::string_view options;  // beside --socket, --json, --help: names, blank between
    exit_code (*run)(context&);
};

[[nodiscard]] std::span<const command> commands();

// Of a list with commas between.
[[nodiscard]] std::vector<std::string> names_in(const std::string& list);

// Reports on stderr (or as JSON on stdout) and gives the exit code back.
exit_code report(const context& c, const call_error& error);

// A request whose result is printed as JSON or handed to `show`.
exit_code read(context& c, const std::string& method, const nlohmann::json& params,
               const std::function<exit_code(const nlohmann::json&)>& show);
// A request that changes something, or with --plan only shows what it would change: its steps are printed as they come,
// its `text` at the end.
exit_code act(context& c, const std::string& method, nlohmann::json params);

// In commands_quorum.cpp.
exit_code proof(context& c);
exit_code timing(context& c);
exit_code node_fence(context& c);
exit_code cluster_run(context& c);

// In commands_simulate.cpp.
exit_code simulate(context& c);

// In commands_condition.cpp.
exit_code resource_set(context& c);
exit_code resource_get(context& c);
exit_code resource_list(context& c);
exit_code package_maintenance(context& c);
exit_code package_pin(context& c);
exit_code package_unpin(context& c);

// In commands_node.cpp, commands_cluster.cpp, commands_key.cpp and commands_arbitrator.cpp.
exit_code node_reset(context& c);
exit_code cluster_check(context& c);
exit_code cluster_apply(context& c);
exit_code cluster_get(context& c);
// None named: the usual ones. One that can't be read says so in its place.
[[nodiscard]] std::vector<named_text> read_files(const context& c, const std::vector<std::string>& names);
[[nodiscard]] nlohmann::json files_json(const std::vector<named_text>& files);
exit_code key_new(context& c);
exit_code arbitrator_status(context& c);
exit_code arbitrator_format(context& c);

}  // namespace mainstay::hactl
