#include "sim/configuration.hpp"

namespace mainstay::sim {

namespace {

std::string nodes_text(dice& random, const std::vector<std::string>& names, bool second_subnet) {
    static const std::vector<std::string> timeouts{"400ms", "1s", "1s", "2s"};
    std::string text = "cluster_name sim\nmember_timeout " + random.pick(timeouts) + "\n";
    if (random.chance(0.3)) text += "on_quorum_loss halt\nlease_halt_timeout 5s\n";
    // Two nodes without a tie-break are refused; so is proof without fencing.
    if (random.chance(0.15) && names.size() % 2 == 1) {
        text += "fencing none\n";
    } else if (random.chance(0.5)) {
        text += "tie_break proof\n";
    } else if (random.chance(0.5)) {
        text += "tie_break arbitrator\n";
    }
    if (random.chance(0.1)) text += "fence_limit 3\nfence_limit_time 60s\n";
    if (random.chance(0.3)) text += "fence_action off\n";
    bool limited = random.chance(0.3);
    bool watched = random.chance(0.3);
    std::size_t i = 0;
    for (const auto& name : names) {
        auto number = std::to_string(++i);
        text += "node_name " + name + "\n network_interface eth0\n heartbeat_ip 10.0.0." + number + "/24\n";
        if (second_subnet) text += " network_interface eth1\n stationary_ip 10.1.0." + number + "/24\n";
        if (limited) text += " capacity_name cpu\n capacity_value 3\n";
        if (random.chance(0.5)) text += " power_source ups\n";
        if (watched) text += " watchdog_device /dev/watchdog\n watchdog_timeout 2s\n";
    }
    text += "event_name ups\n event_plugin event-ups-nut\n on_battery_after 3s\n";
    text += "notifier_name mail\n notifier_plugin notify-exec\n notifier_event node_lost node_fenced\n";
    if (text.find("tie_break arbitrator") != std::string::npos)
        for (std::uint64_t count = 1 + random.below(2), n = 1; n <= count; ++n)
            text += "arbitrator_name a" + std::to_string(n) + "\n arbitrator_plugin arbitrator-server\n";
    text += "stonith_name power\n stonith_plugin stonith-exec\n stonith_timeout 10s\n";
    return text;
}

// What a package wants of others: a dependency on an earlier one, some weight, another policy.
std::string wishes_text(dice& random, std::size_t index, bool& failover, bool& least) {
    std::string text;
    if (random.chance(0.15)) {
        failover = false;
        text += "package_type multi_node\n";
    }
    static const std::vector<std::string> places{"same_node", "same_node", "any_node", "different_node"};
    bool same = true;
    if (index > 1 && failover && random.chance(0.5)) {
        auto other = "p" + std::to_string(1 + random.below(index - 1));
        auto place = random.pick(places);
        same = place == "same_node";
        text += "dependency_name need\n dependency_condition " + other + " = UP\n dependency_location " + place + "\n";
    } else if (failover && random.chance(0.2)) {
        least = true;
        text += "failover_policy min_package_node\n";
    }
    if (failover && !least && same && random.chance(0.4)) text += "priority " + std::to_string(100 - index) + "\n";
    if (failover && random.chance(0.3)) text += "failback_policy automatic\n";
    if (random.chance(0.3)) text += "successor_halt_timeout " + std::to_string(random.below(4)) + "\n";
    if (random.chance(0.5)) text += "weight_name cpu\nweight_value " + std::to_string(1 + random.below(2)) + "\n";
    return text;
}

// Subnets and generic resources (SG 3.5, 3.7).
std::string conditions_text(dice& random) {
    std::string text;
    if (random.chance(0.5))
        text += std::string("monitored_subnet ") + random_configuration::subnet + "\n" +
                (random.chance(0.3) ? "monitored_subnet_access partial\n" : "");
    if (random.chance(0.3))
        text += std::string("generic_resource_name ") + random_configuration::simple_resource +
                "\n generic_resource_evaluation_type before_package_start\n";
    if (random.chance(0.3))
        text += std::string("generic_resource_name ") + random_configuration::valued_resource +
                "\n generic_resource_up_criteria < 50\n";
    return text;
}

std::string package_text(dice& random, const std::vector<std::string>& names, std::size_t index, bool exclusive) {
    auto name = "p" + std::to_string(index);
    std::string text = "package_name " + name + "\n";
    bool failover = true;
    bool least = false;
    if (exclusive) {
        // The first two exclude each other.
        text += "priority " + std::to_string(index) + "\ndependency_name not\n dependency_condition p" +
                std::to_string(3 - index) + " = DOWN\n";
    } else {
        text += wishes_text(random, index, failover, least);
    }
    auto order = names;
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (const auto& node : order) text += "node_name " + node + "\n";
    if (failover && random.chance(0.8))
        text += "ip_subnet 10.0.0.0/24\n ip_address 10.0.0." + std::to_string(100 + index) + "\n";
    if (random.chance(0.5))
        text += "resource_name r\n resource_plugin init-script\n resource_param script /etc/init.d/x\n";
    if (random.chance(0.5)) {
        text += "run_script /p/run\nhalt_script /p/halt\n";
        if (random.chance(0.6)) text += "run_script_timeout 10\nhalt_script_timeout 12\n";
    }
    static const std::vector<std::string> restarts{"none", "2", "unlimited"};
    text += "service_name " + name + "_s\n service_cmd /p/serve\n service_restart " + random.pick(restarts) + "\n";
    text += " service_halt_timeout 2\n";
    return text;
}

// Two or three sites, each node at one of them.
std::string sited_nodes(dice& random, const std::vector<std::string>& names, std::string text) {
    static const std::vector<std::string> all{"east", "west", "north"};
    std::vector<std::string> sites(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(2 + random.below(2)));
    for (const auto& name : names) {
        auto head = "node_name " + name + "\n";
        text.insert(text.find(head) + head.size(), " site " + random.pick(sites) + "\n");
    }
    std::string declared;
    for (const auto& site : sites) declared += "site_name " + site + "\n";
    return text.insert(text.find("node_name "), declared);
}

// SG 5.4, of a package that has no policy of its own yet.
std::string sited_package(dice& random, std::string text) {
    bool plain = text.find("failover_policy") == std::string::npos && text.find("package_type") == std::string::npos;
    bool manual = random.chance(0.5);
    if (!random.chance(0.7) || !plain) return text;
    return text.insert(text.find('\n') + 1,
                       std::string("failover_policy site_preferred") + (manual ? "_manual" : "") + "\n");
}

// SG 3.12: a control script starts the service; command and restarts are its own.
std::string by_script(std::string text) {
    auto from = text.find(" service_cmd");
    auto to = text.find(" service_halt_timeout");
    if (text.find("run_script") != std::string::npos && from < to) text.erase(from, to - from);
    return text;
}

}  // namespace

random_configuration draw_configuration(dice& random, const std::vector<std::string>& names, dice* conditions,
                                        dice* sites) {
    random_configuration drawn;
    drawn.text = nodes_text(random, names, conditions != nullptr);
    if (sites != nullptr) drawn.text = sited_nodes(*sites, names, std::move(drawn.text));
    drawn.packages = 1 + random.below(4);
    bool exclusive = drawn.packages > 1 && random.chance(0.2);
    std::vector<std::string> packages;
    for (std::size_t i = 1; i <= drawn.packages; ++i) {
        packages.push_back(package_text(random, names, i, exclusive && i <= 2));
        if (sites != nullptr) packages.back() = sited_package(*sites, std::move(packages.back()));
        if (conditions != nullptr) packages.back() += conditions_text(*conditions);
    }
    if (conditions != nullptr)
        drawn.spare = package_text(*conditions, names, drawn.packages + 1, false) + conditions_text(*conditions);
    for (const auto& text : packages)
        drawn.text += conditions != nullptr && conditions->chance(0.3) ? by_script(text) : text;
    return drawn;
}

}  // namespace mainstay::sim
