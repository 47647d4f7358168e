// mainstay-sim: runs seeds of the simulator on all cores; a failing one prints the command that
// replays it as a readable story.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "sim/seed.hpp"

namespace {

using namespace mainstay;

struct options {
    std::uint64_t seeds = 100;
    std::uint64_t from = 1;
    std::uint64_t fresh = 0;  // so many more, of new numbers
    std::uint64_t replay = 0;
    double hours = 0;  // instead of a number of seeds
    bool json = false;
    bool verbose = false;
};

int usage() {
    fmt::print(stderr,
               "usage: mainstay-sim [--seeds N] [--from S] [--fresh M] [--hours H] [--json] [--verbose]\n"
               "       mainstay-sim --replay SEED\n");
    return 2;
}

bool parse(int argc, char** argv, options& out) {
    for (int i = 1; i < argc; ++i) {
        std::string word = argv[i];
        if (word == "--json") {
            out.json = true;
        } else if (word == "--verbose") {
            out.verbose = true;
        } else if (i + 1 < argc) {
            char* end = nullptr;
            std::string value = argv[++i];
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
                out.replay = number;
            } else {
                return false;
            }
            if (value.empty() || *end != '\0') return false;
        } else {
            return false;
        }
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
                    take(sim::run_seed(at < seeds_.size() ? seeds_[at] : chosen_.from + at));
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
            fmt::print("{:.1f} cluster-hours in {:.1f} s ({:.0f} x real time), {} steps, {} scheduled faults\n",
                       seconds_ / 3600, wall, seconds_ / wall, steps_, faults_);
        }
        fmt::print("seeds: {} passed, {} failed\n", done_ - failed_, failed_ + missing.size());
        return failed_ == 0 && missing.empty() ? 0 : 1;
    }

    options chosen_;
    std::vector<std::uint64_t> seeds_;
    std::atomic<std::size_t> next_{0};
    std::mutex mutex_;
    std::uint64_t done_ = 0;
    std::uint64_t failed_ = 0;
    double seconds_ = 0;
    std::uint64_t steps_ = 0;
    std::uint64_t faults_ = 0;
    sim::counts counts_;
};

int replay(std::uint64_t seed) {
    auto result = sim::run_seed(seed, [](const std::string& line) { fmt::print("{}\n", line); });
    fmt::print("seed {}: {}\n", seed, result.violation.empty() ? "passed" : result.violation);
    return result.violation.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    if (!parse(argc, argv, chosen)) return usage();
    if (chosen.replay != 0) return replay(chosen.replay);
    return batch(chosen).run();
}
