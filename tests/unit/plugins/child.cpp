#include "child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "common/run_command.hpp"

namespace mainstay::test {

child::child(std::vector<std::string> argv, const std::function<void()>& before) {
    std::vector<char*> words;
    words.reserve(argv.size() + 1);
    for (auto& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    const auto parent = ::getpid();
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    // What it says is not the test's output; what it complains about is.
    const int silent = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(silent, 1);
    if (before) before();
    ::execvp(words.front(), words.data());
    ::_exit(127);
}

child::~child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
}

child::child(child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
child& child::operator=(child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
}

void child::kill(int signal) const { ::kill(pid_, signal); }

int child::wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

scratch::scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mainstay-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}
scratch::~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

void write_file(const std::string& path, const std::string& text, bool executable) {
    std::ofstream(path, std::ios::trunc) << text;
    if (executable)
        std::filesystem::permissions(path, std::filesystem::perms::owner_all, std::filesystem::perm_options::add);
}

std::string shell(const std::string& line) {
    auto end = kit::run_command({.argv = kit::shell_command(line), .timeout = std::chrono::seconds(60)});
    INFO(line << ": " << end.text());
    REQUIRE(end.exited_with(0));
    return end.output;
}

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        ::poll(nullptr, 0, 5);  // pace: of asking, not of the outcome
    }
    return true;
}

}  // namespace mainstay::test
