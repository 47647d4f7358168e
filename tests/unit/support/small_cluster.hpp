// The cluster that the tests of the core talk about: n1, n2, n3 and two packages, founded and
// folded the way every node does it. Header only; a test includes it by its path under tests/unit.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cluster/apply.hpp"
#include "cluster/configuration.hpp"

namespace mainstay::small {

inline constexpr node_id n1{1}, n2{2}, n3{3};

// `extra` goes into the cluster section, `more` behind everything.
inline std::string configuration_text(const std::string& extra = "", const std::string& more = "") {
    std::string text = "cluster_name lab\n" + extra + "\n";
    for (int i = 1; i <= 3; ++i) {
        auto number = std::to_string(i);
        text += "node_name n" + number + "\n  network_interface eth0\n    heartbeat_ip 10.77.0." + number + "/24\n";
        if (i == 1) text += "  power_source ups\n";
    }
    text += "stonith_name strip\n  stonith_plugin stonith-exec\n  stonith_tries 1\n";
    text += "event_name ups\n  event_plugin ups-nut\n  on_battery_after 10s\n";
    text += more;
    text += "package_name web\n  node_name n1\n  node_name n2\n  run_script /bin/true\n  halt_script /bin/true\n";
    text += "package_name db\n  run_script /bin/true\n  halt_script /bin/true\n";
    return text;
}

class cluster_lab {
public:
    explicit cluster_lab(std::string text = configuration_text()) {
        cluster::found_cluster founding;
        founding.cluster = cluster_id{77};
        founding.first.text = std::move(text);
        founding.first.ids = {{"n1", n1}, {"n2", n2}, {"n3", n3}};
        auto outcome = say(founding, "founder n1");
        INFO(outcome.refusal);
        REQUIRE(outcome.accepted);
        for (node_id node : {n1, n2, n3}) boot(node, {1, 1});
    }

    cluster::applied apply(const consensus::entry& item) {
        last = item;
        log.push_back(item);
        index.value += 1;
        return last_outcome = cluster::apply(state, index, item);
    }
    cluster::applied say(cluster::command_body body, std::string actor = "policy") {
        cluster::command item;
        item.when = wall_time{static_cast<std::int64_t>(index.value) * 1'000'000};
        item.actor = std::move(actor);
        item.body = std::move(body);
        return apply({term{1, n1}, consensus::payload{encode(item)}});
    }
    cluster::applied boot(node_id node, boot_id life, std::uint32_t feature_level = 1) {
        return apply({term{1, n1}, consensus::boot_entry{node, life, store_id{100 + node.value}, feature_level,
                                                         duration{0}, wall_time{1}}});
    }
    cluster::applied start(const std::string& package, node_id node) {
        auto number = generation{state.packages.at(package).generation.value + 1};
        return say(cluster::package_start{package, number, node, state.nodes.at(node).boot,
                                          state.packages.at(package).proof, "test"});
    }
    cluster::applied report(const std::string& package, cluster::report what, std::string detail = "") {
        const auto& item = state.packages.at(package);
        return say(cluster::package_report{package, item.generation, item.owner, what, std::move(detail)});
    }
    // The package runs on the node; nothing else is changed.
    void run(const std::string& package, node_id node) {
        REQUIRE(start(package, node).accepted);
        REQUIRE(report(package, cluster::report::running).accepted);
    }
    void lose(node_id node) { REQUIRE(say(cluster::node_lost{node, state.nodes.at(node).boot, "not heard"}).accepted); }
    cluster::applied ask_fence(node_id node, node_id executor = n2) {
        return say(cluster::fence_request{state.fence_ids + 1, node, state.nodes.at(node).boot, executor,
                                          state.nodes.at(executor).boot, "test"});
    }
    [[nodiscard]] cluster::package_state& package(const std::string& name) { return state.packages.at(name); }

    cluster::state state;
    log_index index;
    std::vector<consensus::entry> log;
    consensus::entry last;
    cluster::applied last_outcome;
};

}  // namespace mainstay::small
