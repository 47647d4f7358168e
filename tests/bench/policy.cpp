// How long the leader takes to decide where packages run: clusters of several shapes, with
// dependencies and capacities; everything from nothing, one node lost, one package failed, and a
// look at a cluster in which nothing has happened. Prints the median of several runs, in milliseconds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "cluster/apply.hpp"
#include "policy/decide.hpp"

using namespace mainstay;

namespace {

struct shape {
    std::uint32_t nodes;
    std::uint32_t packages;
};

std::string text_of(const shape& item) {
    std::string text = "cluster_name bench\n";
    for (std::uint32_t i = 1; i <= item.nodes; ++i)
        text += "node_name n" + std::to_string(i) + "\nnetwork_interface eth0\nheartbeat_ip 10.1.0." +
                std::to_string(i) + "/16\ncapacity_name cpu\ncapacity_value " +
                std::to_string(4 * item.packages / item.nodes + 8) + "\n";
    for (std::uint32_t i = 0; i < item.packages; ++i) {
        text += "package_name p" + std::to_string(i) + "\nrun_script /x\nweight_name cpu\nweight_value 2\n";
        for (std::uint32_t turn = 0; turn < std::min(item.nodes, 8U); ++turn)
            text += "node_name n" + std::to_string(1 + (i + turn * 5) % item.nodes) + "\n";
        // Every third needs the one before it on the same node.
        if (i % 3 == 2)
            text += "dependency_name d\ndependency_condition p" + std::to_string(i - 1) +
                    " = UP\ndependency_location same_node\n";
    }
    return text;
}

class bench {
public:
    explicit bench(const shape& item) {
        cluster::found_cluster founding;
        founding.cluster = cluster_id{1};
        founding.first.text = text_of(item);
        for (std::uint32_t i = 1; i <= item.nodes; ++i)
            founding.first.ids.emplace_back("n" + std::to_string(i), node_id{i});
        say(founding);
        for (std::uint32_t i = 1; i <= item.nodes; ++i) boot(node_id{i});
    }

    cluster::state& state() { return state_; }

    void say(cluster::command_body body) {
        cluster::command item;
        item.actor = "bench";
        item.body = std::move(body);
        index_.value += 1;
        cluster::apply(state_, index_, {term{1, node_id{1}}, consensus::payload{encode(item)}});
    }

    // Everything starts and runs.
    void run_all() {
        while (true) {
            auto found = policy::decide(state_, view());
            if (found.decisions.empty()) return;
            for (auto& item : found.decisions) say(item.body);
            for (const auto& [name, item] : state_.packages)
                if (item.phase == cluster::package_phase::starting)
                    say(cluster::package_report{name, item.generation, item.owner, cluster::report::running, ""});
        }
    }

    [[nodiscard]] double milliseconds() const {
        constexpr int runs = 7;
        std::vector<double> taken;
        for (int i = 0; i < runs; ++i) {
            auto begin = std::chrono::steady_clock::now();
            auto found = policy::decide(state_, view());
            auto end = std::chrono::steady_clock::now();
            decisions_ = found.decisions.size();
            taken.push_back(std::chrono::duration<double, std::milli>(end - begin).count());
        }
        std::sort(taken.begin(), taken.end());
        return taken[runs / 2];
    }
    [[nodiscard]] std::size_t decisions() const { return decisions_; }

private:
    static policy::view view() {
        policy::view seen;
        seen.now = time_point{duration{1'000'000}};
        seen.self = node_id{1};
        return seen;
    }
    void boot(node_id node) {
        index_.value += 1;
        consensus::boot_entry item;
        item.node = node;
        item.boot = {1, 1};
        item.store = store_id{node.value};
        cluster::apply(state_, index_, {term{1, node_id{1}}, item});
    }

    cluster::state state_;
    log_index index_;
    mutable std::size_t decisions_ = 0;
};

void measure(const shape& item, bool json, bool first) {
    bench lab(item);
    auto full = lab.milliseconds();
    auto started = lab.decisions();
    lab.run_all();
    auto idle = lab.milliseconds();
    auto lost = lab;
    lost.say(cluster::node_lost{node_id{2}, lost.state().nodes.at(node_id{2}).boot, "bench"});
    auto node = lost.milliseconds();
    auto failed = lab;
    const auto& package = failed.state().packages.at("p1");
    failed.say(cluster::package_report{"p1", package.generation, package.owner, cluster::report::service_failed, ""});
    auto one = failed.milliseconds();
    if (json) {
        std::printf(
            "%s{\"nodes\":%u,\"packages\":%u,\"full_ms\":%.3f,\"started\":%zu,\"idle_ms\":%.3f,"
            "\"node_lost_ms\":%.3f,\"package_failed_ms\":%.3f}",
            first ? "" : ",\n", item.nodes, item.packages, full, started, idle, node, one);
    } else {
        std::printf(
            "%3u nodes %5u packages: full %8.2f ms (%zu started at once)  nothing happened %8.2f ms  "
            "node lost %8.2f ms  package failed %8.2f ms\n",
            item.nodes, item.packages, full, started, idle, node, one);
    }
    std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
    bool json = count > 1 && std::string(arguments[1]) == "--json";
    bool first = true;
    if (json) std::printf("[");
    for (const auto& item : {shape{16, 300}, shape{16, 3'000}, shape{64, 3'000}, shape{64, 4'000}}) {
        measure(item, json, first);
        first = false;
    }
    if (json) std::printf("]\n");
    return 0;
}
