// What hactl can do. The table is also its help.
#include <time.h>

#include <array>
#include <nlohmann/json.hpp>

#include "hactl/command.hpp"
#include "hactl/fields.hpp"
#include "hactl/moment.hpp"
#include "hactl/render.hpp"

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

std::int64_t wall_us() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

exit_code status(context& c) {
    return read(c, "status", json::object(), [&c](const json& answer) {
        c.to.out(render_status(answer, c.to));
        return exit_code::done;
    });
}

exit_code explain(context& c) {
    json params{{"package", c.given.words.at(0)}};
    if (!c.given.on.empty()) params["node"] = c.given.on;
    if (!c.given.at.empty()) {
        auto moment = moment_past(c.given.at, ::time(nullptr));
        if (!moment) return report(c, {exit_code::usage, moment.error().message, {}});
        params["at"] = *moment * 1'000'000;
    }
    return read(c, "explain", params, [&c](const json& answer) {
        c.to.out(render_explain(answer, number_of(answer, "at").value_or(wall_us())));
        return exit_code::done;
    });
}

json filter(const context& c) {
    json out = json::object();
    if (!c.given.package.empty()) out["package"] = c.given.package;
    if (!c.given.node.empty()) out["node"] = c.given.node;
    return out;
}

exit_code history(context& c) {
    auto params = filter(c);
    params["limit"] = c.given.limit;
    return read(c, "history", params, [&c](const json& answer) {
        c.to.out(render_history(answer, c.to));
        return exit_code::done;
    });
}

exit_code watch(context& c) {
    auto connected = c.around.connect(c.given.socket);
    if (!connected) return report(c, connected.error());
    auto began = connected->call("watch", filter(c), {});
    if (!began) return report(c, began.error());
    while (true) {
        auto event = connected->next_event();
        if (!event) return report(c, {exit_code::unreachable, "mainstayd ended the stream of events", {}});
        if (c.to.json) {
            c.to.line(event->dump(-1, ' ', false, json::error_handler_t::replace));
        } else {
            c.to.out(render_entry(*event, c.to));
        }
    }
}

// PACKAGE [NODE], where the node may also be an option.
json package_params(const context& c) {
    json out{{"package", c.given.words.at(0)}};
    auto node = c.given.words.size() > 1 ? c.given.words[1] : c.given.node;
    if (!node.empty()) out["node"] = node;
    return out;
}

exit_code package_start(context& c) {
    auto params = package_params(c);
    if (!c.given.to.empty()) params["to"] = c.given.to;
    if (!c.given.without.empty()) params["without"] = c.given.without;
    return act(c, "package.start", std::move(params));
}

exit_code package_halt(context& c) {
    auto params = package_params(c);
    if (c.given.partial) params["partial"] = true;
    return act(c, "package.halt", std::move(params));
}

exit_code package_reset_restarts(context& c) {
    json params{{"package", c.given.words.at(0)}};
    if (c.given.words.size() > 1) params["service"] = c.given.words[1];
    if (!c.given.node.empty()) params["node"] = c.given.node;
    return act(c, "package.reset_restarts", std::move(params));
}

template <const char* const& method>
exit_code on_package(context& c) {
    return act(c, method, package_params(c));
}
template <const char* const& method>
exit_code on_node(context& c) {
    return act(c, method, {{"node", c.given.words.at(0)}});
}
exit_code detach(context& c, const char* method, json params) {
    if (!c.given.reason.empty()) params["reason"] = c.given.reason;
    return act(c, method, std::move(params));
}
exit_code node_detach(context& c) { return detach(c, "node.detach", {{"node", c.given.words.at(0)}}); }
exit_code cluster_detach(context& c) { return detach(c, "cluster.detach", json::object()); }

template <const char* const& method>
exit_code on_cluster(context& c) {
    return act(c, method, json::object());
}

constexpr const char* package_move = "package.move";
constexpr const char* package_enable = "package.enable";
constexpr const char* package_disable = "package.disable";
constexpr const char* node_run = "node.run";
constexpr const char* node_halt = "node.halt";
constexpr const char* node_attach = "node.attach";
constexpr const char* cluster_halt = "cluster.halt";
constexpr const char* cluster_attach = "cluster.attach";

exit_code plugin_list(context& c) {
    return read(c, "plugins.list", json::object(), [&c](const json& answer) {
        c.to.out(render_plugins(answer, c.to));
        return exit_code::done;
    });
}

exit_code plugin_info(context& c) {
    return read(c, "plugins.info", {{"name", c.given.words.at(0)}}, [&c](const json& answer) {
        c.to.out(render_plugin(answer, c.to));
        return exit_code::done;
    });
}

constexpr std::array table_of_commands{
    command{"status", "", "how the cluster, its nodes and packages are", 0, 0, "", status},
    command{"watch", "", "what happens, as it happens, until interrupted", 0, 0, "package node", watch},
    command{"explain", "PACKAGE", "why a package runs where it does, or nowhere", 1, 1, "on at", explain},
    command{"simulate", "",
            "what would happen: nodes, links, packages and subnets fail, mains is lost, a configuration changes", 0, 0,
            "fail-node return-node halt-node fail-link fail-package script fail-subnet resource on-battery move apply "
            "files",
            simulate},
    command{"history", "", "what happened, why, and who asked for it", 0, 0, "limit package node", history},
    command{"package start", "PACKAGE [NODE]", "start it, on that node or the first that can", 1, 2,
            "node wait plan plan-id to without", package_start},
    command{"package halt", "PACKAGE [NODE]", "halt it and switch it off; with a node, only there", 1, 2,
            "node wait plan plan-id partial", package_halt},
    command{"package move", "PACKAGE [NODE]", "halt it and start it on that node, or the next", 1, 2,
            "node wait plan plan-id", on_package<package_move>},
    command{"package enable", "PACKAGE [NODE]", "switch it on, everywhere or for one node", 1, 2,
            "node wait plan plan-id", on_package<package_enable>},
    command{"package disable", "PACKAGE [NODE]", "switch it off; what runs goes on running", 1, 2,
            "node wait plan plan-id", on_package<package_disable>},
    command{"package maintenance", "on|off PACKAGE", "ignore its failures, start and halt it by command only", 2, 2,
            "node reason until wait plan plan-id", package_maintenance},
    command{"package pin", "PACKAGE NODE", "from now on start it on that node only; what runs elsewhere stays", 2, 2,
            "reason until wait plan plan-id", package_pin},
    command{"package unpin", "PACKAGE", "let it start on any node of its list again", 1, 1, "wait plan plan-id",
            package_unpin},
    command{"package reset-restarts", "PACKAGE [SERVICE]", "count the restarts of a service, or of all, anew", 1, 2,
            "node wait plan plan-id", package_reset_restarts},
    command{"resource set", "NAME up|down|VALUE", "a generic resource on this node, or on --node", 2, 2,
            "node wait plan plan-id", resource_set},
    command{"resource get", "NAME", "what it is set to there", 1, 1, "node", resource_get},
    command{"resource list", "", "generic resources on all nodes", 0, 0, "", resource_list},
    command{"node run", "NODE", "let a node take part again", 1, 1, "wait plan plan-id", on_node<node_run>},
    command{"node halt", "NODE", "move its packages, then let it leave", 1, 1, "wait plan plan-id", on_node<node_halt>},
    command{"node detach", "NODE", "its packages run on, nobody watches or ends them; its service may stop", 1, 1,
            "reason wait plan plan-id", node_detach},
    command{"node attach", "NODE", "watch them again", 1, 1, "wait plan plan-id", on_node<node_attach>},
    command{"node fence", "NODE", "switch it off, whatever is heard of it", 1, 1, "wait plan plan-id", node_fence},
    command{"node reset", "", "this node forgets what it stored and comes back as a new one; offline", 0, 0,
            "node state-dir yes", node_reset},
    command{"proof", "PACKAGE", "why its former owner is certainly gone", 1, 1, "", proof},
    command{"timing", "", "the times that follow from the configuration", 0, 0, "", timing},
    command{"cluster check", "[FILE...]", "look for errors in configuration files", 0, 1024,
            "offline plugin-dir remove", cluster_check},
    command{"cluster apply", "[FILE...]", "check them and put them in force; on a fresh node: form a cluster", 0, 1024,
            "wait plan plan-id remove", cluster_apply},
    command{"cluster get", "", "print the configuration in force", 0, 0, "", cluster_get},
    command{"cluster run", "", "let all halted nodes take part again; without a quorum: --certify-down", 0, 0,
            "wait plan plan-id certify-down abandon", cluster_run},
    command{"cluster halt", "", "halt all packages, then all nodes", 0, 0, "wait plan plan-id",
            on_cluster<cluster_halt>},
    command{"cluster detach", "", "all packages run on, nobody watches or ends them; the services may stop", 0, 0,
            "reason wait plan plan-id", cluster_detach},
    command{"cluster attach", "", "watch them again on all nodes", 0, 0, "wait plan plan-id",
            on_cluster<cluster_attach>},
    command{"plugin list", "", "which plugins there are, and which do not load", 0, 0, "", plugin_list},
    command{"plugin info", "NAME", "what a plugin does and which parameters it takes", 1, 1, "", plugin_info},
    command{"arbitrator status", "HOST|DEVICE", "which clusters it knows, and what it granted them", 1, 1, "file port",
            arbitrator_status},
    command{"arbitrator format", "DEVICE", "make a shared disk or file an arbitrator", 1, 1, "force",
            arbitrator_format},
    command{"key new", "[FILE]", "make the key that all nodes of a cluster share", 0, 1, "file", key_new},
};

}  // namespace

std::span<const command> commands() { return table_of_commands; }

}  // namespace mainstay::hactl
