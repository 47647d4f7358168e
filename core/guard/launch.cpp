#include "guard/launch.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cerrno>
#include <cstring>

namespace mainstay::guard {

namespace {

constexpr int given_fd = 3;
constexpr int report_fd = 4;
constexpr int first_free_fd = 16;  // above everything the child puts in place
constexpr const char* default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::vector<std::string> environment_strings(const launch_request& request) {
    std::vector<std::string> out;
    out.reserve(request.environment.size() + 1);
    bool has_path = false;
    for (const auto& [name, value] : request.environment) {
        has_path = has_path || name == "PATH";
        out.emplace_back(name).append(1, '=').append(value);
    }
    if (!has_path) out.push_back(std::string("PATH=") + default_path);
    return out;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> out;
    out.reserve(strings.size() + 1);
    for (const auto& text : strings) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

// The guard is spared when memory runs out; what it starts is not.
void be_ordinary_for_oom() {
    int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!::write(fd, "0", 1);
    ::close(fd);
}

struct child_ends {
    int output;
    int socket;  // or -1
    int exec_error;
};

// Where it can't be, it runs all the same: its mark tells whose it is.
void join_group(const std::string& group) {
    if (group.empty()) return;
    int fd = ::open(group.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!::write(fd, "0", 1);
    ::close(fd);
}

[[noreturn]] void run_child(const child_ends& ends, const launch_request& request, char* const* argv,
                            char* const* environment) {
    auto give_up = [](int report) {
        int code = errno;
        (void)!::write(report, &code, sizeof code);
        ::_exit(127);
    };
    // Out of the way of 0 to 3 first: any of these may have such a number now.
    int report = ::fcntl(ends.exec_error, F_DUPFD_CLOEXEC, first_free_fd);
    int output = ::fcntl(ends.output, F_DUPFD_CLOEXEC, first_free_fd);
    int socket = ends.socket < 0 ? -1 : ::fcntl(ends.socket, F_DUPFD_CLOEXEC, first_free_fd);
    if (report < 0) ::_exit(127);
    int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || output < 0 || ::setsid() < 0) give_up(report);
    if (::dup2(null, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) give_up(report);
    if (socket >= 0 && ::dup2(socket, given_fd) < 0) give_up(report);
    // All else closes now, not at exec: a program on a disk that hangs keeps this process from getting there, and
    // with it the guard's own ends (its daemon's channel, the watchdog) would stay open after the guard's death.
    if (::dup3(report, report_fd, O_CLOEXEC) < 0) give_up(report);
    (void)::syscall(SYS_close_range, report_fd + 1, ~0U, 0);
    if (socket < 0) ::close(given_fd);

    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    ::umask(022);
    be_ordinary_for_oom();
    join_group(request.group);
    if (::chdir(request.directory.c_str()) != 0) give_up(report_fd);
    ::execvpe(argv[0], argv, environment);
    give_up(report_fd);
    ::_exit(127);
}

}  // namespace

result<launched> launch(const launch_request& request) {
    if (request.argv.empty() || request.argv.front().empty()) return fail("no command was given");
    for (const auto& word : request.argv) {
        if (word.find('\0') != std::string::npos) return fail("the command holds a zero byte");
    }
    int output[2] = {-1, -1};
    int error_pipe[2] = {-1, -1};
    int sockets[2] = {-1, -1};
    bool ready = ::pipe2(output, O_CLOEXEC) == 0 && ::pipe2(error_pipe, O_CLOEXEC) == 0 &&
                 (!request.wants_socket || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
    unique_fd output_read(output[0]);
    unique_fd output_write(output[1]);
    unique_fd error_read(error_pipe[0]);
    unique_fd error_write(error_pipe[1]);
    unique_fd ours(sockets[0]);
    unique_fd theirs(sockets[1]);
    if (ready && request.discard_output) {
        output_write = unique_fd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
        ready = static_cast<bool>(output_write);
    }
    if (!ready) return fail(std::string("no pipe or socket: ") + std::strerror(errno));

    auto environment = environment_strings(request);
    auto argv_pointers = pointers(request.argv);
    auto environment_pointers = pointers(environment);
    int given = request.give >= 0 ? request.give : theirs.get();
    pid_t pid = ::fork();
    if (pid < 0) return fail(std::string("no new process: ") + std::strerror(errno));
    if (pid == 0) {
        run_child({output_write.get(), given, error_write.get()}, request, argv_pointers.data(),
                  environment_pointers.data());
    }
    // Safe although the child may be gone already: nobody else collects it.
    unique_fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!handle) {
        int code = errno;
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return fail(std::string("pidfd_open: ") + std::strerror(code));
    }
    for (int fd : {output_read.get(), error_read.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    return launched{pid, std::move(handle), std::move(error_read), std::move(output_read), std::move(ours)};
}

std::int64_t boot_time_us() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

}  // namespace mainstay::guard
