// What a control script does while it is under way: it starts services and an address, and halts them, or forgets to.
#include "sim/machine.hpp"

namespace mainstay::sim {

namespace {

constexpr std::uint64_t first_script_id = std::uint64_t{1} << 40U;  // apart from those of administrators

}  // namespace

void world::script_says(machine& where, node::script_call asked) {
    auto life = where.daemon_life;
    auto id = first_script_id + next_script_call_++;
    script_calls_[id] = {where.name, asked.script};
    ++where.processes[asked.script].calls;
    after(dice_.between(duration{1'000}, duration{60'000}), [this, &where, life, id, asked = std::move(asked)] {
        if (where.daemon_life != life) return script_told({id, node::admin_result::failed, "mainstayd is gone"});
        if (!where.processes.contains(asked.script)) return;
        count(asked.verb == node::script_verb::run_service ? "mark_script_service" : "mark_script_call");
        deliver(where, node::admin_call{id, "script", duration{1'000'000}, asked});
    });
}

void world::script_told(const node::admin_done& item) {
    auto found = script_calls_.find(item.id);
    if (found == script_calls_.end()) return;
    auto& where = at(found->second.first);
    auto script = where.processes.find(found->second.second);
    script_calls_.erase(found);
    if (script == where.processes.end()) return;
    if (item.result != node::admin_result::done) script->second.refused = true;
    if (--script->second.calls > 0 || !script->second.at_its_end) return;
    after(duration{0}, [this, &where, life = where.life, request = script->first] {
        auto now = where.processes.find(request);
        if (where.life == life && now != where.processes.end())
            script_ends(where, request, *now->second.at_its_end, false);
    });
}

// It waits for each of its commands, and a start in which one of them failed has failed.
void world::script_ends(machine& where, request_id request, std::int32_t code, bool late) {
    auto found = where.processes.find(request);
    if (found == where.processes.end()) return;
    if (found->second.calls > 0 && !late) {
        found->second.at_its_end = code;
        return;
    }
    bool failed = found->second.refused && found->second.label == "run_script" && code == 0;
    process_ends(where, request, failed ? 1 : code, late);
}

void world::script_talks(machine& where, const node::run_process& item) {
    using verb = node::script_verb;
    bool starts = item.label == "run_script";
    if (!starts && item.label != "halt_script") return;
    const auto* config = where.daemon->state().find_package(item.package);
    if (config == nullptr) return;
    bool any = false;
    for (const auto& service : config->services) {
        if (!service.by_script()) continue;
        any = true;
        if (!starts && dice_.chance(0.3)) continue;
        script_says(where, {item.request, item.package, starts ? verb::run_service : verb::halt_service, service.name,
                            "/p/serve", 2});
    }
    bool everywhere = item.package.find('@') != std::string::npos;
    if (!any || everywhere || item.package.size() != 2 || (!starts && dice_.chance(0.3))) return;
    auto address = std::string("10.0.0.20") + item.package.back();  // p1: 10.0.0.201
    script_says(
        where, {item.request, item.package, starts ? verb::add_address : verb::remove_address, address, "10.0.0.0", 0});
}

}  // namespace mainstay::sim
