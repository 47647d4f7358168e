#include <catch2/catch.hpp>

#include "host_process.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::outcome;
using plugin::verb;

TEST_CASE("notify-exec: the event is in the environment and on standard input") {
    const test::scratch dir;
    test::host_process host(
        {.file = "notify-exec",
         .params = {{"command", "cat > " + (dir / "json") + "; echo \"$MAINSTAY_EVENT $MAINSTAY_EVENT_UPS_NAME\" > " +
                                    (dir / "env")}}});
    auto reply = host.call(verb::notify, "ups_on_battery", {{"ups_name", "a \"big\" one\n"}, {"charge", "40"}});
    CHECK(reply.outcome == outcome::ok);
    CHECK(test::read_file(dir / "json") ==
          "{\"charge\": \"40\", \"event\": \"ups_on_battery\", \"ups_name\": \"a \\\"big\\\" one\\u000a\"}\n");
    CHECK_THAT(test::read_file(dir / "env"), Contains("ups_on_battery a \"big\" one"));
}

TEST_CASE("notify-exec: a failed try is repeated, a hopeless one reported") {
    const test::scratch dir;
    const std::string count = "echo x >> " + (dir / "tries") + "; ";
    test::host_process host(
        {.file = "notify-exec",
         .params = {{"command", count + "test $(wc -l < " + (dir / "tries") + ") -ge 3"}, {"retry_wait", "1ms"}}});
    CHECK(host.call(verb::notify, "e").outcome == outcome::ok);
    CHECK(test::read_file(dir / "tries") == "x\nx\nx\n");

    test::host_process hopeless(
        {.file = "notify-exec",
         .params = {{"command", "cat >/dev/null; echo no relay; exit 69"}, {"retries", "1"}, {"retry_wait", "1ms"}}});
    auto reply = hopeless.call(verb::notify, "e");
    CHECK(reply.outcome == outcome::failed);
    CHECK(reply.text == "exit code 69: no relay");

    test::host_process slow(
        {.file = "notify-exec", .params = {{"command", "sleep 1000"}, {"timeout", "100ms"}, {"retries", "0"}}});
    CHECK_THAT(slow.call(verb::notify, "e").text, Contains("not finished in time"));
}
