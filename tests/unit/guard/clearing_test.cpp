// A package that is said to be down, under the real guard and by itself.
#include <signal.h>

#include <catch2/catch.hpp>
#include <string>

#include "guard/clearing.hpp"
#include "guard/package_groups.hpp"
#include "real_guard.hpp"

using namespace mainstay;
using namespace mainstay::guard;
using namespace mainstay::guard::testing;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr pid_t nobody = 1 << 29;  // above what the kernel gives away: no signal reaches anybody

// Leaves a server that has its own session, and ends well.
std::string leaves_server(const line_pipe& pids) {
    return "setsid sh -c 'echo $$ > " + pids.path() + "; exec sleep 1000' > /dev/null 2>&1 &";
}

}  // namespace

TEST_CASE("a package of which nothing is left is cleared at once") {
    real_guard g;
    g.connect();
    g.send(clear_package{request_id{70}, "web"});
    auto told = g.expect<package_cleared>();
    CHECK(told.request == request_id{70});
    CHECK(told.ended.empty());
    CHECK(told.living.empty());
}

TEST_CASE("what a package's script has left is ended, another package's is not") {
    real_guard g;
    g.connect();
    line_pipe pids(g.path("pids"));
    start_process web{.label = "run_script", .package = "web"};
    g.run(leaves_server(pids), web);
    auto left = static_cast<pid_t>(std::stol(pids.read_line()));
    CHECK(g.expect<exited>().exit_code == 0);
    start_process other{.label = "run_script", .package = "web2"};
    g.run(leaves_server(pids), other);
    auto others = static_cast<pid_t>(std::stol(pids.read_line()));
    CHECK(g.expect<exited>().exit_code == 0);

    g.send(clear_package{request_id{70}, "web"});
    auto told = g.expect<package_cleared>();
    CHECK(told.ended == std::vector<std::string>{std::to_string(left) + " sleep"});
    CHECK(told.living.empty());
    CHECK_FALSE(is_alive(left));
    CHECK(is_alive(others));
    ::kill(others, SIGKILL);
}

TEST_CASE("a group finds what hides its mark") {
    std::vector<process_info> all{{.pid = 10, .parent = 1, .name = "hidden"},
                                  {.pid = 11, .parent = 10, .name = "child"},
                                  {.pid = 12, .parent = 1, .name = "strange"}};
    CHECK(marked_members_of(all, "g/web/", {10, 99}).size() == 2);
    CHECK(marked_members_of(all, "g/web/", {}).empty());

    const std::string mounts = "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
    CHECK(own_group("9:name=systemd:/\n0::/system.slice/mainstay.service\n", mounts) ==
          "/sys/fs/cgroup/system.slice/mainstay.service");
    CHECK(own_group("0::/\n", mounts) == "/sys/fs/cgroup");
    CHECK(own_group("9:name=systemd:/\n", mounts).empty());
    CHECK(own_group("0::/\n", "proc /proc proc rw 0 0\n").empty());
}

TEST_CASE("a server without mark, session and parent of its package is ended where there are groups") {
    package_groups probe;
    probe.open("probe");
    if (probe.join("web").empty()) return;
    probe.tidy();
    real_guard g;
    g.connect();
    line_pipe pids(g.path("pids"));
    start_process web{.label = "run_script", .package = "web"};
    g.run("(setsid env -i /bin/sh -c 'echo $$ > " + pids.path() + "; exec sleep 1000' > /dev/null 2>&1 &)", web);
    auto left = static_cast<pid_t>(std::stol(pids.read_line()));
    CHECK(g.expect<exited>().exit_code == 0);
    g.send(clear_package{request_id{70}, "web"});
    CHECK(g.expect<package_cleared>().ended == std::vector<std::string>{std::to_string(left) + " sleep"});
    CHECK_FALSE(is_alive(left));
}

TEST_CASE("a line of the daemon's goes into the log of a package, with its date") {
    real_guard g;
    g.connect();
    start_process script{.label = "run_script", .package = "web"};
    script.log_file = g.path("web.log");
    g.send(write_log{g.path("web.log"), "starting package web"});
    g.run("cat " + script.log_file, script);
    auto end = g.expect<exited>();
    CHECK(end.tail.find("  starting package web\n") == std::string("2026-11-30 07:59:23").size());
}

TEST_CASE("whoever leaves by itself in time is not told to, and not told of") {
    clearing item("g", {request_id{7}, "web"}, 0);
    std::vector<process_info> all{{.pid = nobody, .start = 5, .name = "nginx", .mark = "g/web/3"}};
    CHECK_FALSE(item.step(0, all, {}));
    CHECK_FALSE(item.step(second / 2, all, {}));
    CHECK(item.step(second * 3 / 4, {}, {}));
    CHECK(item.result().ended.empty());
    CHECK(item.result().living.empty());
}

TEST_CASE("what does not end by SIGKILL is named") {
    clearing item("g", {request_id{7}, "web"}, 0);
    std::vector<process_info> all{
        {.pid = nobody, .start = 5, .name = "stuck", .mark = "g/web/3"},
        {.pid = nobody + 1, .parent = nobody, .start = 6, .name = "child"},                    // without a mark
        {.pid = nobody + 2, .parent = nobody, .start = 7, .name = "other", .mark = "g/db/4"},  // another package's
        {.pid = nobody + 3, .start = 8, .zombie = true, .name = "dead", .mark = "g/web/3"},
        {.pid = nobody + 4, .start = 9, .name = "elsewhere", .mark = "h/web/3"},  // another guard's
    };
    bool over = false;
    for (std::int64_t now = 0; now <= 30 * second && !over; now += second / 10) over = item.step(now, all, {});
    CHECK(over);
    CHECK(item.result().ended.empty());
    auto stuck = std::to_string(nobody) + " stuck";
    CHECK(item.result().living == std::vector<std::string>{stuck, std::to_string(nobody + 1) + " child"});
}

TEST_CASE("what ends when it is told to is told of") {
    clearing item("g", {request_id{7}, "web"}, 0);
    std::vector<process_info> all{{.pid = nobody, .start = 5, .name = "nginx", .mark = "g/web/3"}};
    for (std::int64_t now = 0; now <= 2 * second; now += second / 10) CHECK_FALSE(item.step(now, all, {}));
    CHECK(item.step(3 * second, {}, {}));
    CHECK(item.result().ended == std::vector<std::string>{std::to_string(nobody) + " nginx"});
    CHECK(item.result().living.empty());
}
