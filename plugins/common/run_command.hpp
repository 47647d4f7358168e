// Runs a program with a deadline and keeps the end of what it prints. Blocks the calling thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace mainstay::kit {

struct command {
    std::vector<std::string> argv;                                   // argv[0] is a path; see shell_command
    std::vector<std::pair<std::string, std::string>> environment{};  // added to our own
    std::string input{};                                             // written to its standard input
    std::chrono::milliseconds timeout{};                             // then it and its process group are killed
    bool dies_with_us = true;  // killed by the kernel when the calling thread ends
    std::size_t keep = 4096;   // bytes of its output, the last ones
};

struct command_end {
    enum class how { exited, signalled, timed_out, not_started } what = how::not_started;
    int code = 0;        // exit code, signal or errno
    std::string output;  // the last of standard output and error together

    [[nodiscard]] bool exited_with(int wanted) const { return what == how::exited && code == wanted; }
    // "exit code 1: last line of output", "killed by signal 9", "no end after ..."
    [[nodiscard]] std::string text() const;
};

// Waits for the program itself, not for what it left running in the background.
[[nodiscard]] command_end run_command(const command& what);

// /bin/sh -c LINE
[[nodiscard]] std::vector<std::string> shell_command(std::string line);

}  // namespace mainstay::kit
