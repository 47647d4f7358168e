#include <catch2/catch.hpp>

#include "host_process.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::outcome;
using plugin::verb;

namespace {

// A power switch in a file: off takes effect only at the third status after it.
std::string switch_script(const test::scratch& dir) {
    test::write_file(dir / "switch", R"(#!/bin/sh
state=$(cat "$0.$2" 2>/dev/null || echo on)
case $1 in
off) echo 3 > "$0.$2" ;;
on) echo on > "$0.$2" ;;
status) case $state in
  on) exit 0 ;;
  off) exit 2 ;;
  1) echo off > "$0.$2"; exit 2 ;;
  *) echo $((state - 1)) > "$0.$2"; exit 0 ;;
  esac ;;
esac
)",
                     true);
    return dir / "switch";
}

plugin::instance_config two_nodes(plugin::field_map params) {
    return {.file = "stonith-exec",
            .instance = "strip",
            .own_node = "a",
            .params = std::move(params),
            .nodes = {{"a", {{"plug", "7"}}}, {"b", {}}}};
}

}  // namespace

TEST_CASE("stonith-exec: off is done when it is read back as off") {
    const test::scratch dir;
    test::host_process host(two_nodes({{"command", switch_script(dir) + " %a %p"}}));
    CHECK(host.call(verb::status, "a").outcome == outcome::on);
    CHECK(host.call(verb::off, "a").outcome == outcome::off);
    CHECK(test::read_file(dir / "switch.7") == "off\n");
    CHECK(host.call(verb::status, "a").outcome == outcome::off);
    CHECK(host.call(verb::status, "b").outcome == outcome::on);
    CHECK(host.call(verb::on, "a").outcome == outcome::on);
    CHECK(host.call(verb::off, "c").outcome == outcome::failed);
    CHECK_THAT(host.call(verb::start, "a").text, Contains("it has no 'start'"));
}

TEST_CASE("stonith-exec: a device that only claims to be off is not believed") {
    test::host_process lying(two_nodes(
        {{"off_command", "true"}, {"on_command", "true"}, {"status_command", "exit 0"}, {"timeout", "300ms"}}));
    auto reply = lying.call(verb::off, "a");
    CHECK(reply.outcome == outcome::unknown);
    CHECK_THAT(reply.text, Contains("read back: on"));

    test::host_process mute(two_nodes({{"off_command", "true"}, {"on_command", "true"}}));
    CHECK(mute.call(verb::off, "a").outcome == outcome::unknown);
    CHECK(mute.call(verb::status, "a").outcome == outcome::unknown);

    test::host_process assumed(
        two_nodes({{"off_command", "true"}, {"on_command", "true"}, {"assume_off_after", "10ms"}}));
    CHECK(assumed.call(verb::off, "a").outcome == outcome::off_assumed);
    CHECK(assumed.call(verb::on, "a").outcome == outcome::unknown);
}

TEST_CASE("stonith-exec: a command that can't be run is no proof, though it ends with what means off") {
    const test::scratch dir;
    for (const std::string& command : {"sh " + (dir / "missing") + " %a %p", std::string("exit 2")}) {
        test::host_process broken(two_nodes({{"command", command}, {"timeout", "300ms"}}));
        auto reply = broken.call(verb::off, "a");
        CHECK(reply.outcome == outcome::unknown);
        CHECK_THAT(reply.text, Contains("off command: exit code"));
    }
}

TEST_CASE("stonith-exec: failures and hangs are unknown and say what the command said") {
    test::host_process failing(two_nodes({{"command", "echo no route to %n >&2; exit 1"}}));
    auto reply = failing.call(verb::off, "b");
    CHECK(reply.outcome == outcome::unknown);
    CHECK_THAT(reply.text, Contains("off command: exit code 1: no route to b"));

    test::host_process hanging(two_nodes({{"command", "sleep 1000"}, {"timeout", "200ms"}}));
    CHECK_THAT(hanging.call(verb::off, "b").text, Contains("not finished in time, killed"));

    test::host_process loud(two_nodes({{"command", "head -c 100000000 /dev/zero | tr '\\0' x; exit 2"}}));
    CHECK(loud.call(verb::status, "b").outcome == outcome::off);
}

TEST_CASE("stonith-exec: configurations that can't work are refused") {
    CHECK_THAT(test::host_process(two_nodes({{"off_command", "x"}})).refusal(),
               Contains("node a: neither command nor on_command is given"));
    CHECK_THAT(test::host_process(two_nodes({{"command", "x %q"}})).refusal(), Contains("unknown placeholder"));
    CHECK_THAT(test::host_process(two_nodes({{"command", "x"}, {"assume_off_after", "1s"}})).refusal(),
               Contains("assume_off_after is for devices without a status command"));
}
