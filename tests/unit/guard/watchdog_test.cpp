// When the guard arms, feeds and lets go of the watchdog (D6); the test plays one on a socket.
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "guard/watchdog.hpp"
#include "real_guard.hpp"

using namespace mainstay;
using namespace mainstay::guard;
using namespace mainstay::guard::testing;

namespace {

constexpr duration wanted{3'000'000};

// Says that it waits `timeout`, whatever it is asked for.
class played_watchdog {
public:
    explicit played_watchdog(const std::string& path) : path_(path) {
        listener_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size());
        REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_.get(), 1) == 0);
    }
    void accept(duration timeout) {
        fd_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        CHECK(next() == "timeout " + std::to_string(wanted.count()));
        auto answer = "timeout " + std::to_string(timeout.count());
        REQUIRE(::send(fd_.get(), answer.data(), answer.size(), MSG_NOSIGNAL) > 0);
    }
    // Empty when the guard closed it.
    std::string next() {
        pollfd ready{fd_.get(), POLLIN, 0};
        auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
        REQUIRE(::poll(&ready, 1, static_cast<int>(patience)) == 1);
        char data[100];
        auto size = ::recv(fd_.get(), data, sizeof data, 0);
        return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
    }
    // What came until now.
    std::size_t drain() {
        char data[100];
        std::size_t count = 0;
        while (::recv(fd_.get(), data, sizeof data, MSG_DONTWAIT) > 0) ++count;
        return count;
    }
    void go_away() { fd_.reset(); }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
    unique_fd listener_;
    unique_fd fd_;
};

struct reset_script {
    explicit reset_script(const std::string& directory) : called(directory + "/called"), path(directory + "/reset") {
        std::ofstream(path) << "#!/bin/sh\necho \"$1\" > " << called.path() << '\n';
        ::chmod(path.c_str(), 0755);
    }
    line_pipe called;
    std::string path;
};

}  // namespace

TEST_CASE("it is armed, read back, fed, and stopped at an orderly end") {
    real_guard g;
    g.connect();
    played_watchdog dog(g.path("watchdog"));
    g.send(arm_watchdog{dog.path(), wanted});
    CHECK(g.expect<watchdog_is>().timeout == duration{0});
    dog.accept(duration{400'000});
    CHECK(g.expect<watchdog_is>().timeout == duration{400'000});
    CHECK(dog.next() == "keepalive");
    // With a package: as long as the lease holds.
    g.send(set_lease{boot_now() + std::chrono::hours(1), true});
    CHECK(dog.next() == "keepalive");
    CHECK(dog.next() == "keepalive");
    // Armed once: another wish is told, and changes nothing.
    g.send(arm_watchdog{dog.path(), wanted * 2});
    auto told = g.expect<watchdog_is>();
    CHECK(told.timeout == duration{400'000});
    CHECK(told.trouble.find("stays armed as it is") != std::string::npos);
    SECTION("a new daemon is told what it is") {
        g.crash_daemon();
        g.connect();
        CHECK(g.expect<watchdog_is>().timeout == duration{400'000});
    }
    SECTION("nothing is left") {
        g.send(set_lease{boot_now(), false});
        g.send(shut_down{});
        g.crash_daemon();
        std::string last;
        for (auto word = dog.next(); !word.empty(); word = dog.next()) last = word;
        CHECK(last == "V");
        CHECK(g.wait_for_end() == 0);
    }
    SECTION("a package may be left") {
        g.send(shut_down{});
        g.crash_daemon();
        for (auto word = dog.next(); !word.empty(); word = dog.next()) CHECK(word == "keepalive");
        CHECK(g.wait_for_end() == 0);
    }
}

TEST_CASE("past the lease it is not fed any more, even where the reset does not work") {
    char name[] = "/tmp/mainstay-watchdog-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    {
        reset_script reset(name);
        real_guard g({"--reset-command", reset.path});
        g.connect();
        played_watchdog dog(g.path("watchdog"));
        g.send(arm_watchdog{dog.path(), wanted});
        CHECK(g.expect<watchdog_is>().timeout == duration{0});
        dog.accept(duration{400'000});
        CHECK(g.expect<watchdog_is>().timeout == duration{400'000});
        g.send(set_lease{boot_now() + std::chrono::milliseconds(200), true});
        CHECK(reset.called.read_line() == "the lease ended and nobody renewed it");
        (void)dog.drain();
        // The reset is tried again a second later; two feeds would have been due.
        CHECK(reset.called.read_line() == "the lease ended and nobody renewed it");
        CHECK(dog.drain() == 0);
    }
    std::filesystem::remove_all(name);
}

TEST_CASE("what can't be armed, or fails later, is told") {
    real_guard g;
    g.connect();
    g.send(arm_watchdog{g.path("nothing"), wanted});
    CHECK(g.expect<watchdog_is>().timeout == duration{0});
    CHECK(g.expect<watchdog_is>().trouble.find("no watchdog") != std::string::npos);
    played_watchdog dog(g.path("watchdog"));
    g.send(arm_watchdog{dog.path(), wanted});
    CHECK(g.expect<watchdog_is>().timeout == duration{0});
    dog.accept(duration{400'000});
    CHECK(g.expect<watchdog_is>().timeout == duration{400'000});
    dog.go_away();
    auto told = g.expect<watchdog_is>();
    CHECK(told.timeout == duration{0});
    CHECK(told.trouble.find("can't be fed") != std::string::npos);
}

TEST_CASE("a plain file is no watchdog") {
    auto made = open_watchdog("/etc/passwd", wanted);
    REQUIRE_FALSE(made);
    CHECK(made.error().message.find("neither a watchdog device nor a socket") != std::string::npos);
}
