// mainstay-sim: runs seeds of the simulator on all cores; a failing one prints the command that
// replays it as a readable story.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "sim/minimise.hpp"
#include "sim/seed.hpp"

namespace {

using namespace mainstay;

struct options {
    std::uint64_t seeds = 100;
    std::uint64_t from = 1;
    std::uint64_t fresh = 0;  // so many more, of new numbers
    double hours = 0;         // instead of a number of seeds
    bool json = false;
    bool verbose = false;
    sim::run_plan replay;  // when its seed is not 0
};

int usage() {
    fmt::print(stderr,
               "usage: mainstay-sim [--seeds N] [--from S] [--fresh M] [--hours H] [--json] [--verbose]\n"
               "       mainstay-sim --replay SEED [--nodes N] [--without 1,2,5-9] [--calm KIND,KIND] [--storm N ms]\n");
    return 2;
}

bool add_ranges(const std::string& text, std::set<std::uint64_t>& out) {
    for (std::size_t at = 0; at < text.size();) {
        char* end = nullptr;
        auto first = std::strtoull(text.c_str() + at, &end, 10);
        auto last = *end == '-' ? std::strtoull(end + 1, &end, 10) : first;
        if (first == 0 || last < first || last > 10'000 || (*end != ',' && *end != '\0')) return false;
        for (auto i = first; i <= last; ++i) out.insert(i);
        at = static_cast<std::size_t>(end - text.c_str()) + 1;
    }
    return true;
}

bool add_kinds(const std::string& text, std::set<std::string>& out) {
    for (std::size_t at = 0; at < text.size();) {
        auto end = std::min(text.find(',', at), text.size());
        auto kind = text.substr(at, end - at);
        if (!sim::weather_kinds().contains(kind)) return false;
        out.insert(kind);
        at = end + 1;
    }
    return true;
}

bool take_number(const std::string& word, const std::string& value, options& out) {
    char* end = nullptr;
    auto number = std::strtoull(value.c_str(), &end, 10);
    if (word == "--hours") {
        out.hours = std::strtod(value.c_str(), &end);
    } else if (word == "--seeds") {
        out.seeds = number;
    } else if (word == "--from") {
        out.from = number;
    } else if (word == "--fresh") {
        out.fresh = number;
    } else if (word == "--replay") {
        out.replay.seed = number;
    } else if (word == "--nodes") {
        out.replay.nodes = number;
    } else if (word == "--storm") {
        out.replay.storm = std::chrono::milliseconds(number);
        if (std::string(end) == "ms") end += 2;
    } else {
        return false;
    }
    return !value.empty() && *end == '\0';
}

bool parse(int argc, char** argv, options& out) {
    for (int i = 1; i < argc; ++i) {
        std::string word = argv[i];
        if (word == "--json" || word == "--verbose") {
            (word == "--json" ? out.json : out.verbose) = true;
            continue;
        }
        if (++i == argc) return false;
        std::string value = argv[i];
        bool taken = word == "--without" ? add_ranges(value, out.replay.without)
                     : word == "--calm"  ? add_kinds(value, out.replay.calm)
                                         : take_number(word, value, out);
        if (!taken) return false;
    }
    return true;
}

// What all seeds of a run add up to.
class batch {
public:
    explicit batch(options chosen) : chosen_(chosen) {
        add_kept();
        for (std::uint64_t i = 0; i < chosen_.seeds; ++i) seeds_.push_back(chosen_.from + i);
        std::random_device device;
        auto first = (static_cast<std::uint64_t>(device()) << 16) + 1'000'000'000ULL;
        for (std::uint64_t i = 0; i < chosen_.fresh; ++i) seeds_.push_back(first + i);
        if (chosen_.fresh > 0) fmt::print("fresh seeds {} .. {}\n", first, first + chosen_.fresh - 1);
    }

    int run() {
        auto begin = std::chrono::steady_clock::now();
        auto deadline = begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                    std::chrono::duration<double, std::ratio<3600>>(chosen_.hours));
        std::vector<std::thread> workers;
        for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
            workers.emplace_back([&] {
                for (auto at = next_++;
                     chosen_.hours > 0 ? std::chrono::steady_clock::now() < deadline : at < seeds_.size(); at = next_++)
                    take(sim::run({at < seeds_.size() ? seeds_[at] : chosen_.from + at, 0, {}, {}}));
            });
        for (auto& worker : workers) worker.join();
        std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
        return report(passed.count());
    }

private:
    void add_kept() {
        std::ifstream in(MAINSTAY_KEPT_SEEDS);
        for (std::string line; std::getline(in, line);) {
            auto seed = std::strtoull(line.c_str(), nullptr, 10);
            if (seed != 0) seeds_.push_back(seed);
        }
    }

    void take(const sim::seed_result& result) {
        // The first ones that fail are made as short as they can be, while the others run on.
        constexpr std::uint64_t minimised_max = 4;
        sim::shorter story;
        if (!result.violation.empty() && failures_++ < minimised_max)
            story = sim::minimise({result.seed, 0, {}, {}}, result);
        std::lock_guard lock(mutex_);
        ++done_;
        seconds_ += result.simulated_seconds;
        steps_ += result.steps;
        faults_ += result.faults;
        for (const auto& [name, count] : result.happened) counts_[name] += count;
        if (result.violation.empty()) {
            if (chosen_.verbose)
                fmt::print("seed {}  ok  {} nodes  {} packages  {:.0f} s  {} faults\n", result.seed, result.nodes,
                           result.packages, result.simulated_seconds, result.faults);
            return;
        }
        ++failed_;
        fmt::print("seed {}  FAILED  {} nodes  at {:.3f} s: {}\n  replay: ./dev sim --replay {}\n", result.seed,
                   result.nodes, result.simulated_seconds, result.violation, result.seed);
        auto left_out = std::count_if(story.plan.without.begin(), story.plan.without.end(),
                                      [](auto number) { return number <= sim::run_plan::beside; });
        if (story.runs > 0)
            fmt::print("  shorter: {} of {} faults, {} nodes, {:.3f} s: {}\n  replay: ./dev sim --replay {}\n",
                       story.result.faults -
                           std::min<std::uint64_t>(static_cast<std::uint64_t>(left_out), story.result.faults),
                       result.faults, story.result.nodes, story.result.simulated_seconds, story.result.violation,
                       story.plan.options());
        std::fflush(stdout);
    }

    int report(double wall) {
        std::vector<std::string> missing;
        // A small batch can't have seen everything.
        constexpr std::uint64_t coverage_from = 500;
        if (done_ >= coverage_from)
            for (const auto& name : sim::expected_counts())
                if (counts_[name] == 0) missing.push_back(name);
        for (const auto& name : missing) fmt::print("never happened: {}\n", name);
        if (chosen_.json) {
            std::string counts;
            for (const auto& [name, count] : counts_)
                counts += fmt::format("{}\"{}\":{}", counts.empty() ? "" : ",", name, count);
            fmt::print(
                "{{\"seeds\":{},\"failed\":{},\"cluster_seconds\":{:.0f},\"wall_seconds\":{:.2f},\"steps\":{},"
                "\"faults\":{},\"counts\":{{{}}}}}\n",
                done_, failed_, seconds_, wall, steps_, faults_, counts);
        } else {
            std::string kinds;
            for (const auto& [name, count] : counts_) kinds += fmt::format(" {} {}", name, count);
            if (chosen_.verbose || chosen_.hours > 0) fmt::print("counted:{}\n", kinds);
            fmt::print("{:.1f} cluster-hours ({:.4f} years) in {:.1f} s ({:.0f} x real time), {} steps, {} faults\n",
                       seconds_ / 3600, seconds_ / 3600 / 24 / 365.25, wall, seconds_ / wall, steps_, faults_);
        }
        fmt::print("seeds: {} passed, {} failed\n", done_ - failed_, failed_ + missing.size());
        return failed_ == 0 && missing.empty() ? 0 : 1;
    }

    options chosen_;
    std::vector<std::uint64_t> seeds_;
    std::atomic<std::size_t> next_{0};
    std::mutex mutex_;
    std::atomic<std::uint64_t> failures_{0};
    std::uint64_t done_ = 0;
    std::uint64_t failed_ = 0;
    double seconds_ = 0;
    std::uint64_t steps_ = 0;
    std::uint64_t faults_ = 0;
    sim::counts counts_;
};

int replay(const sim::run_plan& plan) {
    auto result = sim::run(plan, [](const std::string& line) { fmt::print("{}\n", line); });
    fmt::print("seed {}: {}\n", plan.seed, result.violation.empty() ? "passed" : result.violation);
    return result.violation.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    if (!parse(argc, argv, chosen)) return usage();
    if (chosen.replay.seed != 0) return replay(chosen.replay);
    return batch(chosen).run();
}
