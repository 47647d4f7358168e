#include "node/operations.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "policy/decide.hpp"

namespace mainstay::node {

using cluster::package_phase;

namespace {

// What an accepted request comes to: nothing yet, or its end.
struct verdict {
    bool over = false;
    admin_result result = admin_result::done;
    std::string text;
};

verdict done(std::string text) { return {true, admin_result::done, std::move(text)}; }
verdict failed(std::string text) { return {true, admin_result::failed, std::move(text)}; }

class judge {
public:
    judge(const cluster::state& state, generation before) : state_(state), before_(before) {}

    verdict operator()(const cluster::package_run& asked) const { return wait_for_run(asked.package); }
    verdict operator()(const cluster::package_move& asked) const { return wait_for_run(asked.package); }

    verdict operator()(const cluster::package_run_partly& asked) const { return wait_for_run(asked.package); }

    verdict operator()(const cluster::package_stop_partly& asked) const { return wait_for_halt(asked.package, ""); }
    verdict operator()(const cluster::package_stop& asked) const { return wait_for_halt(asked.package, ""); }
    verdict operator()(const cluster::package_stop_on& asked) const { return wait_for_halt(asked.package, asked.node); }

    // `node` empty = everywhere.
    [[nodiscard]] verdict wait_for_halt(const std::string& package, const std::string& node) const {
        for (const auto* item : find(package, node)) {
            if (item->phase == package_phase::halt_failed)
                return failed("package " + package + " failed to halt: " + item->phase_by.reason);
            if (item->phase != package_phase::down) return {};
        }
        return done("package " + package + " is halted" + (node.empty() ? "" : " on " + node));
    }

    verdict operator()(const cluster::node_admin& asked) const {
        if (asked.run) return done("node " + asked.node + " runs packages");
        auto id = state_.find_node(asked.node);
        auto failures = failed_halts(id);
        if (failures.others_active) return {};
        if (!failures.text.empty())
            return failed(failures.text + ". The halt of node " + asked.node +
                          " stays in force: clean up there, then " + failures.remedy + "; hactl node run " +
                          asked.node + " takes it back");
        // SG: the packages move first; the answer comes when each of them runs elsewhere or can't.
        for (const auto& [name, item] : state_.packages) {
            bool wanted = item.switching || item.target || item.target_any;
            bool will_start =
                item.phase == package_phase::down && wanted && !state_.halted && policy::choose(state_, name).node;
            if (item.phase == package_phase::starting || will_start) return {};
        }
        return done("node " + asked.node + " is halted");
    }

    // Who is not there attaches when it is: nobody can wait for that.
    verdict operator()(const cluster::node_attach& asked) const {
        std::string later;
        for (const auto& [id, item] : state_.detached) {
            const auto& node = state_.nodes.at(id);
            if (!asked.node.empty() && node.name != asked.node) continue;
            if (node.status == cluster::node_status::up) return {};
            later += (later.empty() ? "" : ", ") + node.name;
        }
        if (!later.empty()) return done(later + " will attach as soon as the service runs there again");
        return done(asked.node.empty() ? "the cluster is attached" : "node " + asked.node + " is attached");
    }
    // Until the nodes know it themselves their services must not be stopped.
    verdict operator()(const cluster::node_detach& asked) const {
        for (const auto& [id, item] : state_.detached) {
            const auto& node = state_.nodes.at(id);
            if (item.let_go || (!asked.node.empty() && node.name != asked.node)) continue;
            if (node.status == cluster::node_status::up) return {};
            return failed("node " + node.name + " is " + to_string(node.status) +
                          " and may not know yet that it is detached: its packages may be halted there");
        }
        return done((asked.node.empty() ? "the cluster" : "node " + asked.node) +
                    " is detached: its packages run on, nobody watches them");
    }
    verdict operator()(const cluster::certify_detached& asked) const {
        return done("node " + asked.node + " is certified to be off: what was detached there is over");
    }

    verdict operator()(const cluster::fence_node& asked) const {
        auto id = state_.find_node(asked.node);
        auto found = state_.nodes.find(id);
        if (found == state_.nodes.end()) return failed("node " + asked.node + " was removed");
        if (found->second.status == cluster::node_status::fenced) return done("node " + asked.node + " is off");
        if (!found->second.fence_asked_by.empty()) return {};
        auto fence = state_.fences.find(id);
        bool off = fence != state_.fences.end() && fence->second.done &&
                   fence->second.result.outcome == cluster::fence_outcome::off_confirmed;
        if (off) return done("node " + asked.node + " was switched off");
        return failed("node " + asked.node + " was not fenced: " +
                      (fence == state_.fences.end() ? std::string("it came back") : fence->second.result.detail));
    }

    verdict operator()(const cluster::cluster_admin& asked) const {
        if (asked.run) return done("the cluster runs packages");
        auto failures = failed_halts({});
        if (failures.others_active) return {};
        if (!failures.text.empty())
            return failed(failures.text + ". The halt of the cluster stays in force: clean up there, then " +
                          failures.remedy + "; hactl cluster run takes it back");
        return done("the cluster is halted");
    }

    // A pin halts nothing: what runs elsewhere is the administrator's to move.
    verdict operator()(const cluster::package_pin& asked) const {
        if (asked.node.empty()) return done("package " + asked.package + " is not pinned any more");
        auto found = state_.packages.find(asked.package);
        auto text = "package " + asked.package + " is pinned to " + asked.node;
        bool elsewhere = found != state_.packages.end() && found->second.active() &&
                         found->second.owner != state_.find_node(asked.node);
        if (!elsewhere) return done(text);
        return done(text + "; it runs on " + state_.node_name(found->second.owner) +
                    " and stays there until it is halted or fails: hactl package move " + asked.package + " " +
                    asked.node);
    }

    template <class Other>
    verdict operator()(const Other&) const {
        return done("done");
    }

private:
    struct halt_failures {
        std::string text;
        std::string remedy;
        bool others_active = false;  // and may still halt
    };
    // `node` 0 = anywhere.
    [[nodiscard]] halt_failures failed_halts(node_id node) const {
        halt_failures found;
        for (const auto& [name, item] : state_.packages) {
            if (!item.active() || (node && item.owner != node)) continue;
            if (item.phase != package_phase::halt_failed) {
                found.others_active = true;
                continue;
            }
            found.text += (found.text.empty() ? "package " : ", package ") + name + " failed to halt on " +
                          state_.node_name(item.owner) + ": " + item.phase_by.reason;
            auto halt = "hactl package halt " + cluster::package_of(name);
            if (found.remedy.ends_with(halt)) continue;  // instances of one package
            found.remedy += (found.remedy.empty() ? "" : ", ") + halt;
        }
        return found;
    }

    // One, or one for each node of a multi-node package.
    [[nodiscard]] std::vector<const cluster::package_state*> find(const std::string& name,
                                                                  const std::string& node = "") const {
        std::vector<const cluster::package_state*> list;
        const auto* config = state_.find_package(name);
        if (config == nullptr) return list;
        for (const auto& instance : state_.instances(*config))
            if (auto found = state_.packages.find(instance);
                found != state_.packages.end() && (node.empty() || instance == cluster::instance_name(*config, node)))
                list.push_back(&found->second);
        return list;
    }

    [[nodiscard]] verdict wait_for_all(const std::string& name,
                                       const std::vector<const cluster::package_state*>& list) const {
        std::string where;
        for (const auto* item : list) {
            if (item->phase == package_phase::starting || (item->phase == package_phase::down && item->target))
                return {};
            if (item->phase == package_phase::running)
                where += (where.empty() ? "" : ", ") + state_.node_name(item->owner);
        }
        if (where.empty()) return failed("package " + name + " did not start: " + list.front()->phase_by.reason);
        return done("package " + name + " runs on " + where);
    }

    [[nodiscard]] std::string partly(const std::string& name) const {
        const auto* item = state_.runs_partly(name);
        return item == nullptr ? std::string() : ", partly: " + listed(item->steps);
    }

    [[nodiscard]] verdict wait_for_run(const std::string& name) const {
        auto list = find(name);
        if (list.empty()) return failed("package " + name + " was removed");
        if (list.size() > 1) return wait_for_all(name, list);
        const auto* item = list.front();
        auto where = state_.node_name(item->owner);
        if (item->phase == package_phase::running && item->generation > before_)
            return done("package " + name + " runs on " + where + partly(name));
        if (item->phase == package_phase::halt_failed)
            return failed("package " + name + " failed to halt on " + where + ": " + item->phase_by.reason);
        bool wish = item->target || item->target_any;
        if (state_.halted && !wish) return failed("the cluster is halted: package " + name + " is not started");
        if (item->phase == package_phase::running && !wish) return failed("package " + name + " stays on " + where);
        if (item->phase == package_phase::down && !item->switching && !wish)
            return failed("package " + name + " did not start: " + item->phase_by.reason);
        return {};
    }

    const cluster::state& state_;
    generation before_;
};

std::string subject(const cluster::command_body& asked) {
    return std::visit(
        [](const auto& body) -> std::string {
            if constexpr (requires { body.package; }) {
                return body.package;
            } else {
                return {};
            }
        },
        asked);
}

}  // namespace

std::string changes_since(const std::deque<happened>& history, log_index entry) {
    constexpr std::size_t shown_max = 3;
    // Nothing is decided by these.
    static const std::set<std::string_view> idle{"refused",       "notified",          "notify_failed",
                                                 "feature_level", "service_restarted", "restarts_reset",
                                                 "voters_changed"};
    std::string text;
    std::size_t found = 0;
    for (const auto& item : history) {
        if (item.index <= entry || item.refused || idle.contains(item.event)) continue;
        if (++found > shown_max) continue;
        text += (text.empty() ? "" : "; ") + item.text;
        if (!item.actor.empty() && item.actor != "policy" && item.actor != "cluster") text += " by " + item.actor;
    }
    if (found > shown_max) text += "; and " + std::to_string(found - shown_max) + " more, see hactl history";
    return text.empty() ? text : ": " + text;
}

bool node_is_empty(const cluster::state& state, const std::string& node) {
    return judge(state, {})(cluster::node_admin{node, false}).over;
}

void operations::add(std::uint64_t id, std::uint64_t serial, cluster::command_body asked, time_point deadline) {
    operation item;
    item.serial = serial;
    item.asked = std::move(asked);
    item.deadline = deadline;
    waiting_[id] = std::move(item);
}

void operations::counted(std::uint64_t serial, const cluster::state& state, const cluster::applied& outcome,
                         effects& out) {
    for (auto& [id, item] : waiting_) {
        if (item.serial != serial || item.accepted) continue;
        if (!outcome.accepted) {
            out.add(admin_done{id, admin_result::refused, outcome.refusal});
            waiting_.erase(id);
            return;
        }
        item.accepted = true;
        item.deadline = never;
        auto found = state.packages.find(subject(item.asked));
        if (found != state.packages.end()) item.before = found->second.generation;
        check(id, item, state, out);
        break;
    }
    for (auto id : std::exchange(finished_, {})) waiting_.erase(id);
}

void operations::overtaken(std::uint64_t serial, effects& out) {
    for (const auto& [id, item] : waiting_) {
        if (item.accepted || item.serial > serial) continue;
        out.add(admin_done{id, admin_result::unconfirmed,
                           "it has been decided while this node was behind; what became of it: hactl history"});
        finished_.push_back(id);
    }
    for (auto id : std::exchange(finished_, {})) waiting_.erase(id);
}

void operations::check(std::uint64_t id, const operation& item, const cluster::state& state, effects& out) {
    auto found = std::visit(judge(state, item.before), item.asked);
    if (!found.over) return;
    out.add(admin_done{id, found.result, found.text});
    finished_.push_back(id);
}

void operations::applied(const cluster::state& state, const happened& what, effects& out) {
    for (const auto& [id, item] : waiting_) {
        if (!item.accepted) continue;
        auto name = subject(item.asked);
        if (!what.text.empty() && (name.empty() || what.package == name || what.package.empty()))
            out.add(admin_progress{id, what.text});
        check(id, item, state, out);
    }
    for (auto id : std::exchange(finished_, {})) waiting_.erase(id);
}

std::vector<std::uint64_t> operations::expire(time_point now, bool has_leader, effects& out) {
    std::vector<std::uint64_t> serials;
    for (const auto& [id, item] : waiting_) {
        if (item.deadline > now) continue;
        out.add(admin_done{id, has_leader ? admin_result::unconfirmed : admin_result::no_leader,
                           has_leader
                               ? "not confirmed in time; it may still take effect: hactl history"
                               : "no leader: the cluster has no quorum; nothing was done unless history shows it"});
        serials.push_back(item.serial);
        finished_.push_back(id);
    }
    for (auto id : std::exchange(finished_, {})) waiting_.erase(id);
    return serials;
}

time_point operations::deadline() const {
    auto due = never;
    for (const auto& [id, item] : waiting_) due = std::min(due, item.deadline);
    return due;
}

}  // namespace mainstay::node
