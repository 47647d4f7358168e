// Faults that strike beside others: subnets and resources that packages rely on, maintenance, pins, and configurations
// that change while everything else goes wrong.
#include <algorithm>

#include "cluster/configuration.hpp"
#include "model/check.hpp"
#include "model/print.hpp"
#include "sim/configuration.hpp"
#include "sim/faults.hpp"

namespace mainstay::sim {

namespace {

constexpr duration patience{20'000'000};

// The package itself may have been removed: then there is nothing to change.
package_config* find(configuration& in, const std::string& name) {
    auto found =
        std::find_if(in.packages.begin(), in.packages.end(), [&name](const auto& item) { return item.name == name; });
    return found == in.packages.end() ? nullptr : &*found;
}

// Another order, or one node less.
void change_nodes(package_config& item, const cluster_config& cluster, dice& random) {
    if (item.nodes.empty())
        for (const auto& node : cluster.nodes) item.nodes.push_back(node.name);
    auto& nodes = item.nodes;
    if (nodes.size() < 2) return;
    auto at = static_cast<std::ptrdiff_t>(random.below(nodes.size()));
    if (random.chance(0.5)) {
        nodes.erase(nodes.begin() + at);
    } else {
        std::rotate(nodes.begin(), nodes.begin() + std::max<std::ptrdiff_t>(at, 1), nodes.end());
    }
}

// Services and addresses come and go, as SG 3.11 lets them.
void change_parts(package_config& item, dice& random) {
    auto others = std::find_if(item.services.begin(), item.services.end(),
                               [&](const auto& each) { return each.name == item.name + "_x"; });
    auto what = random.below(6);
    if (what == 0 && !item.services.empty() && !item.services.front().by_script()) {
        item.services.front().command = "/p/serve" + std::to_string(random.below(3));
    } else if (what <= 2 && others != item.services.end()) {
        item.services.erase(others);
    } else if (what <= 2) {
        service_config extra;
        extra.name = item.name + "_x";
        extra.command = "/p/extra";
        extra.restart_max = std::nullopt;
        extra.halt_timeout = duration{2'000'000};
        item.services.push_back(std::move(extra));
    } else if (what == 5) {
        auto& list = random.chance(0.3) ? item.external_pre_scripts : item.external_scripts;
        auto path = std::string("/p/script") + (random.chance(0.5) ? "1" : "2");
        if (std::erase(list, path) == 0) list.push_back(path);
    } else if (!item.everywhere()) {
        auto second = "10.0.0.15" + item.name.substr(1);
        auto had = std::erase_if(item.addresses, [&](const auto& each) { return each.address == second; });
        if (what == 3 && had == 0) item.addresses.push_back({second, "10.0.0.0/24", {}});
        if (what == 4 && !item.addresses.empty()) item.addresses.pop_back();
    }
}

// Volume groups and file systems, beside each other or one in the other; out they go only with the package down.
void change_mounts(package_config& item, dice& random) {
    auto number = std::to_string(random.below(3));
    bool group = !item.everywhere() && random.chance(0.3);
    bool goes = random.chance(0.3);
    if (group && goes) {
        if (!item.volume_groups.empty()) item.volume_groups.pop_back();
    } else if (group) {
        auto name = "vg" + item.name.substr(1) + number;
        bool had = std::any_of(item.volume_groups.begin(), item.volume_groups.end(),
                               [&](const auto& each) { return each.name == name; });
        if (!had) item.volume_groups.push_back({name, {}});
    } else if (goes) {
        if (!item.filesystems.empty()) item.filesystems.erase(item.filesystems.begin());
    } else {
        filesystem_config made;
        made.name = "tmpfs";
        made.directory = "/data/" + item.name + (number == "0" ? "" : "/in" + number);
        made.type = "tmpfs";
        auto at = random.below(item.filesystems.size() + 1);
        item.filesystems.insert(item.filesystems.begin() + static_cast<std::ptrdiff_t>(at), std::move(made));
    }
}

std::ptrdiff_t errors_in(const configuration& config) {
    auto found = check_configuration(config);
    return std::count_if(found.begin(), found.end(),
                         [](const auto& item) { return item.severity == problem::level::error; });
}

}  // namespace

void fault_source::may_add(const std::string& text) {
    auto parsed = cluster::parse_canonical(text);
    if (parsed) known_packages_ = parsed->packages;
}

// Up to some step, or all but one; now and then one that the package does not have.
cluster::package_run_partly fault_source::partial_start(const std::string& package, dice& random) {
    static const std::vector<std::string> lasts{"address", "resource", "address", "run_script", "volume_group"};
    static const std::vector<std::string> others{"service", "address", "resource", "service", "external_script"};
    if (random.chance(0.5)) return {package, "", "", {random.pick(others)}};
    if (random.chance(0.2)) return {package, "", "service", {random.pick(others)}};
    return {package, "", random.pick(lasts), {}};
}

std::string fault_source::any_package() { return "p" + std::to_string(1 + random_.below(packages_ + 1)); }

void fault_source::subnet_down() {
    world_.count("fault_subnet_down");
    std::string subnet = random_configuration::subnet;
    // The cable of one, or the switch of all.
    bool all = random_.chance(0.2);
    auto one = somebody();
    auto back = random_.between(duration{100'000}, duration{12'000'000});
    for (const auto& name : world_.names()) {
        if (!all && name != one) continue;
        world_.subnet(name, subnet, false);
        world_.after(back, [w = &world_, name, subnet] { w->subnet(name, subnet, true); });
    }
}

// A monitor has found something, and again later; on its own node, or an administrator on another one.
void fault_source::resource_down() {
    world_.count("fault_resource_down");
    bool simple = random_.chance(0.5);
    std::string resource = simple ? random_configuration::simple_resource : random_configuration::valued_resource;
    auto about = somebody();
    auto teller = random_.chance(0.8) ? about : somebody();
    auto set = [w = &world_, resource, about, teller](const char* value) {
        w->admin(teller, cluster::command_body{cluster::resource_set{resource, about, value}}, patience);
    };
    set(simple ? "down" : "80");
    world_.after(random_.between(duration{100'000}, duration{12'000'000}),
                 [set, simple] { set(simple ? "up" : "20"); });
}

// As the manual has it: switching off, maintenance on; later both back.
void fault_source::maintenance() {
    world_.count("fault_maintenance");
    auto name = somebody();
    auto package = any_package();
    auto until = random_.chance(0.3) ? std::optional(random_.between(duration{500'000}, duration{8'000'000}))
                                     : std::optional<duration>{};
    auto ask = [w = &world_, name](cluster::command_body body) { w->admin(name, std::move(body), patience); };
    ask(cluster::package_switching{package, "", false});
    world_.after(duration{50'000}, [w = &world_, ask, package, until] {
        auto end = until ? std::optional(wall_time{w->wall().us + until->count()}) : std::nullopt;
        ask(cluster::package_maintenance{package, "", true, "work", end});
    });
    auto back = random_.between(duration{500'000}, duration{15'000'000});
    world_.after(back, [ask, package] { ask(cluster::package_maintenance{package, "", false, "", {}}); });
    world_.after(back + duration{50'000}, [ask, package] { ask(cluster::package_switching{package, "", true}); });
}

void fault_source::place_by_hand(dice random) {
    world_.count("fault_placed_by_hand");
    random_ = random;
    auto name = somebody();
    auto package = any_package();
    auto node = somebody();
    auto ask = [w = &world_, name](cluster::command_body body) { w->admin(name, std::move(body), patience); };
    auto until = random_.chance(0.5) ? std::optional(random_.between(duration{500'000}, duration{12'000'000}))
                                     : std::optional<duration>{};
    auto end = until ? std::optional(wall_time{world_.wall().us + until->count()}) : std::nullopt;
    switch (random_.below(6)) {
        case 0:
            return ask(cluster::package_pin{package, "", "", {}});
        case 1:
            return ask(cluster::package_run{package, node});
        case 2:
            return ask(cluster::package_move{package, node});
        case 3:
            ask(cluster::package_pin{package, node, "moved there", end});
            return ask(cluster::package_move{package, node});
        default:
            return ask(cluster::package_pin{package, node, "test", end});
    }
}

// Halted, in maintenance, started by halves, and mostly halted again before that is over. Asked more than once: a halt
// takes its time, and not every node may run it.
void fault_source::partial_work() {
    world_.count("fault_partial_start");
    auto name = somebody();
    auto package = any_package();
    auto ask = [w = &world_, name](duration wait, cluster::command_body body) {
        w->after(wait, [w, name, body = std::move(body)] { w->admin(name, body, patience); });
    };
    ask(duration{0}, cluster::package_stop{package});
    for (int i = 1; i <= 4; ++i) {
        auto wait = duration{i * 1'000'000};
        ask(wait, cluster::package_maintenance{package, somebody(), true, "work", {}});
        ask(wait + duration{100'000}, partial_start(package, random_));
    }
    auto over = random_.between(duration{4'200'000}, duration{14'000'000});
    if (random_.chance(0.7)) ask(random_.between(duration{2'000'000}, over), cluster::package_stop_partly{package});
    ask(over, cluster::package_maintenance{package, "", false, "", {}});
    ask(over + duration{3'000'000}, cluster::package_maintenance{package, "", false, "", {}});
    ask(over + duration{3'100'000}, cluster::package_switching{package, "", true});
}

// An administrator counts anew, of one service or of all.
void fault_source::reset_restarts() {
    world_.count("fault_restarts_reset");
    auto package = any_package();
    auto service = random_.chance(0.5) ? package + "_s" : std::string();
    world_.admin(somebody(), cluster::command_body{cluster::restarts_reset{package, "", service}}, patience);
}

// Halted first or not (a running one is refused), changed, and enabled again, by three commands of one administrator.
void fault_source::reconfigure() {
    world_.count("fault_reconfigure");
    auto name = somebody();
    auto package = any_package();
    bool halts = random_.chance(0.7);
    if (!halts)
        world_.after(random_.between(duration{100'000}, duration{3'000'000}),
                     [this, name, package, own = dice(random_.next())] { apply(name, package, own); });
    if (halts) world_.admin(name, cluster::command_body{cluster::package_stop{package}}, patience);
    auto wait = halts ? random_.between(duration{200'000}, duration{4'000'000}) : duration{0};
    world_.after(wait, [this, name, package, own = dice(random_.next())] { apply(name, package, own); });
    world_.after(wait + duration{500'000}, [w = &world_, name, package] {
        w->admin(name, cluster::command_body{cluster::package_switching{package, "", true}}, patience);
    });
}

// What `hactl cluster apply` submits: the whole configuration as this node knows it, changed and checked.
void fault_source::apply(const std::string& name, const std::string& package, dice random) {
    const auto* daemon = world_.daemon(name);
    if (daemon == nullptr || !daemon->state().formed()) return;
    auto changed = daemon->state().config;
    auto* item = find(changed, package);
    if (item == nullptr) {
        auto known = std::find_if(known_packages_.begin(), known_packages_.end(),
                                  [&package](const auto& each) { return each.name == package; });
        if (known == known_packages_.end()) return;
        changed.packages.push_back(*known);
    } else if (random.chance(0.5)) {
        world_.count("fault_parts_changed");
        change_parts(*item, random);
    } else if (random.chance(0.3)) {
        std::erase_if(changed.packages, [&package](const auto& each) { return each.name == package; });
    } else if (random.chance(0.7)) {
        change_nodes(*item, changed.cluster, random);
    } else if (!item->services.empty()) {
        item->services.front().restart_max = static_cast<std::uint32_t>(random.below(4));
    }
    submit(name, changed, 0);
}

void fault_source::submit(const std::string& name, const configuration& changed, std::ptrdiff_t errors_max) {
    if (errors_in(changed) > errors_max) return world_.count("mark_change_not_acceptable");
    cluster::configure body;
    body.text = print_configuration(changed);
    world_.admin(name, cluster::command_body{std::move(body)}, patience);
}

// Mostly while the package runs.
void fault_source::change_storage(dice random) {
    world_.count("fault_storage_changed");
    random_ = random;
    auto name = somebody();
    auto package = any_package();
    bool halts = random_.chance(0.2);
    auto wait = halts ? random_.between(duration{200'000}, duration{4'000'000}) : duration{0};
    auto ask = [w = &world_, name](cluster::command_body body) { w->admin(name, std::move(body), patience); };
    if (halts) ask(cluster::package_stop{package});
    world_.after(wait, [this, name, package, own = dice(random_.next())]() mutable {
        const auto* daemon = world_.daemon(name);
        if (daemon == nullptr || !daemon->state().formed()) return;
        auto changed = daemon->state().config;
        auto* item = find(changed, package);
        if (item == nullptr) return;
        for (auto count = 1 + own.below(3); count > 0; --count) change_mounts(*item, own);
        // What was drawn at random is not all right in itself; mounts have to be.
        submit(name, changed, errors_in(daemon->state().config));
    });
    if (halts)
        world_.after(wait + duration{500'000}, [ask, package] { ask(cluster::package_switching{package, "", true}); });
}

}  // namespace mainstay::sim
