#include "runtime/status_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/timing.hpp"
#include "policy/decide.hpp"
#include "policy/explain.hpp"
#include "policy/next_nodes.hpp"
#include "policy/protection.hpp"
#include "runtime/clock.hpp"
#include "runtime/json_text.hpp"

namespace mainstay::runtime {

namespace {

using json = nlohmann::ordered_json;
using cluster::node_status;
using cluster::package_phase;

json or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

class status {
public:
    explicit status(const admin_backend& backend)
        : backend_(backend), core_(backend.core()), state_(core_.state()), links_(backend.links()), now_(boot_now()) {}

    json run() {
        json out;
        out["cluster"] = or_null(state_.config.cluster.name);
        out["formed"] = state_.formed();
        out["node"] = core_.name();
        out["version"] = MAINSTAY_VERSION;
        out["now"] = wall_now().us;
        if (!state_.formed()) {
            out["problem"] = or_null(backend_.initial_problem());
            out["waiting_for"] = core_.waiting_to_form();
        }
        out["waiting"] = or_null(core_.waiting_for(now_));
        add_quorum(out);
        add_fencing(out);
        add_protection(out);
        out["nodes"] = json::array();
        for (const auto& item : state_.config.cluster.nodes) out["nodes"].push_back(node(item.name));
        out["packages"] = json::array();
        const policy::plan plan(state_);
        policy::next_nodes next(state_, plan);
        for (const auto& item : state_.config.packages)
            for (const auto& instance : state_.instances(item))
                if (state_.packages.contains(instance)) out["packages"].push_back(package(instance, item, plan, next));
        out["alarms"] = json::array();
        for (const auto& [subject, item] : state_.alarms)
            out["alarms"].push_back({{"severity", "warning"}, {"since", item.since.us}, {"text", item.text}});
        if (state_.formed() && state_.config.cluster.fencing == cluster_config::fencing_mode::none)
            out["alarms"].push_back({{"severity", "critical"},
                                     {"since", nullptr},
                                     {"text", "fencing none: nothing proves that a lost node is dead"}});
        return out;
    }

private:
    [[nodiscard]] bool present(node_id id) const {
        return id == core_.self() || !core_.heard().silent(id, {}, now_, core_.times().member_timeout);
    }

    void add_quorum(json& out) const {
        std::size_t voters = 0;
        std::size_t here = 0;
        if (!core_.log().active().empty()) {
            for (const auto& item : core_.log().active().back().set.voters) {
                ++voters;
                if (present(item.node)) ++here;
            }
        }
        auto leader = core_.log().leader();
        bool fresh = core_.log().leads()
                         ? core_.log().quorate(now_)
                         : leader && now_ - core_.log().leader_heard() < 2 * core_.times().member_timeout;
        out["quorum"] = {{"have", fresh}, {"needed", voters / 2 + 1}, {"voters", voters}, {"present", here}};
        if (!core_.log().active().empty()) {
            const auto& set = core_.log().active().back().set;
            out["quorum"]["tie_break"] = to_string(set.kind);
            out["quorum"]["version"] = set.version;
            out["quorum"]["members"] = json::array();
            for (const auto& item : set.voters) out["quorum"]["members"].push_back(state_.node_name(item.node));
        }
        out["leader"] = fresh ? json(state_.node_name(leader)) : json(nullptr);
        if (fresh) {
            auto heard = core_.log().leads() ? 0 : (now_ - core_.log().leader_heard()).count() / 1000;
            out["freshness"] = {{"applied_index", state_.applied.value}, {"leader_heard_ms", heard}};
        } else {
            out["freshness"] = nullptr;
        }
        out["halted"] = state_.halted;
    }

    void add_fencing(json& out) const {
        bool none = state_.config.cluster.fencing == cluster_config::fencing_mode::none;
        wall_time verified;
        bool failed = false;
        for (const auto& [target, fence] : state_.fences) {
            if (!fence.done) continue;
            if (fence.result.outcome == cluster::fence_outcome::off_confirmed)
                verified.us = std::max(verified.us, fence.confirmed.us);
            failed = failed || fence.result.outcome == cluster::fence_outcome::failed ||
                     fence.result.outcome == cluster::fence_outcome::unknown;
        }
        out["fencing"] = {{"mode", none ? "none" : "required"},
                          {"state", none              ? "none"
                                    : failed          ? "failed"
                                    : verified.us > 0 ? "verified"
                                                      : "unverified"},
                          {"verified_at", verified.us > 0 ? json(verified.us) : json(nullptr)}};
    }

    void add_protection(json& out) const {
        policy::standing now;
        now.self = core_.self();
        for (const auto& [id, item] : state_.nodes)
            if (present(id) && item.status == node_status::up) now.present.insert(id);
        if (!core_.log().active().empty()) {
            const auto& set = core_.log().active().back().set;
            for (const auto& item : set.voters) now.voters.insert(item.node);
            now.tie = set.kind == consensus::tie_break::proof        ? cluster_config::tie::proof
                      : set.kind == consensus::tie_break::arbitrator ? cluster_config::tie::arbitrator
                                                                     : cluster_config::tie::none;
            // The leader alone asks them for their stores.
            for (const auto& [name, item] : core_.arbitrators())
                if (set.arbitrator && item.store == set.arbitrator) now.arbitrator = name;
        }
        for (const auto& link : links_) {
            auto& heard = now.heard_on[link.name];
            if (link.local_fault) continue;
            heard.insert(core_.self());
            for (const auto& peer : link.peers)
                if (is_heard(link, peer)) heard.insert(state_.find_node(peer.name));
        }
        json list = json::array();
        std::size_t survived = 0;
        for (const auto& item : policy::single_faults(state_, now)) {
            survived += item.why.empty() ? 1 : 0;
            list.push_back({{"kind", to_string(item.what)},
                            {"name", item.name},
                            {"survived", item.why.empty()},
                            {"why", or_null(item.why)}});
        }
        out["protection"] = {{"survived", survived}, {"faults", std::move(list)}};
    }

    [[nodiscard]] bool is_heard(const link_status& link, const peer_status& peer) const {
        return peer.heard != time_point::min() &&
               now_ - peer.heard <= std::max(core_.times().member_timeout, 4 * link.beat_period);
    }

    json node(const std::string& name) const {
        auto id = state_.find_node(name);
        auto found = state_.nodes.find(id);
        json out{{"name", name}, {"id", id.value}};
        if (found == state_.nodes.end()) {
            out["state"] = "unknown";
            return out;
        }
        const auto& item = found->second;
        bool works = std::any_of(state_.packages.begin(), state_.packages.end(),
                                 [&](const auto& entry) { return entry.second.active() && entry.second.owner == id; });
        switch (item.status) {
            case node_status::unseen:
                out["state"] = "joining";
                break;
            case node_status::lost:
                out["state"] = "lost";
                break;
            case node_status::fenced:
                out["state"] = "fenced";
                break;
            default:
                out["state"] = item.halted || state_.halted ? (works ? "halting" : "halted") : "running";
                break;
        }
        out["reason"] = item.halted     ? item.halted_by.actor + ": " + item.halted_by.reason
                        : state_.halted ? "the cluster is halted"
                                        : item.status_by.reason;
        out["since"] = item.halted ? item.halted_by.when.us : item.status_by.when.us;
        out["detached"] = nullptr;
        if (auto detached = state_.detached.find(id); detached != state_.detached.end()) {
            const auto& by = detached->second.by;
            out["state"] = detached->second.attach_asked_by.empty() ? "detached" : "attaching";
            out["reason"] = by.actor + (by.reason.empty() ? "" : ": " + by.reason);
            out["since"] = by.when.us;
            out["detached"] = {{"by", by.actor},
                               {"reason", by.reason},
                               {"since", by.when.us},
                               {"in_cluster", item.status == node_status::up}};
        }
        out["boot"] = std::to_string(item.boot.machine) + "." + std::to_string(item.boot.incarnation);
        if (!state_.config.cluster.sites.empty()) out["site"] = or_null(state_.site_of(id));
        out["on_battery"] = item.power_away;
        for (const auto& config : state_.config.cluster.nodes)
            if (config.name == name && !config.watchdog_device.empty())
                out["watchdog"] = {{"device", config.watchdog_device}, {"timeout_us", item.watchdog.count()}};
        out["links"] = json::array();
        for (const auto& link : links_) add_link(out["links"], link, name);
        out["subnets"] = json::array();
        if (auto seen = state_.subnets.find(id); seen != state_.subnets.end() && item.status == node_status::up)
            for (const auto& [subnet, view] : seen->second)
                out["subnets"].push_back({{"subnet", subnet}, {"up", view.up}, {"since", view.since.us}});
        out["stonith"] = json::array();
        for (const auto& device : state_.config.cluster.stonith) add_device(out["stonith"], device, name, id);
        json packages = json::array();
        for (const auto& config : state_.config.packages) {
            auto entry = state_.packages.find(cluster::instance_name(config, state_.node_name(id)));
            if (entry != state_.packages.end() && entry->second.active() && entry->second.owner == id)
                packages.push_back(config.name);
        }
        out["load"] = {{"used", packages.size()}, {"capacity", nullptr}};
        for (const auto& config : state_.config.cluster.nodes) {
            auto limit = config.name == name ? config.capacities.find(package_limit) : config.capacities.end();
            if (limit != config.capacities.end()) out["load"]["capacity"] = limit->second / weight_unit;
        }
        out["packages"] = std::move(packages);
        return out;
    }

    // As seen from here; the own node's link is as good as its worst living peer.
    void add_link(json& list, const link_status& link, const std::string& name) const {
        bool own = name == core_.name();
        bool any = false;
        bool up = false;
        duration round_trip{0};
        double loss = 0;
        for (const auto& peer : link.peers) {
            if (!own && peer.name != name) continue;
            any = true;
            if (!is_heard(link, peer)) continue;
            up = true;
            round_trip = std::max(round_trip, peer.round_trip);
            loss = std::max(loss, peer.loss_percent);
        }
        if (!any) return;
        list.push_back({{"name", link.name},
                        {"up", up && !link.local_fault},
                        {"counts", counts(link.name)},
                        {"rtt_us", round_trip.count() > 0 ? json(round_trip.count()) : json(nullptr)},
                        {"loss_percent", loss}});
        if (own && link.local_fault) list.back()["text"] = link.text;
    }

    // D7: for quorum and leases; a slow link only vetoes fencing.
    [[nodiscard]] bool counts(const std::string& name) const {
        const auto& cluster = state_.config.cluster;
        for (const auto& link : effective_links(cluster))
            if (link.name == name) return timing_of(cluster, link).counts;
        return true;
    }

    void add_device(json& list, const stonith_device& device, const std::string& name, node_id id) const {
        bool covers = device.nodes.empty() || std::count(device.nodes.begin(), device.nodes.end(), name) > 0;
        if (!covers) return;
        json out{{"name", device.name}, {"state", "unknown"}, {"checked_at", nullptr}};
        auto fence = state_.fences.find(id);
        if (fence != state_.fences.end() && fence->second.done && fence->second.result.device == device.name) {
            out["state"] = fence->second.result.outcome == cluster::fence_outcome::off_confirmed ? "ok" : "failed";
            out["checked_at"] = fence->second.confirmed.us;
        }
        list.push_back(std::move(out));
    }

    static json who(const cluster::provenance& by) {
        return {{"by", by.actor}, {"reason", by.reason}, {"since", by.when.us}};
    }

    // Of a maintenance or a pin: where, who, why, and until when.
    template <class Item>
    [[nodiscard]] json kept_there(const Item& item) const {
        json out{{"node", state_.node_name(item.node)},
                 {"by", item.by.actor},
                 {"reason", item.by.reason},
                 {"since", item.by.when.us},
                 {"until", nullptr}};
        if (item.until) out["until"] = item.until->us;
        return out;
    }

    static json names_of(const std::vector<package_step>& steps) {
        json out = json::array();
        for (auto step : steps) out.push_back(to_string(step));
        return out;
    }

    // Of failover_limit, now; null without one.
    static json failovers(const package_config& config, const cluster::package_state& item) {
        if (config.failover_limit == 0) return nullptr;
        auto span = config.failover_limit_time.count();
        auto now = wall_now().us;
        json out{{"used", 0}, {"limit", config.failover_limit}, {"resets", nullptr}};
        for (const auto& when : item.failovers) {
            if (now - when.us >= span) continue;
            if (out["resets"].is_null()) out["resets"] = when.us + span;
            out["used"] = out["used"].get<int>() + 1;
        }
        return out;
    }

    json package(const std::string& instance, const package_config& config, const policy::plan& plan,
                 policy::next_nodes& nodes) const {
        const auto& item = state_.packages.at(instance);
        json out{{"name", instance}};
        auto wanted = item.switching || item.target || item.target_any;
        switch (item.phase) {
            case package_phase::down:
                out["state"] = wanted && !state_.halted ? "waiting" : "halted";
                break;
            case package_phase::halt_failed:
                out["state"] = "failed";
                break;
            default:
                out["state"] = state_.is_detached(item.owner) && item.phase == package_phase::running ? "detached"
                               : item.failing                                                         ? "failing"
                                              : to_string(item.phase);
                break;
        }
        out["type"] = std::string(to_string(config.type));
        out["node"] = item.active() ? json(state_.node_name(item.owner)) : json(nullptr);
        out["since"] = item.phase_by.when.us;
        out["switching"] = item.switching;
        out["disabled_on"] = json::array();
        for (const auto& [id, by] : item.node_off) out["disabled_on"].push_back(state_.node_name(id));
        out["switching_by"] = item.switching_by.actor.empty() ? json(nullptr) : who(item.switching_by);
        out["disabled_by"] = json::array();
        for (const auto& [id, by] : item.node_off) {
            json flag{{"node", state_.node_name(id)}};
            flag.update(who(by));
            out["disabled_by"].push_back(std::move(flag));
        }
        out["maintenance"] = nullptr;
        if (item.maintained) out["maintenance"] = kept_there(*item.maintained);
        const auto* pin = state_.find_pin(instance);
        out["pin"] = pin == nullptr ? json(nullptr) : kept_there(*pin);
        out["partial"] = nullptr;
        const auto* partly = state_.runs_partly(instance);
        if (partly != nullptr)
            out["partial"] = {{"steps", names_of(partly->steps)},
                              {"left_out", names_of(steps_left_out(config, partly->steps))}};
        auto begins = [partly](package_step step) {
            return partly == nullptr || std::count(partly->steps.begin(), partly->steps.end(), step) > 0;
        };
        out["failovers"] = failovers(config, item);
        auto next = nodes.of(instance);
        out["next"] = next ? json(state_.node_name(next)) : json(nullptr);
        out["addresses"] = json::array();
        for (const auto& address : config.addresses) out["addresses"].push_back(address.address);
        out["generation"] = item.generation.value;
        out["proof"] = to_string(item.proof);
        out["reason"] = policy::headline(state_, plan, instance);
        out["services"] = json::array();
        auto step_state = item.phase == package_phase::running ? "running" : "halted";
        for (const auto& service : config.services) {
            auto count = item.restarts.find(service.name);
            bool ended = item.maintained && item.maintained->services_down.contains(service.name);
            out["services"].push_back(
                {{"name", service.name},
                 {"state", !begins(service.by_script() ? package_step::run_script : package_step::service) ? "halted"
                           : ended                                                                         ? "failed"
                                   : step_state},
                 {"restarts", count == item.restarts.end() ? 0 : count->second},
                 {"restart_max",
                  service.restart_max && !service.by_script() ? json(*service.restart_max) : json(nullptr)}});
        }
        out["resources"] = json::array();
        for (const auto& resource : config.resources)
            out["resources"].push_back({{"name", resource.name},
                                        {"plugin", resource.plugin},
                                        {"state", begins(package_step::resource) ? step_state : "halted"}});
        return out;
    }

    const admin_backend& backend_;
    const node::node& core_;
    const cluster::state& state_;
    std::vector<link_status> links_;
    time_point now_;
};

}  // namespace

std::string status_json(const admin_backend& backend) { return dump(status(backend).run()); }

}  // namespace mainstay::runtime
