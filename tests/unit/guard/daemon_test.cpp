// The daemon under the real guard: arguments, crashes, the hand-over, the end.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "guard/launch.hpp"
#include "real_guard.hpp"

using namespace mainstay;
using namespace mainstay::guard;
using namespace mainstay::guard::testing;

TEST_CASE("the daemon gets the guard's directories") {
    real_guard g({"--state-dir", "/state", "--config-dir", "/conf", "--plugin-dir", "/plugins"});
    auto arguments = g.accept_daemon();
    CHECK(arguments.find("--config-dir\n/conf\n--state-dir\n/state\n") == 0);
    CHECK(arguments.find("--node\ntestnode\n--guard-fd\n3\n--plugin-dir\n/plugins\n") != std::string::npos);
}

TEST_CASE("processes outlive the daemon and are handed to the next one") {
    real_guard g;
    CHECK(g.connect().daemon_starts == 1);
    line_pipe go(g.path("go"));
    start_process base{.label = "service:web", .package = "web"};
    auto stays = g.run("exec sleep 1000", base);
    auto ends = g.run("read x < " + go.path() + "; exit 7");
    g.send(set_lease{boot_now() + std::chrono::hours(1), true});
    g.crash_daemon();
    std::ofstream(go.path()) << "now\n";
    auto hello = g.connect();
    CHECK(hello.daemon_starts == 2);
    CHECK(hello.lease_end > boot_now() + std::chrono::minutes(50));
    bool found = false;
    for (const auto& living : hello.living) {
        if (living.request != stays) continue;
        found = true;
        CHECK(living.label == "service:web");
        CHECK(living.package == "web");
        CHECK(is_alive(living.pid));
    }
    CHECK(found);
    auto end = g.expect<exited>();
    CHECK(end.request == ends);
    CHECK(end.exit_code == 7);
    // Not acknowledged: told again. Acknowledged: never again.
    g.crash_daemon();
    g.connect();
    CHECK(g.expect<exited>().request == ends);
    g.send(got_exit{ends});
    g.crash_daemon();
    g.connect();
    g.send(set_lease{});
    g.send(kill_process{stays, duration{0}});
    CHECK(g.expect<exited>().request == stays);
}

TEST_CASE("a daemon that goes on dying is started again and again") {
    real_guard g;
    for (std::uint32_t i = 1; i <= 3; ++i) {
        CHECK(g.connect().daemon_starts == i);
        g.crash_daemon();
    }
}

TEST_CASE("a daemon that speaks nonsense or goes deaf is replaced") {
    real_guard g;
    g.connect();
    SECTION("nonsense") { g.send_raw("\x7f nonsense"); }
    SECTION("deaf") { g.send_raw("\xfe"); }
    SECTION("another protocol") { g.send(daemon_hello{protocol_version + 1}); }
    CHECK(g.connect().daemon_starts == 2);
}

TEST_CASE("told to shut down, the guard ends with everything it started") {
    real_guard g;
    g.connect();
    line_pipe pids(g.path("pids"));
    g.run("echo $$ > " + pids.path() + "; exec sleep 1000", {.package = "web"});
    auto left = static_cast<pid_t>(std::stol(pids.read_line()));
    g.send(shut_down{});
    g.crash_daemon();
    CHECK(g.wait_for_end() == 0);
    CHECK_FALSE(is_alive(left));
}

TEST_CASE("a second guard on the same node is refused") {
    real_guard g;
    g.accept_daemon();
    auto second = launch({.argv = g.command_line()});
    REQUIRE(second);
    int status = 0;
    REQUIRE(::waitpid(second->pid, &status, 0) == second->pid);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 1);
}
