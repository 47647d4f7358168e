// The host process itself: refusals, its end, hanging calls, descriptors.
#include <catch2/catch.hpp>
#include <csignal>

#include "host_process.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::outcome;
using plugin::verb;

TEST_CASE("host: what does not load or fit is refused with its reason") {
    test::host_process missing({.file = "stonith-nowhere"});
    CHECK_THAT(missing.refusal(), Contains("stonith-nowhere.so: no such file"));
    CHECK(missing.process().wait() == 1);
    test::host_process heartbeat({.file = "heartbeat-udp"});
    CHECK_THAT(heartbeat.refusal(), Contains("heartbeat plugins run inside the daemon"));
    test::host_process bad({.file = "notify-exec", .instance = "mail", .params = {{"comand", "x"}}});
    CHECK_THAT(bad.refusal(), Contains("mail (notify-exec): unknown parameter comand"));
}

TEST_CASE("host: ends when the daemon's socket closes, even in the middle of a call") {
    test::host_process idle({.file = "stonith-exec", .params = {{"command", "true"}}});
    CHECK(idle.refusal().empty());
    idle.close_socket();
    CHECK(idle.process().wait() == 0);

    const test::scratch dir;
    test::host_process busy(
        {.file = "stonith-exec", .params = {{"command", "echo x > " + (dir / "begun") + "; exec sleep 1000"}}});
    busy.client().request({1, verb::off, "a", {}}, never);
    while (busy.client().current() != plugin::host_client::state::ready) REQUIRE(busy.pump(60'000));
    REQUIRE(test::eventually([&] { return test::read_file(dir / "begun") == "x\n"; }));
    busy.close_socket();
    CHECK(busy.process().wait() == 0);
}

TEST_CASE("host: its death leaves the call unknown") {
    test::host_process host({.file = "stonith-exec", .params = {{"command", "kill -9 $PPID; exec sleep 1000"}}});
    auto reply = host.call(verb::off, "a");
    CHECK(reply.outcome == outcome::unknown);
    CHECK_THAT(reply.text, Contains("the socket closed"));
    CHECK(host.process().wait() == 128 + SIGKILL);
}

TEST_CASE("host: a command inherits none of its descriptors") {
    const test::scratch dir;
    test::host_process host({.file = "notify-exec", .params = {{"command", "ls -l /proc/self/fd > " + (dir / "fds")}}});
    CHECK(host.call(verb::notify, "x").outcome == outcome::ok);
    // `ls` itself holds one, for the directory; the daemon's socket would be another.
    auto fds = test::read_file(dir / "fds");
    CHECK_THAT(fds, !Contains(" 4 -> "));
    CHECK_THAT(fds, !Contains(" 3 -> socket"));
}

TEST_CASE("host: an event source that ends by itself ends its process") {
    test::host_process host({.file = std::string("../tests/sdk-plugins/test-source")});
    CHECK(host.await_event("alive").name == "alive");
    CHECK(host.process().wait() == 1);
}
