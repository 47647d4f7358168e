// How a log entry reads: the event names that notifiers and history use, and a sentence.
#include <algorithm>

#include "cluster/apply.hpp"
#include "cluster/plan_id.hpp"

namespace mainstay::cluster {

namespace {

class describer {
public:
    describer(const state& after, const applied& outcome) : state_(after), outcome_(outcome) {}

    description run(const consensus::entry& item) {
        if (const auto* boot = std::get_if<consensus::boot_entry>(&item.body)) {
            node(boot->node);
            auto fires = "fires after " + std::to_string(boot->watchdog.count() / 1000) + " ms";
            bool armed = boot->watchdog.count() > 0;
            if (outcome_.watchdog_changed) {
                say("node_watchdog", armed ? "info" : "warning",
                    "watchdog of node " + out_.node + (armed ? " is armed, it " + fires : " is not armed any more"));
            } else {
                say("node_joined", "info",
                    "node " + out_.node + " joined (boot " + to_boot(boot->boot) + ")" +
                        (armed ? ", its watchdog " + fires : ""));
                if (outcome_.accepted && state_.too_old(boot->node)) {
                    out_.severity = "alarm";
                    out_.text += ", too old: it reads feature level " + std::to_string(boot->feature_level) +
                                 ", the cluster is at " + std::to_string(state_.feature_level);
                }
            }
        } else if (const auto* set = std::get_if<consensus::voter_set>(&item.body)) {
            voters(*set);
        } else if (const auto* data = std::get_if<consensus::payload>(&item.body)) {
            auto decoded = decode<command>(data->data);
            if (decoded) {
                std::visit([this](const auto& body) { on(body); }, decoded->body);
            } else {
                say("unknown_entry", "alarm", "an entry of a kind this version does not know");
            }
        }
        if (!outcome_.refusal.empty()) {
            out_.severity = "info";
            out_.text += " - refused: " + outcome_.refusal;
            out_.event = "refused";
        }
        return out_;
    }

private:
    static std::string to_boot(boot_id boot) {
        return std::to_string(boot.machine) + "." + std::to_string(boot.incarnation);
    }
    void say(std::string event, std::string severity, std::string text) {
        out_.event = std::move(event);
        out_.severity = std::move(severity);
        out_.text = std::move(text);
    }
    std::string node(node_id id) { return out_.node = state_.node_name(id); }
    std::string generation(const std::string& package, mainstay::generation number) {
        out_.package = package;
        out_.details.emplace_back("generation", std::to_string(number.value));
        return package;
    }
    std::string package_on(const std::string& name, const std::string& where) {
        out_.package = name;
        if (!where.empty()) out_.node = where;
        return name + (where.empty() ? "" : " on " + where);
    }

    void voters(const consensus::voter_set& set) {
        std::string names;
        for (const auto& item : set.voters) names += (names.empty() ? "" : ", ") + state_.node_name(item.node);
        // The founding set stands before the entry that names the nodes.
        if (!state_.formed()) names = std::to_string(set.voters.size()) + " voters";
        auto text = "voter set " + std::to_string(set.version) + ": " + names;
        if (set.proof)
            text += ", by a tie-break: " + state_.node_name(set.proof->node) + " switched off by " + set.proof->device;
        if (set.certified) {
            for (auto item : set.certified->nodes)
                text += "; " + node(item) + " certified down by " + set.certified->by;
            return say("certified_down", "alarm", text);
        }
        say(set.proof ? "tie_broken" : "voters_changed", set.proof ? "alarm" : "info", text);
    }

    void on(const proof_broken& body) {
        say("proof_broken", "alarm",
            "node " + node(body.node) + " is heard although its power-off was confirmed: a fencing device lies");
    }
    void on(const fence_node& body) {
        out_.node = body.node;
        say("fence_asked", "info", "fence of node " + body.node + " asked for");
    }
    void on(const found_cluster& body) {
        say("cluster_formed", "info", "cluster formed with " + std::to_string(body.first.ids.size()) + " nodes");
    }
    void on(const configure&) { say("configuration_applied", "info", "configuration applied"); }
    void on(const node_lost& body) { say("node_lost", "alarm", "node " + node(body.node) + " lost: " + body.reason); }
    void on(const node_back& body) { say("node_back", "info", "node " + node(body.node) + " is heard again"); }
    void on(const fence_request& body) {
        say("fence_requested", "warning",
            "fence " + node(body.node) + " from " + state_.node_name(body.executor) + ": " + body.reason);
    }
    void on(const fence_result& body) {
        for (const auto& [target, fence] : state_.fences)
            if (fence.request.id == body.id) node(target);
        bool good = body.outcome == fence_outcome::off_confirmed;
        say(good                                       ? "node_fenced"
            : body.outcome == fence_outcome::cancelled ? "fence_cancelled"
                                                       : "fence_failed",
            good || body.outcome == fence_outcome::cancelled ? "warning" : "alarm",
            "fence " + out_.node + ": " + to_string(body.outcome) + (body.device.empty() ? "" : " by " + body.device) +
                (body.detail.empty() ? "" : " (" + body.detail + ")"));
    }
    void on(const package_start& body) {
        generation(body.package, body.generation);
        out_.details.emplace_back("proof", to_string(body.proof));
        say("package_starting", "info",
            "start " + body.package + " on " + node(body.node) + ": " + body.reason +
                " (proof: " + to_string(body.proof) + ")" + partly(body.package));
    }
    // What a generation that was started partly consists of.
    std::string partly(const std::string& package) const {
        const auto* item = state_.runs_partly(package);
        return item == nullptr ? std::string() : "; partly: " + listed(item->steps);
    }
    void on(const package_halt& body) {
        generation(body.package, body.generation);
        auto found = state_.packages.find(body.package);
        if (found != state_.packages.end()) node(found->second.owner);
        say("package_halting", "info", "halt " + body.package + " on " + out_.node + ": " + body.reason);
    }
    void on(const package_report& body) {
        generation(body.package, body.generation);
        auto text = "package " + body.package + " on " + node(body.node) + ": " + to_string(body.what) +
                    (body.detail.empty() ? "" : " (" + body.detail + ")");
        switch (body.what) {
            case report::running:
                return say("package_running", "info", text + partly(body.package));
            case report::halted:
                return say("package_halted", "info", text);
            case report::halt_exit_2:
                return say("package_halted", "warning", text);
            default:
                return say("package_failed", "alarm", text);
        }
    }
    void on(const service_restarted& body) {
        generation(body.package, body.generation);
        out_.details.emplace_back("service", body.service);
        say("service_restarted", "warning",
            "service " + body.service + " of " + body.package + " died (" + body.detail + "), restart " +
                std::to_string(body.count));
    }
    void on(const package_run& body) {
        say("package_start_asked", "info", "package start " + package_on(body.package, body.node));
    }
    void on(const package_run_partly& body) {
        auto text = "package start " + package_on(body.package, body.node);
        if (!body.last.empty()) text += " up to " + body.last;
        for (const auto& step : body.without) text += (&step == body.without.data() ? " without " : ", ") + step;
        say("package_start_asked", "info", text);
    }
    void on(const package_stop_partly& body) {
        say("package_halt_asked", "info", "package halt " + package_on(body.package, "") + ", of what was started");
    }
    void on(const restarts_reset& body) {
        say("restarts_reset", "info",
            "restarts of " + (body.service.empty() ? "all services" : "service " + body.service) + " of " +
                package_on(body.package, body.node) + " are counted anew");
    }
    void on(const package_stop& body) {
        say("package_halt_asked", "info", "package halt " + package_on(body.package, ""));
    }
    void on(const package_stop_on& body) {
        say("package_halt_asked", "info", "package halt " + package_on(body.package, body.node));
    }
    void on(const package_move& body) {
        say("package_move_asked", "info", "package move " + package_on(body.package, body.node));
    }
    void on(const package_switching& body) {
        say("package_switching", "info",
            std::string("package ") + (body.enabled ? "enable " : "disable ") + package_on(body.package, body.node));
    }
    void on(const node_admin& body) {
        out_.node = body.node;
        say(body.run ? "node_run" : "node_halted", "info",
            std::string("node ") + (body.run ? "run " : "halt ") + body.node);
    }
    void on(const node_detach& body) {
        out_.node = body.node;
        say("node_detached", "warning",
            (body.node.empty() ? "cluster detach" : "node detach " + body.node) +
                (body.reason.empty() ? "" : ": " + body.reason));
    }
    void on(const node_attach& body) {
        out_.node = body.node;
        say("attach_asked", "info", body.node.empty() ? "cluster attach" : "node attach " + body.node);
    }
    void on(const detachment_report& body) {
        if (body.attached) return say("node_attached", "info", "node " + node(body.node) + " is attached again");
        say("node_let_go", "info", "node " + node(body.node) + " lets its packages be");
    }
    void on(const certify_detached& body) {
        out_.node = body.node;
        say("certified_down", "alarm", "node " + body.node + ", which is detached, certified down");
    }
    void on(const cluster_admin& body) {
        say(body.run ? "cluster_run" : "cluster_halted", "info", std::string("cluster ") + (body.run ? "run" : "halt"));
    }
    void on(const cluster_event& body) {
        if (about_package(body)) return;
        std::string text = body.source.empty() ? body.event : body.source + ": " + body.event;
        for (const auto& [name, value] : body.details) text.append(" ").append(name).append("=").append(value);
        out_.details = body.details;
        say(body.event, body.severity, text + " (seen by " + node(body.node) + ")");
    }
    // From the node that runs it, in words.
    bool about_package(const cluster_event& body) {
        if (!body.source.empty() || body.details.empty() || body.details.front().first != "package") return false;
        out_.package = body.details.front().second;
        out_.details = body.details;
        std::string text = "package " + out_.package + " on " + node(body.node) + ": ";
        if (body.event == "package_changed") {
            text += "changed while it runs";
        } else {
            auto words = body.event;
            std::replace(words.begin(), words.end(), '_', ' ');
            text += words;
        }
        for (const auto& [name, value] : body.details)
            if (name == "said") text += ": " + value;
        say(body.event, body.severity, std::move(text));
        return true;
    }
    void on(const power_action& body) {
        say(body.away ? "power_drain" : "power_restored", "warning",
            "node " + node(body.node) + (body.away ? " gives its packages away: " : " may run packages again: ") +
                body.reason);
    }
    void on(const feature_level& body) { say("feature_level", "info", "feature level " + std::to_string(body.level)); }
    void on(const resource_set& body) {
        out_.node = body.node;
        say("resource_set", "info", "generic resource " + body.resource + " on " + body.node + " is " + body.value);
    }
    void on(const subnet_seen& body) {
        out_.details.emplace_back("subnet", body.subnet);
        say(body.up ? "subnet_up" : "subnet_down", body.up ? "info" : "alarm",
            "subnet " + body.subnet + " is " + (body.up ? "up" : "down") + " on " + node(body.node));
    }
    void on(const package_maintenance& body) {
        auto text =
            std::string("package maintenance ") + (body.on ? "on " : "off ") + package_on(body.package, body.node);
        say(body.on ? "maintenance_on" : "maintenance_off", "info",
            text + (body.reason.empty() ? "" : ": " + body.reason));
    }
    void on(const package_pin& body) {
        auto text = std::string("package ") + (body.node.empty() ? "unpin " : "pin ") + body.package +
                    (body.node.empty() ? "" : " to " + body.node);
        package_on(body.package, body.node);
        say(body.node.empty() ? "package_unpinned" : "package_pinned", "info",
            text + (body.reason.empty() ? "" : ": " + body.reason));
    }
    void on(const service_down& body) {
        generation(body.package, body.generation);
        out_.details.emplace_back("service", body.service);
        say("service_down", "info",
            "service " + body.service + " of " + body.package + " has ended (" + body.detail + "), in maintenance");
    }
    void on(const package_wish_over& body) {
        out_.package = body.package;
        say("package_move_over", "warning", "package " + body.package + " stays where it is: " + body.reason);
    }
    void on(const planned& body) {
        auto asked = asked_of(body);
        if (std::holds_alternative<planned>(asked)) return say("unknown_entry", "alarm", "a plan of something unknown");
        std::visit([this](const auto& item) { on(item); }, asked);
        out_.text += " (plan " + body.plan + ")";
    }
    void on(const notified& body) {
        say(body.ok ? "notified" : "notify_failed", "info",
            "notifier " + body.notifier + (body.ok ? " delivered" : " gave up") + " entry " +
                std::to_string(body.entry.value) + (body.detail.empty() ? "" : ": " + body.detail));
    }

    const state& state_;
    const applied& outcome_;
    description out_;
};

}  // namespace

description describe(const state& after, const consensus::entry& item, const applied& outcome) {
    return describer(after, outcome).run(item);
}

}  // namespace mainstay::cluster
