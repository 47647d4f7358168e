#include "runtime/plugin/instance.hpp"

#include <catch2/catch.hpp>

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::outcome;
using plugin::verb;

namespace {

plugin::instance_config two_nodes() {
    return {{}, "strip", "a", {}, {{"a", {{"outlet", "1"}}}, {"b", {{"outlet", "2"}, {"delay", "40ms"}}}}};
}

result<plugin::instance> make(const plugin::instance_config& config, plugin::host_callbacks callbacks = {}) {
    return plugin::instance::create(*plugin::load(TEST_PLUGIN_DIR "/test-lamp.so"), config, std::move(callbacks));
}

std::string refusal(const plugin::instance_config& config) {
    auto made = make(config);
    REQUIRE_FALSE(made.has_value());
    CHECK_THAT(made.error().message, Contains("strip (test-lamp): "));
    return made.error().message;
}

}  // namespace

TEST_CASE("values, defaults and overrides reach the plugin and its answer comes back") {
    auto config = two_nodes();
    config.params["delay"] = "3s";
    auto lamp = make(config);
    REQUIRE(lamp.has_value());
    auto first = lamp->perform({7, verb::off, "a", {}});
    CHECK(first.id == 7);
    CHECK(first.outcome == outcome::off);
    CHECK(first.text == "outlet 1");
    CHECK(first.extra.at("delay_ms") == "3000");
    CHECK(first.extra.at("mode") == "slow");
    CHECK(lamp->perform({8, verb::off, "b", {}}).extra.at("delay_ms") == "40");
}

TEST_CASE("an exception is an unknown outcome, a wrong verb a failed one") {
    auto lamp = make(two_nodes());
    auto broken = lamp->perform({1, verb::on, "a", {}});
    CHECK(broken.outcome == outcome::unknown);
    CHECK(broken.text == "the bulb is broken");
    CHECK(lamp->perform({2, verb::status, "a", {}}).outcome == outcome::unknown);
    CHECK(lamp->perform({3, verb::start, {}, {}}).outcome == outcome::failed);
    CHECK_FALSE(lamp->run());
}

TEST_CASE("what a plugin logs and posts arrives") {
    std::string seen;
    auto lamp = make(two_nodes(), {[&](plugin::severity level, std::string_view text) {
                                       seen += std::string(to_string(level)) + " " + std::string(text) + ";";
                                   },
                                   [&](plugin::severity level, std::string_view name, const plugin::field_map& fields) {
                                       seen += std::string(to_string(level)) + " " + std::string(name) + " " +
                                               fields.at("room");
                                   }});
    REQUIRE(lamp.has_value());
    CHECK(lamp->perform({1, verb::status, "a", {}}).outcome == outcome::unknown);
    CHECK(seen == "warning looking;alarm dark cellar");
}

TEST_CASE("bad parameters are refused with the words an administrator needs") {
    auto config = two_nodes();
    config.params["outlett"] = "1";
    CHECK_THAT(refusal(config), Contains("unknown parameter outlett, known are: outlet, delay, mode, password"));
    config = two_nodes();
    config.nodes[1].params["outlet"] = "9";
    CHECK_THAT(refusal(config), Contains("node b: parameter outlet: '9' is outside 1 to 8"));
    config = two_nodes();
    config.nodes[0].params.clear();
    CHECK_THAT(refusal(config), Contains("node a: parameter outlet is missing"));
    config = two_nodes();
    config.params["outlet"] = "1";
    CHECK_THAT(refusal(config), Contains("has to be given for each node"));
    config = two_nodes();
    config.nodes[0].params["mode"] = "slow";
    CHECK_THAT(refusal(config), Contains("can't differ between nodes"));
    config = two_nodes();
    config.params["mode"] = "medium";
    CHECK_THAT(refusal(config), Contains("'medium' is not one of slow|fast"));
    config = two_nodes();
    config.params["password"] = "hunter2";
    CHECK_THAT(refusal(config), Contains("parameter password: '...' is not a whole number"));
    config = two_nodes();
    config.params["mode"] = "fast";
    CHECK_THAT(refusal(config), Contains("fast lamps burn"));
}
