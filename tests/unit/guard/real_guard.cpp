#include "real_guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "guard/keeper.hpp"
#include "guard/launch.hpp"
#include "guard/package_groups.hpp"
#include "guard/process_tree.hpp"
#include "guard/record.hpp"
#include "model/text.hpp"

namespace mainstay::guard::testing {

namespace {

bool wait_readable(int fd) {
    pollfd one{fd, POLLIN, 0};
    auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
    return ::poll(&one, 1, static_cast<int>(milliseconds)) == 1;
}

}  // namespace

real_guard::real_guard(std::vector<std::string> options) : options_(std::move(options)) {
    char name[] = "/tmp/mainstay-guard-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    directory_ = name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    auto socket_path = path("test.sock");
    REQUIRE(socket_path.size() < sizeof address.sun_path);
    socket_path.copy(address.sun_path, socket_path.size());
    listener_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 8) == 0);

    start();
}

void real_guard::start() {
    daemon_.reset();
    auto words = command_line();
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        int log = ::open(path("guard.out").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
        ::dup2(log, 2);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
}

std::vector<std::string> real_guard::command_line() const {
    std::vector<std::string> words{MAINSTAY_GUARD, "--foreground", "--daemon",  MAINSTAY_FAKE_DAEMON,
                                   "--run-dir",    directory_,     "--log-dir", directory_,
                                   "--node",       "testnode"};
    words.insert(words.end(), options_.begin(), options_.end());
    return words;
}

real_guard::~real_guard() {
    if (pid_ > 0) {
        // Asked twice it kills what it has and ends.
        ::kill(pid_, SIGTERM);
        ::kill(pid_, SIGINT);
        wait_for_end();
    }
    // What it has left to a keeper is nobody's now.
    auto kept = take_over(directory_, [](const std::string& path) { return std::make_shared<log_file>(path); });
    auto record = read_record(directory_);
    auto identity = kept && *kept ? (*kept)->identity : record ? record->identity : std::string();
    if (!identity.empty()) {
        (void)end_leftovers(identity);
        package_groups groups;
        groups.open(identity);
        groups.tidy();
    }
    std::filesystem::remove_all(directory_);
}

std::string real_guard::accept_daemon() {
    REQUIRE(wait_readable(listener_.get()));
    unique_fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(socket);
    REQUIRE(wait_readable(socket.get()));
    char buffer[4096];
    auto size = ::recv(socket.get(), buffer, sizeof buffer, 0);
    REQUIRE(size > 5);
    daemon_.emplace(std::move(socket));
    return std::string(buffer, static_cast<std::size_t>(size)).substr(5);
}

guard_hello real_guard::connect() {
    accept_daemon();
    send(daemon_hello{});
    return expect<guard_hello>();
}

void real_guard::send(const to_guard& message) { daemon_->send(message); }

void real_guard::send_raw(const std::string& data) {
    REQUIRE(::send(daemon_->fd(), data.data(), data.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(data.size()));
}

void real_guard::crash_daemon() {
    send_raw(
        "\xff"
        "9");
}

real_guard::channel::arrived real_guard::next() {
    channel::arrived arrived;
    while (true) {
        if (daemon_->receive(arrived)) return arrived;
        REQUIRE_FALSE(daemon_->closed());
        REQUIRE(wait_readable(daemon_->fd()));
    }
}

void real_guard::unexpected(const from_guard& message) {
    FAIL("unexpected message: " << to_text(message));
    throw std::logic_error("not reached");
}

request_id real_guard::run(const std::string& command, start_process base) {
    base.request = request_id{++last_request_};
    base.argv = {"/bin/sh", "-c", command};
    if (base.label.empty()) base.label = "test";
    send(base);
    CHECK(expect<started>().request == base.request);
    return base.request;
}

void real_guard::kill() {
    ::kill(pid_, SIGKILL);
    wait_for_end();
}

int real_guard::wait_for_end() {
    // A hang here is ended by the limit of the test run.
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

line_pipe::line_pipe(std::string path) : path_(std::move(path)) {
    REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
    // Both ends ours, so that neither opening nor a missing writer matters.
    fd_.reset(::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
    REQUIRE(fd_);
}

std::string line_pipe::read_line() {
    std::string out;
    while (out.empty() || out.back() != '\n') {
        REQUIRE(wait_readable(fd_.get()));
        char c = 0;
        if (::read(fd_.get(), &c, 1) == 1) out += c;
    }
    out.pop_back();
    return out;
}

bool line_pipe::is_empty() {
    pollfd one{fd_.get(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 0;
}

bool is_alive(pid_t pid) {
    for (const auto& process : snapshot_processes(false)) {
        if (process.pid == pid) return !process.zombie;
    }
    return false;
}

bool is_dead_soon(pid_t pid) {
    unique_fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    return !handle || wait_readable(handle.get());
}

time_point boot_now() { return time_point{duration{boot_time_us()}}; }

}  // namespace mainstay::guard::testing
