// Processes under the real guard.
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "guard/log_file.hpp"
#include "real_guard.hpp"

using namespace mainstay;
using namespace mainstay::guard;
using namespace mainstay::guard::testing;

TEST_CASE("a process runs with its environment and directory, and its end is told") {
    real_guard g;
    CHECK(g.connect().living.empty());
    start_process base{.package = "web"};
    base.environment = {{"SG_PACKAGE", "web"}};
    base.directory = "/usr";
    auto request = g.run("echo $SG_PACKAGE $PWD ${HOME-none} ${MAINSTAY_PROCESS#*/}; ls /proc/self/fd; exit 3", base);
    auto end = g.expect<exited>();
    CHECK(end.request == request);
    CHECK(end.exit_code == 3);
    CHECK(end.signal == 0);
    CHECK_FALSE(end.timed_out);
    // 3 is the directory ls reads: nothing of the guard's is open in it.
    CHECK(end.tail == "web /usr none web/1\n0\n1\n2\n3\n");
    std::ifstream log(g.path("test.log"));
    std::string line;
    std::getline(log, line);
    CHECK(line == "web /usr none web/1");
}

TEST_CASE("a signal is told as a signal") {
    real_guard g;
    g.connect();
    g.run("kill -USR1 $$");
    CHECK(g.expect<exited>().signal == SIGUSR1);
}

TEST_CASE("what cannot be started is said, with the reason") {
    real_guard g;
    g.connect();
    start_process missing{.request = request_id{77}, .label = "run_script"};
    missing.argv = {"/no/such/script", "start"};
    g.send(missing);
    auto failed = g.expect<start_failed>();
    CHECK(failed.request == request_id{77});
    CHECK(failed.reason == "/no/such/script: No such file or directory");
    missing.argv = {"/etc/passwd"};
    g.send(missing);
    CHECK(g.expect<start_failed>().reason == "/etc/passwd: Permission denied");
    missing.argv = {"/bin/true"};
    missing.directory = "/no/such";
    g.send(missing);
    CHECK(g.expect<start_failed>().reason.find("No such file") != std::string::npos);
    missing.argv = {};
    g.send(missing);
    CHECK(g.expect<start_failed>().reason == "no command was given");
}

TEST_CASE("a script that never ends is ended at its timeout, with everything it started") {
    real_guard g;
    g.connect();
    line_pipe pids(g.path("pids"));
    start_process base;
    base.timeout = duration{300'000};
    base.grace = duration{100'000};
    // One child ignores SIGTERM, one leaves session and parent, one leaves even its environment.
    g.run(
        "trap '' TERM\n"
        "(setsid sh -c 'trap \"\" TERM; echo $$ > " +
            pids.path() +
            "; while :; do sleep 1000; done' &)\n"
            "setsid env -i sh -c 'echo $$ > " +
            pids.path() +
            "; while :; do sleep 1000; done' &\n"
            "while :; do sleep 1000; done",
        base);
    auto first = static_cast<pid_t>(std::stol(pids.read_line()));
    auto second = static_cast<pid_t>(std::stol(pids.read_line()));
    auto end = g.expect<exited>();
    CHECK(end.timed_out);
    CHECK(end.signal == SIGKILL);
    CHECK_FALSE(is_alive(first));
    CHECK_FALSE(is_alive(second));
}

TEST_CASE("SIGTERM first, and what obeys is not killed") {
    real_guard g;
    g.connect();
    line_pipe ready(g.path("ready"));
    auto request = g.run("trap 'exit 5' TERM; echo up > " + ready.path() + "; while :; do sleep 0.1; done");
    CHECK(ready.read_line() == "up");
    g.send(kill_process{request, duration{60'000'000}});
    CHECK(g.expect<exited>().exit_code == 5);
    // Of a process that is gone, nothing comes.
    g.send(kill_process{request, duration{0}});
    g.run("true");
    CHECK(g.expect<exited>().exit_code == 0);
}

TEST_CASE("100 MB of output fill no disk and stop nobody") {
    real_guard g;
    g.connect();
    auto request = g.run("head -c 100000000 /dev/zero | tr '\\0' x; echo; echo the end");
    auto end = g.expect<exited>();
    CHECK(end.request == request);
    CHECK(end.exit_code == 0);
    CHECK(end.tail == "the end\n");
    auto size = std::filesystem::file_size(g.path("test.log")) + std::filesystem::file_size(g.path("test.log.1"));
    CHECK(size <= 2 * log_file::bytes_max_default);
}

TEST_CASE("a script may leave a server behind, a service may not") {
    real_guard g;
    g.connect();
    line_pipe pids(g.path("pids"));
    line_pipe up(g.path("up"));
    auto server = "setsid sh -c 'echo $$ > " + pids.path() + "; echo up > " + up.path() +
                  "; exec sleep 1000' & read x < " + up.path() + "; exit 0";
    start_process script{.label = "run_script"};
    g.run(server, script);
    auto left = static_cast<pid_t>(std::stol(pids.read_line()));
    CHECK(g.expect<exited>().exit_code == 0);
    CHECK(is_alive(left));
    ::kill(left, SIGKILL);

    start_process service{.label = "service:probe"};
    service.ends_whole = true;
    g.run(server, service);
    auto gone = static_cast<pid_t>(std::stol(pids.read_line()));
    CHECK(g.expect<exited>().exit_code == 0);
    CHECK_FALSE(is_alive(gone));
}

namespace {

// A plugin host in the middle of its second call: `server` is what the first has left behind, `script`
// is under way, `helper` belongs to it although it has left its session and its parent.
struct busy_host {
    pid_t server = 0;
    pid_t script = 0;
    pid_t helper = 0;
    unique_fd socket;

    busy_host(real_guard& g, request_id request) {
        line_pipe pids(g.path("pids"));
        start_process host{.request = request, .label = "plugin:strip"};
        auto tell = " & echo $! > " + pids.path();
        host.argv = {"/bin/sh", "-c",
                     "MAINSTAY_CALL=1 sh -c 'setsid sleep 1000" + tell +
                         "'; MAINSTAY_CALL=2 sh -c '(setsid sleep 1000" + tell + "); sleep 1000" + tell +
                         "; wait' & exec cat <&3 >&3"};
        host.wants_socket = true;
        g.send(host);
        g.expect<started>(&socket);
        server = static_cast<pid_t>(std::stol(pids.read_line()));
        helper = static_cast<pid_t>(std::stol(pids.read_line()));
        script = static_cast<pid_t>(std::stol(pids.read_line()));
    }
};

}  // namespace

TEST_CASE("a plugin host gets a socket, and ends with its call under way, without the servers of earlier ones") {
    real_guard g;
    g.connect();
    busy_host host(g, request_id{50});
    REQUIRE(host.socket);
    REQUIRE(::write(host.socket.get(), "ping", 4) == 4);
    char buffer[16] = {};
    REQUIRE(::read(host.socket.get(), buffer, sizeof buffer) == 4);
    CHECK(std::string(buffer) == "ping");
    g.send(kill_process{request_id{50}, duration{0}, false});
    CHECK(g.expect<exited>().request == request_id{50});
    CHECK_FALSE(is_alive(host.script));
    CHECK_FALSE(is_alive(host.helper));
    CHECK(is_alive(host.server));
    ::kill(host.server, SIGKILL);
}

TEST_CASE("when a plugin host has died by itself, what its call has started is ended by the call's number") {
    real_guard g;
    g.connect();
    busy_host host(g, request_id{60});
    host.socket.reset();
    CHECK(g.expect<exited>().request == request_id{60});
    CHECK(is_alive(host.script));
    g.send(end_call{request_id{2}});
    CHECK(g.expect<call_ended>().call == request_id{2});
    CHECK_FALSE(is_alive(host.script));
    CHECK_FALSE(is_alive(host.helper));
    CHECK(is_alive(host.server));
    ::kill(host.server, SIGKILL);
    g.send(end_call{request_id{3}});  // of a call that started nothing
    CHECK(g.expect<call_ended>().call == request_id{3});
}
