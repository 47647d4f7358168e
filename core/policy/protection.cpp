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

// What would be gone with the fault that is looked at; empty = nothing of that kind.
struct missing {
    std::string stonith;
    std::string arbitrator;
    std::string network_switch;
    std::string power_source;

    [[nodiscard]] bool takes(const plugin_instance& item, const std::string& by_name) const {
        auto is = [](const std::string& gone, const std::string& name) { return !gone.empty() && gone == name; };
        return is(by_name, item.name) || is(network_switch, item.network_switch) || is(power_source, item.power_source);
    }
};

class examiner {
public:
    examiner(const cluster::state& state, const standing& now) : state_(state), now_(now) {}

    std::vector<fault> run() {
        nodes();
        links();
        switches();
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

    void switches() {
        std::set<std::string> declared;
        for (const auto& node : state_.config.cluster.nodes)
            for (const auto& interface : node.interfaces) declared.insert(interface.network_switch);
        for (const auto& item : state_.config.cluster.heartbeats) declared.insert(item.network_switch);
        for (const auto& item : state_.config.cluster.stonith) declared.insert(item.network_switch);
        for (const auto& item : state_.config.cluster.arbitrators) declared.insert(item.network_switch);
        declared.erase("");
        for (const auto& name : declared) {
            without_ = {{}, {}, name, {}};
            auto why = why_split(counting(effective_links(state_.config.cluster)));
            add(fault::kind::network_switch, name, why.empty() ? why_unguarded(now_.present) : why);
            without_ = {};
        }
    }

    void devices() {
        const auto& cluster = state_.config.cluster;
        if (cluster.fencing == cluster_config::fencing_mode::none) return;
        for (const auto& device : cluster.stonith) {
            std::string alone;
            without_ = {device.name, {}, {}, {}};
            for (const auto& node : cluster.nodes) {
                bool covers = device.nodes.empty() || contains(device.nodes, node.name);
                if (covers && !provable(node.name)) alone += (alone.empty() ? "" : ", ") + node.name;
            }
            without_ = {};
            add(fault::kind::stonith, device.name, alone.empty() ? "" : "the only one of " + alone);
        }
    }

    void arbitrators() {
        if (now_.tie != cluster_config::tie::arbitrator) return;
        bool even = now_.voters.size() % 2 == 0;
        for (const auto& item : state_.config.cluster.arbitrators) {
            without_ = {{}, item.name, {}, {}};
            add(fault::kind::arbitrator, item.name, even && !arbitrator_works() ? "no other could break a tie" : "");
            without_ = {};
        }
    }

    void power() {
        for (const auto& source : state_.config.cluster.event_sources) {
            auto left = now_.present;
            bool feeds = feeds_something(source.name);
            for (const auto& node : state_.config.cluster.nodes) {
                if (node.power_source != source.name) continue;
                feeds = true;
                left.erase(state_.find_node(node.name));
            }
            if (!feeds) continue;
            without_ = {{}, {}, {}, source.name};
            auto why = why_not_with(left);
            add(fault::kind::power, source.name, why.empty() ? why_unguarded(left) : why);
            without_ = {};
        }
    }

    // ---- what has to hold ----

    [[nodiscard]] bool feeds_something(const std::string& source) const {
        auto fed = [&source](const auto& item) { return item.power_source == source; };
        const auto& cluster = state_.config.cluster;
        return std::any_of(cluster.stonith.begin(), cluster.stonith.end(), fed) ||
               std::any_of(cluster.arbitrators.begin(), cluster.arbitrators.end(), fed);
    }

    // One that is not gone answers, as far as is known.
    [[nodiscard]] bool arbitrator_works() const {
        const auto& list = state_.config.cluster.arbitrators;
        return std::any_of(list.begin(), list.end(), [&](const auto& item) {
            return !without_.takes(item, without_.arbitrator) &&
                   !state_.alarms.contains(item.name + " arbitrator_lost");
        });
    }

    // As with a device of its own: what must work at the next fault, and nothing would stand in for it.
    [[nodiscard]] std::string why_unguarded(const std::set<node_id>& left) const {
        if (state_.config.cluster.fencing == cluster_config::fencing_mode::none) return {};
        std::string alone;
        for (node_id id : left) {
            auto name = state_.node_name(id);
            if (provable(name) || fence_levels(state_.config.cluster, name).empty()) continue;
            alone += (alone.empty() ? "" : ", ") + name;
        }
        if (!alone.empty()) return "no fencing device would be left for " + alone;
        bool even = now_.voters.size() % 2 == 0;
        if (now_.tie == cluster_config::tie::arbitrator && even && !arbitrator_works())
            return "no arbitrator would be left to break a tie";
        return {};
    }

    // R4(a): any other refuses until a quorum has named it.
    [[nodiscard]] bool named_arbitrator_works() const {
        const auto& list = state_.config.cluster.arbitrators;
        return arbitrator_works() &&
               (now_.arbitrator.empty() || std::any_of(list.begin(), list.end(), [&](const auto& item) {
                    return item.name == now_.arbitrator && !without_.takes(item, without_.arbitrator) &&
                           !state_.alarms.contains(item.name + " arbitrator_lost");
                }));
    }

    // Proofs of death that do not depend on the node's own return.
    [[nodiscard]] bool provable(const std::string& name) const {
        const auto& cluster = state_.config.cluster;
        if (cluster.fencing == cluster_config::fencing_mode::none) return true;
        auto id = state_.find_node(name);
        auto known = state_.nodes.find(id);
        // "Two voters": there a lease may have no end.
        bool endless = now_.tie == cluster_config::tie::proof && now_.voters.size() <= 2 && now_.voters.contains(id);
        if (known != state_.nodes.end() && known->second.watchdog.count() > 0 && !endless) return true;
        return can_switch_off(name);
    }

    // R4(b): what breaks a tie is power seen off; a watchdog that must have fired does not.
    [[nodiscard]] bool can_switch_off(const std::string& name) const {
        const auto& cluster = state_.config.cluster;
        auto id = state_.find_node(name);
        auto tried = state_.fences.find(id);
        bool failing = tried != state_.fences.end() && tried->second.done &&
                       tried->second.result.outcome != cluster::fence_outcome::off_confirmed &&
                       tried->second.result.outcome != cluster::fence_outcome::cancelled;
        if (failing) return false;
        auto levels = fence_levels(cluster, name);
        return std::any_of(levels.begin(), levels.end(), [&](const auto& level) {
            return std::none_of(level.begin(), level.end(),
                                [&](const auto* device) { return without_.takes(*device, without_.stonith); });
        });
    }

    [[nodiscard]] std::string why_no_quorum(const std::set<node_id>& left) const {
        std::size_t here = 0;
        bool fenceable = false;
        for (node_id voter : now_.voters) {
            here += left.contains(voter) ? 1 : 0;
            auto name = state_.node_name(voter);
            fenceable = fenceable || (!left.contains(voter) && can_switch_off(name));
        }
        auto all = now_.voters.size();
        if (2 * here > all) return {};
        bool broken = (now_.tie == cluster_config::tie::proof && fenceable) ||
                      (now_.tie == cluster_config::tie::arbitrator && named_arbitrator_works());
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
            if (state_.is_detached(item.owner)) return owner + " is detached, " + name + " would not be missed";
            if (!provable(owner))
                return std::string("nothing could prove that ").append(owner).append(" is dead, ").append(name) +
                       " would wait";
            moving.insert(name);
        }
        cut_subnets(after, left, moving);
        if (without_.network_switch.empty() && moving.empty()) return {};
        const plan made(after);
        for (const auto& name : moving) {
            const auto* item = made.find(name);
            if (item != nullptr && !item->where) return name + " has nowhere to go";
        }
        return why_unreachable(made);
    }

    // What goes over the switch that is gone, at the node.
    [[nodiscard]] bool cut(node_id node, const std::string& subnet) const {
        if (without_.network_switch.empty()) return false;
        for (const auto& config : state_.config.cluster.nodes) {
            const auto* found = state_.find_node(config.name) == node ? interface_on(config, subnet) : nullptr;
            if (found != nullptr) return found->network_switch == without_.network_switch;
        }
        return false;
    }

    // The nodes will see their subnets down, and the packages that watch them leave.
    void cut_subnets(cluster::state& after, const std::set<node_id>& left, std::set<std::string>& moving) const {
        for (node_id node : left)
            for (auto& [subnet, seen] : after.subnets[node])
                if (cut(node, subnet)) seen.up = false;
        for (auto& [name, item] : after.packages) {
            const auto* config = after.find_package(name);
            if (!item.active() || config == nullptr || name.find('@') != std::string::npos) continue;
            const auto& watched = config->monitored_subnets;
            node_id owner = item.owner;
            bool leaves =
                std::any_of(watched.begin(), watched.end(), [&](const auto& one) { return cut(owner, one.subnet); });
            if (!leaves) continue;
            item.phase = cluster::package_phase::down;
            moving.insert(name);
        }
    }

    // A package whose address is on a subnet that nobody watches stays where it can't be reached.
    [[nodiscard]] std::string why_unreachable(const plan& made) const {
        for (const auto& item : made.all()) {
            if (!item.where || item.config == nullptr) continue;
            for (const auto& address : item.config->addresses) {
                if (!cut(item.where, address.subnet)) continue;
                auto text = std::string(item.name()).append(" could not be reached at ").append(address.address);
                bool watched = std::any_of(item.config->monitored_subnets.begin(), item.config->monitored_subnets.end(),
                                           [&](const auto& one) { return one.subnet == address.subnet; });
                return watched ? text : text + ": subnet " + address.subnet + " is not monitored";
            }
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
        const auto& gone = without_.network_switch;
        for (node_id node : {one, other}) {
            auto name = state_.node_name(node);
            if (!link.nodes.empty() && !contains(link.nodes, name)) return false;
            if (!gone.empty() && switch_of(state_.config.cluster, link, name) == gone) return false;
        }
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
        auto rest = counting(all);
        std::erase_if(rest, [&name](const auto& link) { return link.name == name; });
        auto why = why_split(rest);
        return why.empty() ? why : "the only one that joins the nodes: " + why;
    }

    // The links by which others are heard; a slow one only keeps a node from being shot.
    [[nodiscard]] std::vector<plugin_instance> counting(std::vector<plugin_instance> links) const {
        std::erase_if(links, [this](const auto& link) { return !timing_of(state_.config.cluster, link).counts; });
        return links;
    }

    // Joined by these links alone, no part of the nodes could go on: why; empty = one can.
    [[nodiscard]] std::string why_split(const std::vector<plugin_instance>& links) const {
        std::string why;
        std::set<node_id> seen;
        for (node_id node : now_.present) {
            if (seen.contains(node)) continue;
            auto part = reached_from(node, links);
            seen.insert(part.begin(), part.end());
            if (part == now_.present && without_.network_switch.empty()) return {};
            auto found = why_not_with(part);
            if (found.empty()) return {};
            bool larger_problem = why_no_quorum(part).empty();
            if (why.empty() || larger_problem) why = found;
        }
        return why;
    }

    const cluster::state& state_;
    const standing& now_;
    missing without_;
    std::vector<fault> out_;
};

}  // namespace

const char* to_string(fault::kind what) {
    switch (what) {
        case fault::kind::node:
            return "node";
        case fault::kind::link:
            return "link";
        case fault::kind::network_switch:
            return "switch";
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
