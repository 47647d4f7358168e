#include "sim/minimise.hpp"

#include <algorithm>
#include <vector>

namespace mainstay::sim {

namespace {

// "invariant 1: p1 is active ..." and the like: names may differ, the rule may not.
std::string rule_of(const std::string& violation) { return violation.substr(0, violation.find(':')); }

class search {
public:
    search(run_plan plan, const seed_result& found, unsigned runs_max)
        : best_{std::move(plan), found, 0}, rule_(rule_of(found.violation)), runs_max_(runs_max) {}

    shorter run() {
        shorten();
        drop_faults();
        drop_weather();
        drop_nodes();
        drop_faults();
        shorten();
        return best_;
    }

private:
    bool try_out(const run_plan& plan) {
        if (best_.runs >= runs_max_) return false;
        ++best_.runs;
        auto result = sim::run(plan);
        if (rule_of(result.violation) != rule_) return false;
        best_.plan = plan;
        best_.result = std::move(result);
        return true;
    }

    // What comes after the last fault is only waiting.
    void shorten() {
        auto plan = best_.plan;
        plan.storm = std::min(plan.storm, best_.result.last_fault + duration{1'000'000});
        if (plan.storm < best_.plan.storm) try_out(plan);
    }

    // Halves, then quarters, down to single ones.
    void drop_faults() {
        auto rest = remaining();
        for (auto size = rest.size(); size > 0; size /= 2) {
            for (std::size_t from = 0; from < rest.size();) {
                auto plan = best_.plan;
                auto to = std::min(from + size, rest.size());
                plan.without.insert(rest.begin() + static_cast<std::ptrdiff_t>(from),
                                    rest.begin() + static_cast<std::ptrdiff_t>(to));
                if (try_out(plan)) {
                    rest = remaining();
                } else {
                    from = to;
                }
            }
        }
    }

    [[nodiscard]] std::vector<std::uint64_t> remaining() const {
        std::vector<std::uint64_t> list;
        for (auto first : {std::uint64_t{1}, run_plan::beside + 1, run_plan::placing + 1, run_plan::apart + 1,
                           run_plan::storing + 1})
            for (auto i = first; i < first + best_.result.faults; ++i)
                if (!best_.plan.without.contains(i)) list.push_back(i);
        for (std::uint64_t node = 1; node <= best_.result.nodes && best_.result.happened.contains("fault_upgrade");
             ++node)
            if (!best_.plan.without.contains(run_plan::older + node)) list.push_back(run_plan::older + node);
        return list;
    }

    void drop_weather() {
        for (const auto& kind : weather_kinds()) {
            auto plan = best_.plan;
            if (plan.calm.insert(kind).second) try_out(plan);
        }
    }

    void drop_nodes() {
        for (std::size_t nodes = 1; nodes < best_.result.nodes; ++nodes) {
            auto plan = best_.plan;
            plan.nodes = nodes;
            if (try_out(plan)) return;
        }
    }

    shorter best_;
    std::string rule_;
    unsigned runs_max_;
};

}  // namespace

shorter minimise(run_plan plan, const seed_result& found, unsigned runs_max) {
    return search(std::move(plan), found, runs_max).run();
}

}  // namespace mainstay::sim
