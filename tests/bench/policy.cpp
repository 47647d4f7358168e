// How long the leader takes to decide where packages run: clusters of several shapes, with
// dependencies and capacities; everything from nothing; then, by a leader that has decided before, one node lost and
// proven dead, one package failed, and a look at a cluster in which nothing has happened. Prints the median of several
// runs, in milliseconds, and how much memory it takes.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
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

    // One decision from nothing.
    [[nodiscard]] double from_scratch() const {
        return median([this] {
            policy::planner fresh;
            return timed(fresh);
        });
    }
    // One decision of a leader whose last one was about `former`.
    [[nodiscard]] double after(const bench& former) const {
        policy::planner kept;
        return median([&] {
            (void)policy::decide(kept, former.state_, view());
            return timed(kept);
        });
    }
    [[nodiscard]] std::size_t decisions() const { return policy::decide(state_, view()).decisions.size(); }

    // The node's silence, and its power-off: its packages are free to start elsewhere.
    [[nodiscard]] bench with_lost(node_id node) const {
        auto other = *this;
        other.say(cluster::node_lost{node, state_.nodes.at(node).boot, "bench"});
        return other;
    }
    [[nodiscard]] bench with_fenced(node_id node) const {
        auto other = *this;
        cluster::fence_request request;
        request.id = state_.fence_ids + 1;
        request.node = node;
        request.boot = state_.nodes.at(node).boot;
        request.executor = node_id{1};
        request.executor_boot = state_.nodes.at(node_id{1}).boot;
        other.say(request);
        other.say(cluster::fence_result{request.id, cluster::fence_outcome::off_confirmed, "bench", ""});
        return other;
    }
    [[nodiscard]] bench with_failed(const std::string& package) const {
        auto other = *this;
        const auto& item = state_.packages.at(package);
        other.say(cluster::package_report{package, item.generation, item.owner, cluster::report::service_failed, ""});
        return other;
    }

private:
    template <class Run>
    static double median(Run run) {
        constexpr std::size_t runs = 15;
        std::vector<double> taken;
        for (std::size_t i = 0; i < runs; ++i) taken.push_back(run());
        std::sort(taken.begin(), taken.end());
        return taken[runs / 2];
    }
    double timed(policy::planner& with) const {
        auto begin = std::chrono::steady_clock::now();
        auto found = policy::decide(with, state_, view());
        auto end = std::chrono::steady_clock::now();
        return std::chrono::duration<double, std::milli>(end - begin).count();
    }
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
};

// What is on the heap now.
std::size_t heap() { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; }

void measure(const shape& item, bool json, bool first) {
    auto before = heap();
    bench lab(item);
    auto state_bytes = heap() - before;
    auto full = lab.from_scratch();
    auto started = lab.decisions();
    lab.run_all();
    auto idle = lab.after(lab);
    constexpr node_id victim{2};
    auto lost = lab.with_lost(victim);
    auto fenced = lost.with_fenced(victim);
    auto node_lost = lost.after(lab);
    auto node_dead = fenced.after(lost);
    auto moved = fenced.decisions();
    auto one = lab.with_failed("p1").after(lab);
    before = heap();
    policy::planner kept;
    auto made = std::make_unique<policy::plan>(kept.look(lab.state()));
    auto plan_bytes = heap() - before;
    made.reset();
    auto kept_bytes = heap() - before;
    auto each = [&](std::size_t bytes) { return bytes / item.packages; };
    if (json) {
        std::printf(
            "%s{\"nodes\":%u,\"packages\":%u,\"full_ms\":%.3f,\"started\":%zu,\"idle_ms\":%.3f,"
            "\"node_lost_ms\":%.3f,\"node_dead_ms\":%.3f,\"restarted\":%zu,\"package_failed_ms\":%.3f,"
            "\"state_bytes_per_package\":%zu,\"kept_bytes_per_package\":%zu,\"plan_bytes_per_package\":%zu}",
            first ? "" : ",\n", item.nodes, item.packages, full, started, idle, node_lost, node_dead, moved, one,
            each(state_bytes), each(kept_bytes), each(plan_bytes - kept_bytes));
    } else {
        std::printf(
            "%3u nodes %5u packages: from nothing %6.2f ms (%zu started at once); then: nothing happened %5.2f ms, "
            "node lost %5.2f ms, node proven dead %5.2f ms (%zu started), package failed %5.2f ms; "
            "bytes per package: state %zu, kept by the leader %zu, while deciding %zu\n",
            item.nodes, item.packages, full, started, idle, node_lost, node_dead, moved, one, each(state_bytes),
            each(kept_bytes), each(plan_bytes - kept_bytes));
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
