// mainstay-sim-mutations: each deliberate breakage has to be found, by a named story (a transcript) or by so many
// seeds. A simulator that can't find a planted bug finds no other one either.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "model/mutation.hpp"
#include "scenarios/interpreter.hpp"
#include "sim/seed.hpp"

namespace {

using namespace mainstay;

struct finding {
    bool found = false;
    std::string where;  // seed 17, or the name of a transcript
    std::string what;
};

std::string read(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::filesystem::path> transcripts() {
    std::vector<std::filesystem::path> files;
    for (const auto& item : std::filesystem::directory_iterator(MAINSTAY_SCENARIOS))
        if (item.path().extension() == ".txt") files.push_back(item.path());
    std::sort(files.begin(), files.end());
    return files;
}

// Of a transcript: a broken invariant, or else that it goes another way than written.
finding tell(const std::filesystem::path& file) {
    scenarios::interpreter speaker;
    finding seen{false, file.stem().string(), {}};
    for (const auto& item : scenarios::read_script(read(file))) {
        auto happened = speaker.run(item.commands);
        auto broken = happened.find("VIOLATION ");
        if (broken != std::string::npos) {
            auto end = happened.find('\n', broken);
            return {true, seen.where, happened.substr(broken + 10, end - broken - 10)};
        }
        if (happened != item.expected) seen.found = true;
    }
    if (seen.found) seen.what = "goes another way";
    return seen;
}

// The stories first, which cost nothing; one that breaks an invariant says more than one that only differs.
finding by_stories() {
    finding differs;
    for (const auto& file : transcripts()) {
        auto seen = tell(file);
        if (!seen.found) continue;
        if (seen.what != "goes another way") return seen;
        if (!differs.found) differs = seen;
    }
    return differs;
}

// The first seed of 1..limit that shows the breakage, on all cores.
finding by_seeds(mutation what, std::uint64_t limit) {
    finding found;
    std::mutex mutex;
    std::uint64_t first = limit + 1;
    std::atomic<std::uint64_t> next{1};
    std::atomic<bool> done{false};
    auto work = [&] {
        mutate(what);
        for (auto seed = next++; seed <= limit && !done; seed = next++) {
            auto result = sim::run({seed, 0, {}, {}});
            std::lock_guard lock(mutex);
            if (result.violation.empty() || first < seed) continue;
            first = seed;
            found = {true, "seed " + std::to_string(seed), result.violation};
            done = true;
        }
    };
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) workers.emplace_back(work);
    for (auto& worker : workers) worker.join();
    return found;
}

// The stories of the log alone (tests/unit/consensus), in the program beside this one.
finding by_log_tests(mutation what) {
    auto program = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "mainstay-mutated-tests").string();
    auto command = "MAINSTAY_MUTATION=" + std::string(to_string(what)) + " " + program + " -r compact 2>/dev/null";
    auto* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return {};
    std::string text;
    char buffer[4096];
    for (auto got = ::fread(buffer, 1, sizeof buffer, pipe); got > 0; got = ::fread(buffer, 1, sizeof buffer, pipe))
        text.append(buffer, got);
    auto status = ::pclose(pipe);
    if (status == 0 || (WIFEXITED(status) && WEXITSTATUS(status) > 100)) return {};
    auto first = text.substr(0, text.find('\n'));
    auto file = first.rfind('/', first.find(':'));
    return {true, "the log's tests", first.substr(file == std::string::npos ? 0 : file + 1, 100)};
}

finding hunt(mutation what, std::uint64_t limit) {
    mutate(what);
    auto story = by_stories();
    if (story.found && story.what != "goes another way") return story;
    auto log = by_log_tests(what);
    if (log.found) return log;
    auto seed = by_seeds(what, limit);
    return seed.found ? seed : story;
}

// In a process of its own: an assertion of the core that stops it is a finding as well.
finding hunt_apart(mutation what, std::uint64_t limit) {
    int pipe_ends[2];
    if (::pipe(pipe_ends) != 0) return {};
    auto child = ::fork();
    if (child == 0) {
        ::close(pipe_ends[0]);
        auto mine = hunt(what, limit);
        auto text = mine.found ? mine.where + "\n" + mine.what : std::string();
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
    if (WIFSIGNALED(status)) return {true, "its core", "an assertion stopped it"};
    auto line = text.find('\n');
    if (line == std::string::npos) return {};
    return {true, text.substr(0, line), text.substr(line + 1)};
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
    // What a breakage is measured by: without one nothing may be found.
    auto sound = by_stories();
    if (sound.found) {
        fmt::print("without any breakage {}: {}\nmutations: 0 passed, 1 failed\n", sound.where, sound.what);
        return 1;
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
        if (found.found) {
            ++passed;
            fmt::print("found     {:28} {}  ({:.0f} s)  {}\n", name, found.where, passed_time.count(), found.what);
        } else {
            ++failed;
            fmt::print("NOT FOUND {:28} in {} seeds ({:.0f} s)\n", name, limit, passed_time.count());
        }
        std::fflush(stdout);
    }
    fmt::print("mutations: {} passed, {} failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
