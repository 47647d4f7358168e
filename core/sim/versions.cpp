#include "sim/versions.hpp"

#include <algorithm>

namespace mainstay::sim {

mixed_versions::mixed_versions(world& where, dice random, const std::set<std::uint64_t>& without)
    : world_(where), random_(random) {
    std::uint64_t number = 0;
    for (const auto& name : world_.names()) {
        ++number;
        bool old = random_.chance(0.6) && !without.contains(number);
        world_.install(name, old ? older : newer);
        if (old) old_.push_back(name);
    }
}

// Its package manager has been there; then the daemon is restarted, or the machine, or the node leaves and comes back.
void mixed_versions::change(const std::string& name, std::uint32_t level, std::uint64_t how, duration away) {
    if (finished_) return;
    world_.count(level == newer ? "fault_upgrade" : "fault_downgrade");
    world_.install(name, level);
    if (how == 0) return world_.crash_daemon(name);
    if (how == 1) {
        world_.power_off(name);
        return world_.after(away, [w = &world_, name] { w->power_on(name); });
    }
    world_.leave(name);
    world_.after(away, [w = &world_, name] { w->start_daemon(name); });
}

void mixed_versions::schedule(duration time) {
    auto order = old_;
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
    auto step = time / static_cast<std::int64_t>(order.size() + 2);
    duration when{0};
    auto later = [this](duration wait, const std::string& name, std::uint32_t level) {
        auto how = random_.below(3);
        auto away = random_.between(duration{500'000}, duration{6'000'000});
        world_.after(wait, [this, name, level, how, away] { change(name, level, how, away); });
    };
    for (const auto& name : order) {
        when += random_.between(step / 2, step + step / 2);
        later(when, name, newer);
    }
    // The level may have risen by then: such a node is too old.
    if (!random_.chance(0.5)) return;
    auto name = random_.pick(world_.names());
    when = std::max(when, time / 2) + random_.between(duration{0}, step);
    later(when, name, older);
    later(when + random_.between(duration{1'000'000}, duration{12'000'000}), name, newer);
}

void mixed_versions::finish() {
    finished_ = true;
    for (const auto& name : world_.names()) {
        world_.install(name, newer);
        if (world_.daemon(name) != nullptr && world_.feature_level(name) < newer) world_.crash_daemon(name);
    }
}

}  // namespace mainstay::sim
