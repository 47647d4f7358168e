#include "sim/faults.hpp"

#include <array>

namespace mainstay::sim {

void fault_source::strike(dice random) {
    // What stands twice comes twice as often.
    static constexpr std::array<action, 20> all{&fault_source::power_cut,
                                                &fault_source::daemon_crash,
                                                &fault_source::pause,
                                                &fault_source::partition,
                                                &fault_source::one_way,
                                                &fault_source::service_kill,
                                                &fault_source::leader_dies,
                                                &fault_source::battery,
                                                &fault_source::rack_dark,
                                                &fault_source::all_dark,
                                                &fault_source::pair_cut,
                                                &fault_source::flapping,
                                                &fault_source::swizzle,
                                                &fault_source::leave,
                                                &fault_source::store_lost,
                                                &fault_source::disk_fails,
                                                &fault_source::arbitrator_fails,
                                                &fault_source::wall_jump,
                                                &fault_source::ask,
                                                &fault_source::ask};
    random_ = random;
    (this->*all[random_.below(all.size())])();
}

void fault_source::strike_beside(dice random) {
    static constexpr std::array<action, 9> all{
        &fault_source::links_down,    &fault_source::subnet_down,    &fault_source::subnet_down,
        &fault_source::resource_down, &fault_source::maintenance,    &fault_source::reconfigure,
        &fault_source::reconfigure,   &fault_source::reset_restarts, &fault_source::partial_work};
    random_ = random;
    (this->*all[random_.below(all.size())])();
}

void fault_source::strike_apart(dice random) {
    random_ = random;
    detach();
}

// ---- power ---------------------------------------------------------------------------------------------

void fault_source::power_cut() {
    world_.count("fault_power_cut");
    auto name = somebody();
    bool back = random_.chance(0.8);
    auto wait = random_.between(duration{100'000}, duration{15'000'000});
    world_.power_off(name);
    if (back) world_.after(wait, [w = &world_, name] { w->power_on(name); });
}

void fault_source::leader_dies() {
    auto wait = random_.between(duration{500'000}, duration{10'000'000});
    const auto* leader = world_.leader();
    if (leader == nullptr) return;
    world_.count("fault_leader_power_cut");
    auto name = leader->name();
    world_.power_off(name);
    world_.after(wait, [w = &world_, name] { w->power_on(name); });
}

// Some of them hang on the same fuse.
void fault_source::rack_dark() {
    world_.count("fault_rack_dark");
    for (const auto& name : world_.names()) {
        bool here = random_.chance(0.4);
        auto wait = random_.between(duration{100'000}, duration{8'000'000});
        if (!here) continue;
        world_.power_off(name);
        world_.after(wait, [w = &world_, name] { w->power_on(name); });
    }
}

void fault_source::all_dark() {
    if (!random_.chance(0.3)) return;
    world_.count("fault_all_dark");
    for (const auto& name : world_.names()) {
        world_.power_off(name);
        world_.after(random_.between(duration{100'000}, duration{6'000'000}),
                     [w = &world_, name] { w->power_on(name); });
    }
}

void fault_source::battery() {
    world_.count("fault_battery");
    auto name = somebody();
    world_.plugin_event(name, {"ups", "ups_on_battery", "warning", {}});
    world_.after(random_.between(duration{500'000}, duration{9'000'000}), [w = &world_, name] {
        w->plugin_event(name, {"ups", "ups_on_mains", "info", {}});
    });
}

// ---- daemons, services ------------------------------------------------------------------------------------

void fault_source::daemon_crash() {
    world_.count("fault_daemon_crash");
    world_.crash_daemon(somebody());
}

void fault_source::pause() {
    world_.count("fault_pause");
    auto name = somebody();
    world_.pause_daemon(name, random_.between(duration{50'000}, duration{10'000'000}));
}

void fault_source::service_kill() {
    world_.count("fault_service_kill");
    world_.kill_service(somebody());
}

// Stopped by its service manager, started again, and let in by its administrator.
void fault_source::leave() {
    world_.count("fault_leave");
    auto name = somebody();
    world_.leave(name);
    auto back = random_.between(duration{2'000'000}, duration{20'000'000});
    world_.after(back, [w = &world_, name] { w->start_daemon(name); });
    world_.after(back + duration{3'000'000}, [w = &world_, name] {
        w->admin(name, cluster::command_body{cluster::node_admin{name, true}}, duration{20'000'000});
    });
}

// SG 7.4: a node, or all of them; its service restarts meanwhile, or its machine, or neither. Attached again by any
// administrator, asked twice: nobody hears the first one while nobody leads.
void fault_source::detach() {
    world_.count("fault_detach");
    auto name = somebody();
    auto node = random_.chance(0.2) ? std::string() : name;
    world_.admin(somebody(), cluster::command_body{cluster::node_detach{node, "work"}}, duration{20'000'000});
    auto work = random_.between(duration{100'000}, duration{4'000'000});
    auto back = work + random_.between(duration{200'000}, duration{12'000'000});
    switch (random_.below(4)) {
        case 0:
            world_.after(work, [w = &world_, name] { w->leave(name); });
            world_.after(back, [w = &world_, name] { w->start_daemon(name); });
            break;
        case 1:
            world_.after(work, [w = &world_, name] { w->crash_daemon(name); });
            break;
        case 2:
            world_.after(work, [w = &world_, name] { w->power_off(name); });
            world_.after(back, [w = &world_, name] { w->power_on(name); });
            break;
        default:
            break;
    }
    for (auto wait : {back + random_.between(duration{0}, duration{3'000'000}), back + duration{9'000'000}})
        world_.after(wait, [w = &world_, teller = somebody(), node] {
            w->admin(teller, cluster::command_body{cluster::node_attach{node}}, duration{20'000'000});
        });
}

// Somebody sets the date, or a time server does.
void fault_source::wall_jump() {
    world_.count("fault_wall_jump");
    auto name = somebody();
    bool back = random_.chance(0.5);
    auto by = random_.between(duration{1'000'000}, duration{7'200'000'000});
    world_.set_wall(name, back ? -by : by);
}

// ---- links -------------------------------------------------------------------------------------------------

void fault_source::both_ways(const std::string& a, const std::string& b, bool cut) {
    world_.cut(a, b, cut);
    world_.cut(b, a, cut);
}

void fault_source::partition() {
    world_.count("fault_partition");
    std::vector<std::string> one;
    std::vector<std::string> two;
    for (const auto& name : world_.names()) (random_.chance(0.5) ? one : two).push_back(name);
    for (const auto& a : one)
        for (const auto& b : two) both_ways(a, b, true);
    world_.after(random_.between(duration{200'000}, duration{12'000'000}), [this, one, two] {
        for (const auto& a : one)
            for (const auto& b : two) both_ways(a, b, false);
    });
}

void fault_source::one_way() {
    if (world_.names().size() < 2) return;
    world_.count("fault_one_way");
    auto a = somebody();
    auto b = somebody();
    world_.cut(a, b, true);
    world_.after(random_.between(duration{200'000}, duration{12'000'000}),
                 [w = &world_, a, b] { w->cut(a, b, false); });
}

// Two nodes lose each other while others hear both.
void fault_source::pair_cut() {
    if (world_.names().size() < 2) return;
    world_.count("fault_pair_cut");
    auto a = somebody();
    auto b = somebody();
    both_ways(a, b, true);
    world_.after(random_.between(duration{200'000}, duration{20'000'000}), [this, a, b] { both_ways(a, b, false); });
}

// A bad plug: it comes and goes.
void fault_source::flapping() {
    if (world_.names().size() < 2) return;
    world_.count("fault_flapping");
    auto a = somebody();
    auto b = somebody();
    duration when{0};
    for (int i = 0; i < 20; ++i) {
        world_.after(when, [this, a, b, i] { both_ways(a, b, i % 2 == 0); });
        when += random_.between(duration{20'000}, duration{1'200'000});
    }
}

// The nodes are taken off the network one by one and put back in another order.
void fault_source::swizzle() {
    if (world_.names().size() < 3) return;
    world_.count("fault_swizzle");
    auto off = world_.names();
    for (std::size_t i = off.size(); i > 1; --i) std::swap(off[i - 1], off[random_.below(i)]);
    auto on = off;
    for (std::size_t i = on.size(); i > 1; --i) std::swap(on[i - 1], on[random_.below(i)]);
    auto alone = [this](const std::string& name, bool cut) {
        for (const auto& other : world_.names())
            if (other != name) both_ways(name, other, cut);
    };
    duration when{0};
    for (const auto& name : off) {
        world_.after(when, [alone, name] { alone(name, true); });
        when += random_.between(duration{50'000}, duration{1'500'000});
    }
    for (const auto& name : on) {
        world_.after(when, [alone, name] { alone(name, false); });
        when += random_.between(duration{50'000}, duration{1'500'000});
    }
}

// `ip link set down` on all of them, or their driver dies: the node's own doing, not the network's.
void fault_source::links_down() {
    world_.count("fault_links_down");
    auto name = somebody();
    world_.links(name, false);
    world_.after(random_.between(duration{200'000}, duration{12'000'000}),
                 [w = &world_, name] { w->links(name, true); });
}

// ---- disks, arbitrators ------------------------------------------------------------------------------------

// Only where a quorum's disks survive it: invariant 3 promises nothing else.
void fault_source::store_lost() {
    auto name = somebody();
    auto wait = random_.between(duration{500'000}, duration{5'000'000});
    const auto* leader = world_.leader();
    if (stores_lost_ > 0 || leader == nullptr || leader->log().active().size() != 1) return;
    if (leader->name() == name || leader->log().active().front().set.voters.size() < 3) return;
    // Who still takes itself for the leader may know nothing of a smaller set that the others went on with.
    if (leader->log().active().front().set.version != world_.committed_voters().version) return;
    ++stores_lost_;
    world_.count("fault_store_lost");
    world_.lose_store(name);
    world_.after(wait, [w = &world_, name] { w->power_on(name); });
}

// Full, or failing: no write succeeds for a while.
void fault_source::disk_fails() {
    world_.count("fault_disk_fails");
    auto name = somebody();
    world_.disk_fails(name, random_.between(duration{200'000}, duration{6'000'000}));
}

// Harmless until it is needed: gone for a while, out of one node's reach, or with an empty disk.
void fault_source::arbitrator_fails() {
    if (!arbitrators_) return;
    std::string name = random_.chance(0.7) ? "a1" : "a2";
    auto node = somebody();
    auto wait = random_.between(duration{500'000}, duration{20'000'000});
    switch (random_.below(3)) {
        case 0:
            world_.count("fault_arbitrator_down");
            world_.arbitrator_up(name, false);
            world_.after(wait, [w = &world_, name] { w->arbitrator_up(name, true); });
            break;
        case 1:
            world_.count("fault_arbitrator_out_of_reach");
            world_.arbitrator_out_of_reach(node);
            world_.after(wait, [w = &world_] { w->arbitrator_out_of_reach(""); });
            break;
        default:
            world_.count("fault_arbitrator_lost_store");
            world_.arbitrator_loses_store(name);
    }
}

// ---- administrators ----------------------------------------------------------------------------------------

void fault_source::ask() {
    world_.count("fault_admin");
    auto name = somebody();
    auto package = "p" + std::to_string(1 + random_.below(packages_));
    auto node = somebody();
    node::admin_body body;
    switch (random_.below(8)) {
        case 0:
            body = cluster::command_body{cluster::package_move{package, node}};
            break;
        case 1:
            body = cluster::command_body{cluster::package_move{package, ""}};
            break;
        case 2:
            body = cluster::command_body{cluster::package_stop{package}};
            break;
        case 3:
            body = cluster::command_body{cluster::package_run{package, random_.chance(0.5) ? node : ""}};
            break;
        case 4:
            body = cluster::command_body{cluster::package_switching{package, "", true}};
            break;
        case 5:
            body = cluster::command_body{cluster::package_switching{package, node, random_.chance(0.5)}};
            break;
        case 6:
            body = cluster::command_body{cluster::node_admin{node, random_.chance(0.5)}};
            break;
        default:
            body = cluster::command_body{cluster::cluster_admin{random_.chance(0.7)}};
            break;
    }
    world_.admin(name, std::move(body), random_.chance(0.3) ? duration{300'000} : duration{20'000'000});
}

}  // namespace mainstay::sim
