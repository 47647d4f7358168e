#include <poll.h>

#include <array>
#include <catch2/catch.hpp>
#include <chrono>

#include "child.hpp"
#include "net_namespace.hpp"
#include "runtime/plugin/heartbeat_link.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::heartbeat_link;

namespace {

time_point now() {
    return time_point{std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

result<heartbeat_link> make(const std::string& own, const std::string& a, const std::string& b,
                            plugin::field_map params = {}) {
    auto code = plugin::load(PLUGIN_DIR "/heartbeat-udp.so");
    REQUIRE(code.has_value());
    return heartbeat_link::create(
        *code, {{}, "ring0", own, std::move(params), {{"a", {{"address", a}}}, {"b", {{"address", b}}}}}, {});
}

std::string await(heartbeat_link& link) {
    std::array<char, 2048> buffer{};
    std::string got;
    (void)test::eventually([&] {
        link.tick(now());
        got = link.receive(now(), buffer);
        return !got.empty();
    });
    return got;
}

}  // namespace

TEST_CASE("heartbeat-udp: datagrams cross, for both IP versions") {
    const test::net_namespace one;
    const test::net_namespace two;
    test::join(one, two, "ring0");
    one.shell("ip addr add 10.99.0.1/24 dev ring0; ip addr add fd00:99::1/64 dev ring0 nodad");
    two.shell("ip addr add 10.99.0.2/24 dev ring0; ip addr add fd00:99::2/64 dev ring0 nodad");
    using pair = std::pair<std::string, std::string>;
    for (const auto& [a, b] : {pair{"10.99.0.1", "10.99.0.2"}, pair{"fd00:99::1", "fd00:99::2"}}) {
        auto left = make("a", a, b, {{"interface", "ring0"}});
        auto right = make("b", a, b);
        one.run([&] { REQUIRE(left->open(now()).has_value()); });
        two.run([&] { REQUIRE(right->open(now()).has_value()); });
        one.run([&] {
            CHECK(left->send(now(), heartbeat_link::all_peers, heartbeat_link::send_kind::beat, "hello"));
            CHECK(left->send(now(), 1, heartbeat_link::send_kind::log, "entry"));
            CHECK_FALSE(left->send(now(), 1, heartbeat_link::send_kind::log, std::string(1401, 'x')));
            CHECK_FALSE(left->send(now(), 5, heartbeat_link::send_kind::beat, "x"));
        });
        two.run([&] {
            CHECK(await(*right) == "hello");
            CHECK(await(*right) == "entry");
        });
        one.run([&] {
            left->tick(now());
            CHECK_FALSE(left->link_state().local_fault);
            CHECK(left->link_state().counters.at("sent") == "2");
        });
    }
}

TEST_CASE("heartbeat-udp: knows local faults and mends itself") {
    const test::net_namespace one;
    const test::net_namespace two;
    test::join(one, two, "ring0");
    auto link = make("a", "10.99.0.1", "10.99.0.2");
    one.run([&] {
        auto fault = [&](const std::string& text) {
            return test::eventually([&] {
                link->tick(now());
                (void)link->send(now(), 1, heartbeat_link::send_kind::beat, "x");
                return link->link_state().text.find(text) != std::string::npos;
            });
        };
        auto healthy = [&] {
            return test::eventually([&] {
                link->tick(now());
                (void)link->send(now(), 1, heartbeat_link::send_kind::beat, "x");
                return !link->link_state().local_fault;
            });
        };
        CHECK_FALSE(link->open(now()).has_value());
        CHECK(link->fd() == -1);
        CHECK_THAT(link->link_state().text, Contains("can't bind to the node's own address, port 5405"));
        test::shell("ip addr add 10.99.0.1/24 dev ring0");
        CHECK(healthy());
        test::shell("ip link set ring0 down");
        link->tick(now());  // the very next one knows, before silence could be taken for a peer's death
        CHECK(link->link_state().text == "interface ring0 is set down");
        test::shell("ip link set ring0 up");
        CHECK(healthy());
        two.shell("ip link set ring0 down");
        CHECK(fault("interface ring0 has no carrier"));
        two.shell("ip link set ring0 up");
        CHECK(healthy());
        test::shell("ip addr del 10.99.0.1/24 dev ring0");
        CHECK(fault("own address"));
        test::shell("ip addr add 10.99.0.1/24 dev ring0");
        CHECK(healthy());
    });
}

TEST_CASE("heartbeat-udp: foreign datagrams are counted and dropped") {
    const test::net_namespace one;
    auto link = make("a", "127.0.0.1", "127.0.0.2");
    one.run([&] {
        REQUIRE(link->open(now()).has_value());
        test::shell("printf garbage | socat - UDP:127.0.0.1:5405,bind=127.0.0.9");
        CHECK(test::eventually([&] {
            std::array<char, 64> buffer{};
            CHECK(link->receive(now(), buffer).empty());
            return link->link_state().counters.at("foreign") == "1";
        }));
    });
}

TEST_CASE("heartbeat-udp: addresses that can't work are refused") {
    CHECK_THAT(make("a", "10.0.0.1", "ring0").error().message, Contains("node b: address 'ring0' is neither"));
    CHECK_THAT(make("a", "10.0.0.1", "fd00::1").error().message, Contains("one link has one version"));
    CHECK_THAT(make("c", "10.0.0.1", "10.0.0.2").error().message, Contains("does not serve the node c"));
}
