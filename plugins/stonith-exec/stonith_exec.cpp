// stonith-exec: a node's power switched by commands. Exit codes of `status` are those of the fence
// agents: 0 = on, 2 = off, anything else says nothing. `off` is done when status says off.
#include <mainstay/plugin.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <thread>

#include "common/run_command.hpp"
#include "common/stonith_parameters.hpp"
#include "common/text.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace kit = mainstay::kit;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class exec_device {
public:
    static constexpr sdk::about about{"stonith-exec", "1.0", "switches a node's power by running a command"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "command",
                   .type = sdk::type::command,
                   .scope = sdk::scope::either,
                   .help = "command for all actions; %a = off, on or status, %n = node, %p = plug; "
                           "status: exit code 0 = on, 2 = off"},
        sdk::param{.name = "off_command",
                   .type = sdk::type::command,
                   .scope = sdk::scope::either,
                   .help = "command that cuts the power, instead of `command`; exit code 0 = done"},
        sdk::param{.name = "on_command",
                   .type = sdk::type::command,
                   .scope = sdk::scope::either,
                   .help = "command that switches the power on, instead of `command`"},
        sdk::param{.name = "status_command",
                   .type = sdk::type::command,
                   .scope = sdk::scope::either,
                   .help = "command that reads the power state back, instead of `command`; exit code 0 = on, 2 = off"},
        sdk::param{
            .name = "plug", .scope = sdk::scope::node, .help = "what the device calls the node; default: its name"},
        kit::stonith_timeout,
        kit::stonith_assume_off_after(
            "only without a status command: so long after `off` the node counts as off; a weak proof")};

    explicit exec_device(const sdk::setup& setup) : setup_(setup) {
        for (const auto& node : setup_.nodes) {
            for (std::string_view action : {"off", "on"}) {
                if (pattern(node, action).empty())
                    throw sdk::refused("node " + node.name + ": neither command nor " + std::string(action) +
                                       "_command is given");
            }
            for (std::string_view action : {"off", "on", "status"}) {
                if (!kit::expand(pattern(node, action), placeholders(node, action)))
                    throw sdk::refused("node " + node.name + ": the command '" + pattern(node, action) +
                                       "' has an unknown placeholder, known are %a, %n, %p and %%");
            }
            if (node.params.has("assume_off_after") && !pattern(node, "status").empty())
                throw sdk::refused("node " + node.name +
                                   ": assume_off_after is for devices without a status command, remove one of the two");
        }
    }

    sdk::answer off(std::string_view name) { return act(name, "off", sdk::outcome::off); }
    sdk::answer on(std::string_view name) { return act(name, "on", sdk::outcome::on); }

    sdk::answer status(std::string_view name) {
        const auto* node = setup_.find(name);
        if (node == nullptr) return unknown_node(name);
        if (pattern(*node, "status").empty()) return {sdk::outcome::unknown, "the device has no status command"};
        return read_back(*node, clock::now() + node->params.duration("timeout"));
    }

private:
    static std::string pattern(const sdk::node& node, std::string_view action) {
        auto own = node.params.text(std::string(action) + "_command");
        return own.empty() ? node.params.text("command") : own;
    }

    static std::map<char, std::string> placeholders(const sdk::node& node, std::string_view action) {
        return {{'a', std::string(action)}, {'n', kit::shell_word(node.name)}, {'p', kit::shell_word(plug(node))}};
    }

    static std::string plug(const sdk::node& node) {
        return node.params.has("plug") ? node.params.text("plug") : node.name;
    }

    static sdk::answer unknown_node(std::string_view name) {
        return {sdk::outcome::failed, "this device does not serve the node " + std::string(name)};
    }

    static kit::command_end run(const sdk::node& node, std::string_view action, clock::time_point deadline) {
        auto left = std::chrono::duration_cast<milliseconds>(deadline - clock::now());
        return kit::run_command(
            {.argv = kit::shell_command(kit::expand(pattern(node, action), placeholders(node, action)).value_or("")),
             .environment = {{"MAINSTAY_NODE", node.name},
                             {"MAINSTAY_ACTION", std::string(action)},
                             {"MAINSTAY_PLUG", plug(node)}},
             .timeout = std::max(left, 1ms)});
    }

    static sdk::answer read_back(const sdk::node& node, clock::time_point deadline) {
        auto end = run(node, "status", deadline);
        if (end.exited_with(0)) return {sdk::outcome::on, "read back: on"};
        if (end.exited_with(2)) return {sdk::outcome::off, "read back: off"};
        return {sdk::outcome::unknown, "status command: " + end.text()};
    }

    sdk::answer act(std::string_view name, std::string_view action, sdk::outcome wanted) {
        const auto* node = setup_.find(name);
        if (node == nullptr) return unknown_node(name);
        const auto deadline = clock::now() + node->params.duration("timeout");
        auto end = run(*node, action, deadline);
        if (pattern(*node, "status").empty()) return without_read_back(*node, action, end);
        // Only the state counts, and devices switch with a delay. But a command that can't be run at all often ends
        // with 2 as well, whatever it was asked: after an off that failed, its word about the state is no proof.
        bool believed = action != "off" || end.exited_with(0);
        for (auto pause = 20ms;; pause = std::min<milliseconds>(pause * 2, 500ms)) {
            auto seen = read_back(*node, deadline);
            if (seen.outcome == wanted && believed) return seen;
            if (clock::now() + pause >= deadline || !end.exited_with(0))
                return {sdk::outcome::unknown, std::string(action) + " command: " + end.text() + "; " + seen.text};
            std::this_thread::sleep_for(pause);
        }
    }

    static sdk::answer without_read_back(const sdk::node& node, std::string_view action, const kit::command_end& end) {
        if (!end.exited_with(0)) return {sdk::outcome::unknown, std::string(action) + " command: " + end.text()};
        if (action != "off" || !node.params.has("assume_off_after"))
            return {sdk::outcome::unknown, "the " + std::string(action) +
                                               " command succeeded, but without a status command nothing is proven"};
        std::this_thread::sleep_for(node.params.duration("assume_off_after"));
        return {sdk::outcome::off_assumed,
                "told to go off " + node.params.text("assume_off_after") + " ago, not read back"};
    }

    sdk::setup setup_;
};

}  // namespace

MAINSTAY_STONITH_PLUGIN(exec_device)
