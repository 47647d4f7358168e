// What a child holds open while it can't get any further: a disk that hangs, made here by a
// watcher that has to permit the exec and takes its time.
#include "guard/launch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

using namespace mainstay::guard;

namespace {

std::set<std::string> open_files(pid_t pid) {
    std::set<std::string> numbers;
    for (const auto& item : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
        numbers.insert(item.path().filename());
    return numbers;
}

}  // namespace

TEST_CASE("a child that hangs in its exec holds nothing of the guard's") {
    std::string program = "/tmp/mainstay-launch-XXXXXX";
    unique_fd copy(::mkstemp(program.data()));
    REQUIRE(copy);
    std::filesystem::copy_file("/bin/true", program, std::filesystem::copy_options::overwrite_existing);
    REQUIRE(::fchmod(copy.get(), 0755) == 0);
    copy.reset();
    unique_fd watcher(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC));
    REQUIRE(watcher);
    REQUIRE(::fanotify_mark(watcher.get(), FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, program.c_str()) == 0);

    launch_request request;
    request.argv = {program};
    request.directory = "/";
    auto child = launch(request);
    REQUIRE(child);
    fanotify_event_metadata event{};
    pollfd one{watcher.get(), POLLIN, 0};
    REQUIRE(::poll(&one, 1, 60'000) == 1);
    REQUIRE(::read(watcher.get(), &event, sizeof event) == sizeof event);
    unique_fd file(event.fd);

    // Its standard ones, and the end that tells that the exec failed.
    CHECK(open_files(child->pid) == std::set<std::string>{"0", "1", "2", "4"});

    fanotify_response answer{event.fd, FAN_ALLOW};
    REQUIRE(::write(watcher.get(), &answer, sizeof answer) == sizeof answer);
    CHECK(::waitpid(child->pid, nullptr, 0) == child->pid);
    std::filesystem::remove(program);
}
