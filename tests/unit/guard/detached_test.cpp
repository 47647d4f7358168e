// SG 7.4: what is detached outlives the guard, and the next one takes it over.
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "guard/keeper.hpp"
#include "guard/process_tree.hpp"
#include "real_guard.hpp"

using namespace mainstay;
using namespace mainstay::guard;
using namespace mainstay::guard::testing;

namespace {

// Prints what it is told, so that a broken pipe would end it.
struct detached_service {
    explicit detached_service(real_guard& g) : words(g.path("words")), heard(g.path("heard")) {
        g.connect();
        request = g.run("while read word; do echo said $word && echo $$ > " + heard.path() + "; done < " +
                            words.path() + "; exit 7",
                        {.label = "service:web", .package = "web", .log_file = g.path("web.log"), .ends_whole = true});
        g.send(set_lease{boot_now(), false, true});
        pid = say("first");
    }
    // It has printed the word then.
    pid_t say(const std::string& word) {
        std::ofstream(words.path()) << word << std::endl;
        return static_cast<pid_t>(std::stol(heard.read_line()));
    }
    line_pipe words;  // both ends are ours: it never ends by itself
    line_pipe heard;
    request_id request;
    pid_t pid = 0;
};

void end_guard(real_guard& g) {
    g.send(shut_down{});
    g.crash_daemon();
    REQUIRE(g.wait_for_end() == 0);
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a detached service goes on, and prints, while no guard is there; the next one takes it over") {
    real_guard g;
    detached_service service(g);
    end_guard(g);
    CHECK(is_alive(service.pid));
    CHECK(service.say("second") == service.pid);
    g.start();
    auto hello = g.connect();
    CHECK(hello.detached);
    CHECK(hello.lease_end == time_point::min());
    REQUIRE(hello.living.size() == 1);
    CHECK(hello.living[0].request == service.request);
    CHECK(hello.living[0].label == "service:web");
    CHECK(hello.living[0].package == "web");
    CHECK(hello.living[0].pid == service.pid);
    CHECK(service.say("third") == service.pid);
    CHECK_FALSE(std::filesystem::exists(g.path("keeper.sock")));

    SECTION("its end is told, if not how") {
        ::kill(service.pid, SIGKILL);
        auto ended = g.expect<exited>();
        CHECK(ended.request == service.request);
        CHECK(ended.exit_code == 255);
        CHECK(ended.tail.find("nobody saw how it ended") != std::string::npos);
        CHECK(text_of(g.path("web.log")) == "said first\nsaid second\nsaid third\n");
    }
    SECTION("it is ended like any other") {
        g.send(kill_process{service.request, duration{0}, true});
        CHECK(g.expect<exited>().request == service.request);
        CHECK(is_dead_soon(service.pid));
    }
    SECTION("the lease binds it again") {
        g.send(set_lease{boot_now(), true, false});
        CHECK(is_dead_soon(service.pid));
        CHECK(g.wait_for_end() == 1);
    }
    SECTION("and it may be left to a keeper once more") {
        g.send(set_lease{boot_now(), false, true});
        end_guard(g);
        CHECK(service.say("fourth") == service.pid);
        g.start();
        CHECK(g.connect().living.size() == 1);
        CHECK(service.say("fifth") == service.pid);
    }
}

TEST_CASE("what ended while no guard was there is told when one comes") {
    real_guard g;
    detached_service service(g);
    end_guard(g);
    ::kill(service.pid, SIGKILL);
    REQUIRE(is_dead_soon(service.pid));
    g.start();
    g.connect();
    CHECK(g.expect<exited>().exit_code == 255);
}

TEST_CASE("told to end at once, the guard leaves what is detached alone, and nothing else") {
    real_guard g;
    detached_service service(g);
    line_pipe pids(g.path("pids"));
    g.run("echo $$ > " + pids.path() + "; exec sleep 1000", {.label = "plugin:strip"});
    auto host = static_cast<pid_t>(std::stol(pids.read_line()));
    ::kill(g.pid(), SIGTERM);
    ::kill(g.pid(), SIGINT);
    CHECK(g.wait_for_end() == 0);
    CHECK(is_dead_soon(host));
    CHECK(service.say("on") == service.pid);
    g.start();
    CHECK(g.connect().living.size() == 1);
}

TEST_CASE(
    "a guard or a keeper that is killed: what it had detached is known to the next guard, and nothing runs twice") {
    real_guard g;
    detached_service service(g);
    SECTION("the guard") { g.kill(); }
    SECTION("the keeper") {
        end_guard(g);
        for (const auto& process : snapshot_processes(false)) {
            std::ifstream name("/proc/" + std::to_string(process.pid) + "/comm");
            std::string text;
            bool ours = std::getline(name, text) && text == "mainstay-keeper";
            std::ifstream line("/proc/" + std::to_string(process.pid) + "/cmdline");
            std::string words{std::istreambuf_iterator<char>(line), {}};
            if (ours && words.find(g.path("").substr(0, g.path("").size() - 1)) != std::string::npos)
                ::kill(process.pid, SIGKILL);
        }
    }
    g.start();
    auto hello = g.connect();
    CHECK(hello.detached);
    REQUIRE(hello.living.size() == 1);
    CHECK(hello.living[0].pid == service.pid);
    CHECK(hello.living[0].request == service.request);
    ::kill(service.pid, SIGKILL);
    CHECK(g.expect<exited>().request == service.request);
}

TEST_CASE("what a killed guard left and was not detached ends before the next one starts anything") {
    real_guard g;
    detached_service service(g);
    g.send(set_lease{boot_now() + std::chrono::hours(1), true, false});
    g.run("true");  // it has read the lease
    g.kill();
    CHECK(is_alive(service.pid));
    g.start();
    auto hello = g.connect();
    CHECK_FALSE(hello.detached);
    CHECK(hello.living.empty());
    CHECK_FALSE(is_alive(service.pid));
}

TEST_CASE("a keeper that can't be understood is not passed over") {
    real_guard g;
    g.connect();
    end_guard(g);
    auto stranger = keeper::open(std::filesystem::path(g.path("x")).parent_path());
    REQUIRE(stranger);
    auto held = ::fork();
    if (held == 0) {
        // Takes the call and hangs up.
        pollfd called{stranger->fd(), POLLIN, 0};
        (void)::poll(&called, 1, -1);
        (void)::accept(stranger->fd(), nullptr, nullptr);
        ::_exit(0);
    }
    g.start();
    CHECK(g.wait_for_end() == 1);
    ::kill(held, SIGKILL);
    ::waitpid(held, nullptr, 0);
}
