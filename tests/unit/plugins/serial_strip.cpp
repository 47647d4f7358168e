// The outlet strip plugin against the lab's strip on a pseudo terminal.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "host_process.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::outcome;
using plugin::verb;

namespace {

const std::string strip_program = std::string(SOURCE_DIR) + "/tests/endtoend/lab/power_strip.py";

class strip {
public:
    explicit strip(const std::vector<std::string>& more = {}) {
        std::vector<std::string> argv{"/usr/bin/python3", strip_program, dir_ / "tty", "--baud", "9600"};
        for (const char* number : {"1", "2"})
            argv.insert(argv.end(),
                        {"--outlet", number, "echo off > " + state_file(number), "echo on > " + state_file(number)});
        argv.insert(argv.end(), more.begin(), more.end());
        process_ = test::child(argv);
        REQUIRE(test::eventually([&] { return ::access((dir_ / "tty").c_str(), F_OK) == 0; }));
    }
    [[nodiscard]] std::string power(const std::string& outlet) const { return test::read_file(state_file(outlet)); }
    [[nodiscard]] plugin::field_map params(plugin::field_map more = {}) const {
        more.insert({{"device", dir_ / "tty"}, {"off_string", "OFF %o\\r"}, {"on_string", "ON %o\\x0d"}});
        return more;
    }
    // With the read-back of the strip's language.
    [[nodiscard]] plugin::field_map words(plugin::field_map more = {}) const {
        more.insert({{"expect", "OK"},
                     {"status_string", "STAT %o\\r"},
                     {"status_off", "%o OFF"},
                     {"status_on", "%o ON"},
                     {"reply_time", "500ms"}});
        return params(more);
    }

private:
    [[nodiscard]] std::string state_file(const std::string& outlet) const { return dir_ / ("outlet" + outlet); }
    test::scratch dir_;
    test::child process_;
};

plugin::instance_config device(plugin::field_map params) {
    return {.file = "stonith-serial-strip",
            .instance = "strip",
            .own_node = "a",
            .params = std::move(params),
            .nodes = {{"a", {{"outlet", "1"}}}, {"b", {{"outlet", "2"}}}}};
}

}  // namespace

TEST_CASE("stonith-serial-strip: off is done when the strip says off") {
    const strip real({"--delay", "0.3"});
    test::host_process host(device(real.words()));
    CHECK(host.call(verb::status, "b").outcome == outcome::on);
    auto off = host.call(verb::off, "b");
    INFO(off.text);
    CHECK(off.outcome == outcome::off);
    CHECK(real.power("2") == "off\n");
    CHECK(real.power("1").empty());
    CHECK(host.call(verb::status, "a").outcome == outcome::on);
    CHECK(host.call(verb::on, "b").outcome == outcome::on);
    CHECK(real.power("2") == "on\n");
    CHECK(host.call(verb::off, "c").outcome == outcome::failed);
}

TEST_CASE("stonith-serial-strip: strips that lie, are silent or deaf prove nothing") {
    const strip stuck({"--stuck", "2"});
    test::host_process host(device(stuck.words({{"timeout", "1s"}})));
    auto lied = host.call(verb::off, "b");
    CHECK(lied.outcome == outcome::unknown);
    CHECK_THAT(lied.text, Contains("read back: on"));

    const strip mute({"--mute"});
    test::host_process silent(device(mute.words({{"timeout", "1s"}})));
    auto nothing = silent.call(verb::off, "b");
    CHECK(nothing.outcome == outcome::unknown);
    CHECK_THAT(nothing.text, Contains("no answer"));

    const strip fast;
    test::host_process slow(device(fast.words({{"timeout", "1s"}, {"baud", "1200"}})));
    CHECK(slow.call(verb::off, "b").outcome == outcome::unknown);
    CHECK(fast.power("2").empty());

    test::host_process missing(device({{"device", "/dev/no-such-line"}, {"off_string", "x"}, {"on_string", "y"}}));
    auto gone = missing.call(verb::off, "b");
    CHECK(gone.outcome == outcome::unknown);
    CHECK_THAT(gone.text, Contains("/dev/no-such-line: can't be opened"));
}

TEST_CASE("stonith-serial-strip: one letter and no answer, as the oldest strips have it") {
    const strip old({"--protocol", "letters"});
    auto config = device({});
    config.params = old.params();
    config.params.erase("off_string");
    config.params.erase("on_string");
    config.nodes = {{"a", {{"off_string", "a"}, {"on_string", "A"}}}, {"b", {{"off_string", "b"}, {"on_string", "B"}}}};
    test::host_process blind(config);
    CHECK(blind.call(verb::off, "b").outcome == outcome::unknown);
    REQUIRE(test::eventually([&] { return old.power("2") == "off\n"; }));

    config.params["assume_off_after"] = "50ms";
    test::host_process assuming(config);
    CHECK(assuming.call(verb::off, "a").outcome == outcome::off_assumed);
    REQUIRE(test::eventually([&] { return old.power("1") == "off\n"; }));

    config.params.erase("assume_off_after");
    for (auto& node : config.nodes) node.params["outlet"] = node.name == "a" ? "1" : "2";
    config.params.insert({{"status_string", "?"}, {"status_off", "^%o OFF$"}, {"status_on", "^%o ON$"}});
    test::host_process seeing(config);
    CHECK(seeing.call(verb::status, "b").outcome == outcome::off);
    CHECK(seeing.call(verb::on, "b").outcome == outcome::on);
    CHECK(seeing.call(verb::off, "b").outcome == outcome::off);
    CHECK(seeing.call(verb::status, "a").outcome == outcome::off);

    // Patterns that fit every answer decide nothing.
    config.params["status_off"] = "OFF";
    config.params["status_on"] = "ON";
    config.params["timeout"] = "500ms";
    test::host_process vague(config);
    CHECK(vague.call(verb::on, "a").outcome == outcome::unknown);
    CHECK_THAT(vague.call(verb::status, "b").text, Contains("fits status_off and status_on"));
}

TEST_CASE("stonith-serial-strip: configurations that can't work are refused") {
    const plugin::field_map base{{"device", "/dev/x"}, {"off_string", "a"}, {"on_string", "A"}};
    auto refusal = [&](plugin::field_map more) {
        more.insert(base.begin(), base.end());
        return test::host_process(device(more)).refusal();
    };
    CHECK_THAT(refusal({{"off_string", "\\q"}}), Contains("off_string has an unknown escape"));
    CHECK_THAT(refusal({{"off_string", "%x"}}), Contains("unknown placeholder"));
    CHECK_THAT(refusal({{"baud", "1300"}}), Contains("1300 is no standard rate"));
    CHECK_THAT(refusal({{"expect", "("}}), Contains("expect is no regular expression"));
    CHECK_THAT(refusal({{"status_string", "?"}}), Contains("belong together, give all three or none"));
    CHECK_THAT(refusal({{"status_string", "?"}, {"status_off", "x"}, {"status_on", "y"}, {"assume_off_after", "1s"}}),
               Contains("assume_off_after is for strips without a status string"));
    auto config = device(base);
    config.params["off_string"] = "OFF %o";
    config.nodes[1].params.clear();
    CHECK_THAT(test::host_process(config).refusal(), Contains("node b: parameter off_string has %o, but no outlet"));
}
