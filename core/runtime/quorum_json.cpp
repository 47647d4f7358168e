#include "runtime/quorum_json.hpp"

#include <nlohmann/json.hpp>

#include "model/timing.hpp"
#include "runtime/json_text.hpp"

namespace mainstay::runtime {

namespace {

using json = nlohmann::ordered_json;

json fence_json(const cluster::state& state, const cluster::fence_state& fence) {
    json out{{"node", state.node_name(fence.request.node)},
             {"boot", fence.request.boot.machine},
             {"asked_from", state.node_name(fence.request.executor)},
             {"reason", fence.request.reason},
             {"requested", fence.requested.us}};
    if (!fence.done) return out;
    out["outcome"] = to_string(fence.result.outcome);
    out["device"] = fence.result.device;
    out["detail"] = fence.result.detail;
    out["confirmed"] = fence.confirmed.us;
    return out;
}

json proven(const node::node& core, const std::string& package) {
    const auto& state = core.state();
    const auto& item = state.packages.at(package);
    json out{{"package", package},
             {"phase", to_string(item.phase)},
             {"generation", item.generation.value},
             {"node", state.node_name(item.owner)},
             {"boot", item.owner_boot.machine},
             {"proof", to_string(item.proof)},
             {"since", item.phase_by.when.us},
             {"reason", item.phase_by.reason}};
    bool weak = item.proof == cluster::proof_kind::assumed;
    out["weak"] = weak;
    // Which of D5's proofs are being waited for while the owner is lost.
    auto owner = state.nodes.find(item.owner);
    bool waiting = item.active() && owner != state.nodes.end() && owner->second.status != cluster::node_status::up;
    out["waiting"] = json::array();
    if (waiting) {
        out["waiting"].push_back("node " + owner->second.name + " says that it halted the package");
        out["waiting"].push_back("node " + owner->second.name + " comes back with a new boot");
        bool detached = state.is_detached(item.owner);
        if (state.config.cluster.fencing == cluster_config::fencing_mode::required)
            out["waiting"].push_back("a fencing device confirms that " + owner->second.name + " is off" +
                                     (detached ? ", asked for by hactl node fence" : ""));
        if (owner->second.watchdog.count() > 0 && !detached)
            out["waiting"].push_back("its lease and its watchdog run out");
        out["waiting"].push_back("an administrator certifies it (hactl cluster run --certify-down " +
                                 owner->second.name + ")");
    }
    out["fences"] = json::array();
    for (const auto& [target, fence] : state.fences)
        if (target == item.owner || item.proof == cluster::proof_kind::fenced)
            out["fences"].push_back(fence_json(state, fence));
    out["history"] = json::array();
    for (const auto& entry : core.history()) {
        bool tells = entry.package == package || entry.event == "tie_broken" || entry.event == "certified_down" ||
                     entry.event == "node_fenced";
        if (tells && !entry.refused) out["history"].push_back({{"time", entry.when.us}, {"text", entry.text}});
    }
    constexpr std::size_t shown = 20;
    while (out["history"].size() > shown) out["history"].erase(out["history"].begin());
    return out;
}

}  // namespace

std::string proof_json(const node::node& core, const std::string& package) {
    const auto& state = core.state();
    if (state.packages.contains(package)) return dump(proven(core, package));
    const auto* config = state.find_package(package);
    if (config == nullptr) return {};
    json out{{"package", package}, {"instances", json::array()}};
    for (const auto& instance : state.instances(*config))
        if (state.packages.contains(instance)) out["instances"].push_back(proven(core, instance));
    return dump(out);
}

std::string timing_json(const node::node& core) {
    const auto& state = core.state();
    json out{{"text", mainstay::explain(core.times())}};
    out["nodes"] = json::array();
    auto longest = state.longest(core.times());
    for (const auto& [id, item] : state.nodes) {
        json one{{"name", item.name}, {"watchdog_us", item.watchdog.count()}};
        // Proof (3) exists only with an armed watchdog.
        if (item.watchdog.count() > 0) one["lease_proof_us"] = lease_proof_of(longest, item.watchdog).total().count();
        out["nodes"].push_back(std::move(one));
    }
    out["daemon_restart_is_harmless"] = core.times().daemon_restart_time < core.times().member_timeout;
    return dump(out);
}

std::string certify_json(const node::node& core, time_point now) {
    const auto& state = core.state();
    json out{{"node", core.name()}, {"last_index", core.log().last_index().value}};
    if (!core.log().active().empty()) {
        const auto& set = core.log().active().back().set;
        out["voter_set"] = set.version;
        out["voters"] = json::array();
        for (const auto& item : set.voters) out["voters"].push_back(state.node_name(item.node));
    }
    out["newest_entry"] = core.history().empty() ? json(nullptr) : json(core.history().back().when.us);
    out["heard"] = json::array();
    for (const auto& [id, item] : core.heard().all())
        if (!core.heard().silent(id, {}, now, core.times().member_timeout))
            out["heard"].push_back({{"name", state.node_name(id)}, {"commit", item.last.commit.value}});
    out["waiting_for"] = core.waiting_for(now);
    return dump(out);
}

}  // namespace mainstay::runtime
