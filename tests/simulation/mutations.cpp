// mainstay-sim-mutations: each deliberate breakage has to be found by the simulator within so many seeds.
// A simulator that can't find a planted bug finds no other one either.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "model/mutation.hpp"
#include "sim/seed.hpp"

namespace {

using namespace mainstay;

struct finding {
    std::uint64_t seed = 0;  // 0 = not found
    std::uint64_t tried = 0;
    bool asserted = false;
    std::string violation;
};

// The first seed of 1..limit that shows the breakage, on all cores.
finding hunt(mutation what, std::uint64_t limit) {
    finding found;
    std::mutex mutex;
    std::atomic<std::uint64_t> next{1};
    std::atomic<bool> done{false};
    auto work = [&] {
        for (auto seed = next++; seed <= limit && !done; seed = next++) {
            mutate(what);
            auto result = sim::run({seed, 0, {}, {}});
            mutate(mutation::none);
            std::lock_guard lock(mutex);
            ++found.tried;
            if (result.violation.empty() || (found.seed != 0 && found.seed < seed)) continue;
            found.seed = seed;
            found.violation = result.violation;
            done = true;
        }
    };
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) workers.emplace_back(work);
    for (auto& worker : workers) worker.join();
    return found;
}

// In a process of its own: an assertion of the core that stops it is a finding as well.
finding hunt_apart(mutation what, std::uint64_t limit) {
    int pipe_ends[2];
    finding found;
    if (::pipe(pipe_ends) != 0) return found;
    auto child = ::fork();
    if (child == 0) {
        ::close(pipe_ends[0]);
        auto mine = hunt(what, limit);
        auto text = std::to_string(mine.seed) + " " + mine.violation;
        static_cast<void>(!::write(pipe_ends[1], text.data(), text.size()));
        ::_exit(0);
    }
    ::close(pipe_ends[1]);
    std::string text;
    char buffer[4096];
    for (auto got = ::read(pipe_ends[0], buffer, sizeof buffer); got > 0;
         got = ::read(pipe_ends[0], buffer, sizeof buffer))
        text.append(buffer, static_cast<std::size_t>(got));
    ::close(pipe_ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        found.asserted = true;
        found.violation = "an assertion of the core";
        return found;
    }
    found.seed = std::strtoull(text.c_str(), nullptr, 10);
    found.violation = text.substr(std::min(text.find(' ') + 1, text.size()));
    return found;
}

int replay(const std::string& name, std::uint64_t seed) {
    for (int i = 1; i < static_cast<int>(mutation::count_); ++i) {
        if (name != to_string(static_cast<mutation>(i))) continue;
        mutate(static_cast<mutation>(i));
        auto result = sim::run({seed, 0, {}, {}}, [](const std::string& line) { fmt::print("{}\n", line); });
        fmt::print("seed {} with {}: {}\n", seed, name, result.violation.empty() ? "passed" : result.violation);
        return result.violation.empty() ? 0 : 1;
    }
    fmt::print(stderr, "there is no mutation {}\n", name);
    return 2;
}

}  // namespace

// mainstay-sim-mutations [--seeds N] [NAME...]   or   --replay NAME SEED
int main(int argc, char** argv) {
    std::uint64_t limit = 400;
    std::vector<std::string> wanted;
    for (int i = 1; i < argc; ++i) {
        std::string word = argv[i];
        if (word == "--replay" && i + 2 < argc) return replay(argv[i + 1], std::strtoull(argv[i + 2], nullptr, 10));
        if (word == "--seeds" && i + 1 < argc) {
            limit = std::strtoull(argv[++i], nullptr, 10);
        } else {
            wanted.push_back(word);
        }
    }
    int passed = 0;
    int failed = 0;
    for (int i = 1; i < static_cast<int>(mutation::count_); ++i) {
        auto what = static_cast<mutation>(i);
        std::string name = to_string(what);
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
        auto begin = std::chrono::steady_clock::now();
        auto found = hunt_apart(what, limit);
        std::chrono::duration<double> passed_time = std::chrono::steady_clock::now() - begin;
        if (found.seed != 0 || found.asserted) {
            ++passed;
            fmt::print("found     {:28} seed {:4}  ({:.0f} s)  {}\n", name, found.seed, passed_time.count(),
                       found.violation);
        } else {
            ++failed;
            fmt::print("NOT FOUND {:28} in {} seeds ({:.0f} s)\n", name, limit, passed_time.count());
        }
        std::fflush(stdout);
    }
    fmt::print("mutations: {} passed, {} failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
