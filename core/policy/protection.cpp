#include "policy/protection.hpp"

#include <algorithm>

#include "model/timing.hpp"
#include "policy/decide.hpp"

namespace mainstay::policy {

using cluster::node_status;

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

class examiner {
public:
    examiner(const cluster::state& state, const standing& now) : state_(state), now_(now) {}

    std::vector<fault> run() {
        nodes();
        links();
        devices();
        arbitrators();
        power();
        return std::move(out_);
    }

private:
    void add(fault::kind what, const std::string& name, std::string why) {
        out_.push_back({what, name, std::move(why)});
    }

    void nodes() {
        for (const auto& item : state_.config.cluster.nodes) {
            auto id = state_.find_node(item.name);
            if (!now_.present.contains(id)) continue;
            auto left = now_.present;
            left.erase(id);
            add(fault::kind::node, item.name, why_not_with(left));
        }
    }

    void links() {
        auto all = effective_links(state_.config.cluster);
        for (const auto& link : all) add(fault::kind::link, link.name, why_not_without(link.name, all));
    }

    void devices() {
        const auto& cluster = state_.config.cluster;
        if (cluster.fencing == cluster_config::fencing_mode::none) return;
        for (const auto& device : cluster.stonith) {
            std::string alone;
            for (const auto& node : cluster.nodes) {
                bool covers = device.nodes.empty() || contains(device.nodes, node.name);
                if (covers && !provable(node.name, device.name)) alone += (alone.empty() ? "" : ", ") + node.name;
            }
            add(fault::kind::stonith, device.name, alone.empty() ? "" : "the only one of " + alone);
        }
    }

    void arbitrators() {
        if (now_.tie != cluster_config::tie::arbitrator) return;
        bool even = now_.voters.size() % 2 == 0;
        for (const auto& item : state_.config.cluster.arbitrators)
            add(fault::kind::arbitrator, item.name,
                even && !arbitrator_works(item.name) ? "no other could break a tie" : "");
    }

    void power() {
        for (const auto& source : state_.config.cluster.event_sources) {
            auto left = now_.present;
            bool feeds = false;
            for (const auto& node : state_.config.cluster.nodes) {
                if (node.power_source != source.name) continue;
                feeds = true;
                left.erase(state_.find_node(node.name));
            }
            if (feeds) add(fault::kind::power, source.name, why_not_with(left));
        }
    }

    // ---- what has to hold ----

    // Some other than `without` answers, as far as is known.
    [[nodiscard]] bool arbitrator_works(const std::string& without) const {
        const auto& list = state_.config.cluster.arbitrators;
        return std::any_of(list.begin(), list.end(), [&](const auto& item) {
            return item.name != without && !state_.alarms.contains(item.name + " arbitrator_lost");
        });
    }

    // Proofs of death that do not depend on the node's own return.
    [[nodiscard]] bool provable(const std::string& name, const std::string& without = {}) const {
        const auto& cluster = state_.config.cluster;
        if (cluster.fencing == cluster_config::fencing_mode::none) return true;
        auto id = state_.find_node(name);
        auto known = state_.nodes.find(id);
        // "Two voters": there a lease may have no end.
        bool endless = now_.tie == cluster_config::tie::proof && now_.voters.size() <= 2 && now_.voters.contains(id);
        if (known != state_.nodes.end() && known->second.watchdog.count() > 0 && !endless) return true;
        auto tried = state_.fences.find(id);
        bool failing = tried != state_.fences.end() && tried->second.done &&
                       tried->second.result.outcome != cluster::fence_outcome::off_confirmed &&
                       tried->second.result.outcome != cluster::fence_outcome::cancelled;
        if (failing) return false;
        auto levels = fence_levels(cluster, name);
        return std::any_of(levels.begin(), levels.end(), [&](const auto& level) {
            return std::none_of(level.begin(), level.end(),
                                [&](const auto* device) { return device->name == without; });
        });
    }

    [[nodiscard]] std::string why_no_quorum(const std::set<node_id>& left) const {
        std::size_t here = 0;
        bool fenceable = false;
        for (node_id voter : now_.voters) {
            here += left.contains(voter) ? 1 : 0;
            auto name = state_.node_name(voter);
            bool device = !fence_levels(state_.config.cluster, name).empty();
            fenceable = fenceable || (!left.contains(voter) && device && provable(name));
        }
        auto all = now_.voters.size();
        if (2 * here > all) return {};
        bool broken = (now_.tie == cluster_config::tie::proof && fenceable) ||
                      (now_.tie == cluster_config::tie::arbitrator && arbitrator_works({}));
        if (2 * here == all && here > 0 && broken) return {};
        return std::to_string(here) + " of " + std::to_string(all) + " voters would be left";
    }

    // Of what runs on the others now, what could not go on with these alone.
    [[nodiscard]] std::string why_packages_stay(const std::set<node_id>& left) const {
        auto after = state_;
        std::set<std::string> moving;
        for (auto& [id, node] : after.nodes)
            if (!left.contains(id)) node.status = node_status::fenced;
        for (auto& [name, item] : after.packages) {
            if (!item.active() || left.contains(item.owner)) continue;
            item.phase = cluster::package_phase::down;
            // An instance of a multi-node package belongs to its node; what waits already is not this fault's doing.
            if (name.find('@') != std::string::npos || !now_.present.contains(item.owner)) continue;
            auto owner = state_.node_name(item.owner);
            if (!provable(owner))
                return std::string("nothing could prove that ").append(owner).append(" is dead, ").append(name) +
                       " would wait";
            moving.insert(name);
        }
        if (moving.empty()) return {};
        const plan made(after);
        for (const auto& name : moving) {
            const auto* item = made.find(name);
            if (item != nullptr && !item->where) return name + " has nowhere to go";
        }
        return {};
    }

    [[nodiscard]] std::string why_not_with(const std::set<node_id>& left) const {
        if (left.empty()) return "no node would be left";
        auto why = why_no_quorum(left);
        return why.empty() ? why_packages_stay(left) : why;
    }

    // ---- links ----

    // As heard here; of a link between others nothing is known, and the best is assumed.
    [[nodiscard]] bool joins(const plugin_instance& link, node_id one, node_id other) const {
        for (node_id node : {one, other})
            if (!link.nodes.empty() && !contains(link.nodes, state_.node_name(node))) return false;
        auto heard = now_.heard_on.find(link.name);
        if (heard == now_.heard_on.end()) return true;
        return heard->second.contains(one) && heard->second.contains(other);
    }

    [[nodiscard]] std::set<node_id> reached_from(node_id start, const std::vector<plugin_instance>& links) const {
        std::set<node_id> seen{start};
        std::vector<node_id> todo{start};
        while (!todo.empty()) {
            auto from = todo.back();
            todo.pop_back();
            for (node_id to : now_.present) {
                auto joined = [&](const auto& link) { return joins(link, from, to); };
                if (!seen.contains(to) && std::any_of(links.begin(), links.end(), joined)) {
                    seen.insert(to);
                    todo.push_back(to);
                }
            }
        }
        return seen;
    }

    [[nodiscard]] std::string why_not_without(const std::string& name, const std::vector<plugin_instance>& all) const {
        std::vector<plugin_instance> rest;
        for (const auto& link : all)
            if (link.name != name && timing_of(state_.config.cluster, link).counts) rest.push_back(link);
        std::string why;
        std::set<node_id> seen;
        for (node_id node : now_.present) {
            if (seen.contains(node)) continue;
            auto part = reached_from(node, rest);
            seen.insert(part.begin(), part.end());
            if (part == now_.present) return {};
            auto found = why_not_with(part);
            if (found.empty()) return {};
            bool larger_problem = why_no_quorum(part).empty();
            if (why.empty() || larger_problem) why = found;
        }
        return "the only one that joins the nodes: " + why;
    }

    const cluster::state& state_;
    const standing& now_;
    std::vector<fault> out_;
};

}  // namespace

const char* to_string(fault::kind what) {
    switch (what) {
        case fault::kind::node:
            return "node";
        case fault::kind::link:
            return "link";
        case fault::kind::stonith:
            return "stonith";
        case fault::kind::arbitrator:
            return "arbitrator";
        default:
            return "power";
    }
}

std::vector<fault> single_faults(const cluster::state& state, const standing& now) {
    if (!state.formed()) return {};
    return examiner(state, now).run();
}

}  // namespace mainstay::policy
