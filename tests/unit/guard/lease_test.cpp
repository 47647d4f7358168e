// What the guard does when the lease ends (D6), with a command in the place of a reset.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "guard/reset.hpp"
#include "real_guard.hpp"

using namespace mainstay;
using namespace mainstay::guard;
using namespace mainstay::guard::testing;

namespace {

// A reset command that tells the test instead.
struct reset_script {
    reset_script() {
        char name[] = "/tmp/mainstay-reset-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        directory = name;
        called.emplace(directory + "/called");
        std::ofstream(path()) << "#!/bin/sh\necho \"$1\" > " << called->path() << '\n';
        ::chmod(path().c_str(), 0755);
    }
    ~reset_script() { std::filesystem::remove_all(directory); }
    [[nodiscard]] std::string path() const { return directory + "/reset"; }
    std::string directory;
    std::optional<line_pipe> called;
};

}  // namespace

TEST_CASE("a lease that ends with packages ends the packages and the node") {
    reset_script reset;
    real_guard g({"--reset-command", reset.path()});
    g.connect();
    line_pipe pids(g.path("pids"));
    start_process package{.package = "web"};
    g.run("setsid sh -c 'echo $$ > " + pids.path() + "; exec sleep 1000' & exit 0", package);
    auto left_behind = static_cast<pid_t>(std::stol(pids.read_line()));
    CHECK(g.expect<exited>().exit_code == 0);
    auto service = g.run("trap '' TERM; while :; do sleep 1000; done", package);
    bool with_daemon = GENERATE(true, false);
    g.send(set_lease{boot_now() + std::chrono::milliseconds(200), true});
    if (!with_daemon) g.crash_daemon();
    CHECK(reset.called->read_line() == "the lease ended and nobody renewed it");
    CHECK(is_dead_soon(left_behind));
    if (with_daemon) {
        CHECK(g.expect<exited>().request == service);
        // Nothing starts any more.
        start_process late{.request = request_id{99}};
        late.argv = {"/bin/true"};
        g.send(late);
        CHECK(g.expect<start_failed>().reason.find("being reset") != std::string::npos);
    }
    // As long as the node lives, it is tried again.
    CHECK(reset.called->read_line() == "the lease ended and nobody renewed it");
}

TEST_CASE("a renewed lease, or one without packages, ends nothing") {
    reset_script reset;
    real_guard g({"--reset-command", reset.path()});
    g.connect();
    g.send(set_lease{boot_now() + std::chrono::milliseconds(200), true});
    SECTION("renewed") { g.send(set_lease{boot_now() + std::chrono::hours(1), true}); }
    SECTION("no packages") { g.send(set_lease{boot_now() + std::chrono::milliseconds(200), false}); }
    g.run("sleep 0.5");
    CHECK(g.expect<exited>().exit_code == 0);
    CHECK(reset.called->is_empty());
    g.send(set_lease{});
}

TEST_CASE("the daemon may ask for the reset") {
    reset_script reset;
    real_guard g({"--reset-command", reset.path()});
    g.connect();
    g.send(reset_node{"service probe failed fast"});
    CHECK(reset.called->read_line() == "mainstayd asked: service probe failed fast");
}

TEST_CASE("a machine that nobody allowed to be reset is not reset; the guard ends its packages and itself") {
    // Only where the refusal protects something: in a container's own namespace reboot(2) is allowed.
    if (!in_initial_pid_namespace()) {
        SUCCEED("not the initial pid namespace");
        return;
    }
    real_guard g;
    g.connect();
    line_pipe pids(g.path("pids"));
    g.run("echo $$ > " + pids.path() + "; exec sleep 1000", {.package = "web"});
    auto service = static_cast<pid_t>(std::stol(pids.read_line()));
    g.send(set_lease{boot_now(), true});
    CHECK(g.wait_for_end() == 1);
    CHECK_FALSE(is_alive(service));
}
