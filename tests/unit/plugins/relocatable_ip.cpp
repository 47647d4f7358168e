#include <catch2/catch.hpp>
#include <csignal>

#include "host_process.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::outcome;
using plugin::verb;

namespace {

// Two servers and a client on one bridge.
struct segment {
    test::net_namespace bridge, one, two, client;
    std::string mac_one, mac_two;

    segment() {
        bridge.shell("ip link add br0 type bridge; ip link set br0 up");
        int number = 0;
        for (const auto* node : {&one, &two, &client}) {
            const auto port = "p" + std::to_string(++number);
            node->shell("ip link add e0 type veth peer name " + port + " netns " + bridge.path());
            bridge.shell("ip link set " + port + " master br0 up");
            node->shell("sysctl -qw net.ipv6.conf.e0.accept_dad=0; ip link set e0 up");
            const auto host = std::to_string(number);
            node->shell("ip addr add 10.98.0." + host + "/24 dev e0");
            node->shell("ip addr add fd00:98::" + host + "/64 dev e0 nodad");
        }
        mac_one = one.shell("ip -br link show e0 | awk '{printf \"%s\", $3}'");
        mac_two = two.shell("ip -br link show e0 | awk '{printf \"%s\", $3}'");
    }
    void ping(const std::string& address) const {
        REQUIRE(test::eventually([&] {
            return client.shell("ping -c1 -W1 " + address + " >/dev/null 2>&1 && echo yes || echo no") == "yes\n";
        }));
    }
    [[nodiscard]] bool client_sees(const std::string& address, const std::string& mac) const {
        return client.shell("ip neigh show " + address).find(mac) != std::string::npos;
    }
};

plugin::instance_config address(const std::string& value, const std::string& subnet, plugin::field_map more = {}) {
    more.insert({{"address", value}, {"subnet", subnet}});
    return {.file = "relocatable-ip", .instance = "vip", .params = std::move(more)};
}

}  // namespace

TEST_CASE("relocatable-ip: moves between servers and the client follows") {
    const segment net;
    using pair = std::pair<std::string, std::string>;
    for (const auto& place : {pair{"10.98.0.50", "10.98.0.0/24"}, pair{"fd00:98::50", "fd00:98::/64"}}) {
        const auto& vip = place.first;
        const auto& subnet = place.second;
        INFO(vip);
        test::host_process one(address(vip, subnet), &net.one);
        test::host_process two(address(vip, subnet), &net.two);
        CHECK(one.call(verb::status).outcome == outcome::not_running);
        auto started = one.call(verb::start);
        INFO(started.text);
        CHECK(started.outcome == outcome::ok);
        CHECK(started.extra["interface"] == "e0");
        CHECK(one.call(verb::start).outcome == outcome::ok);
        CHECK(one.call(verb::status).outcome == outcome::ok);
        net.ping(vip);
        CHECK(net.client_sees(vip, net.mac_one));

        // The other server sees that it is in use, and by whom.
        auto conflict = two.call(verb::prepare);
        CHECK(conflict.outcome == outcome::failed);
        CHECK(conflict.extra["owner"] == net.mac_one);
        CHECK(one.call(verb::prepare).outcome == outcome::ok);

        CHECK(one.call(verb::stop).outcome == outcome::ok);
        CHECK(one.call(verb::stop).outcome == outcome::ok);
        CHECK(one.call(verb::status).outcome == outcome::not_running);
        CHECK(two.call(verb::prepare).outcome == outcome::ok);
        CHECK(two.call(verb::start).outcome == outcome::ok);
        // Told, not asked: the client sent nothing since.
        CHECK(test::eventually([&] { return net.client_sees(vip, net.mac_two); }));
        net.ping(vip);
        CHECK(two.call(verb::stop).outcome == outcome::ok);
    }
}

TEST_CASE("relocatable-ip: announces in both forms, and again over the first second") {
    const segment net;
    const test::scratch dir;
    test::child watcher({"/usr/bin/python3", "-u", "-c", R"(
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("e0", 0))
out = open(sys.argv[1], "a", buffering=1)
out.write("ready\n")
while True:
    f = s.recv(2048)
    if f[12:14] == b"\x08\x06" and f[28:32] == f[38:42]:
        out.write("arp %d\n" % f[21])
    if f[12:14] == b"\x86\xdd" and f[20] == 58 and f[54] == 136:
        out.write("na %d %02x %s\n" % (f[21], f[58], f[0:6].hex()))
)",
                         dir / "seen"},
                        [&] { net.client.enter(); });
    auto count = [&](const std::string& what) {
        auto seen = test::read_file(dir / "seen");
        int found = 0;
        for (auto at = seen.find(what); at != std::string::npos; at = seen.find(what, at + 1)) ++found;
        return found;
    };
    REQUIRE(test::eventually([&] { return count("ready") == 1; }));
    test::host_process four(address("10.98.0.50", "10.98.0.0/24"), &net.one);
    test::host_process six(address("fd00:98::50", "fd00:98::/64"), &net.one);
    CHECK(four.call(verb::start).outcome == outcome::ok);
    CHECK(six.call(verb::start).outcome == outcome::ok);
    CHECK(test::eventually([&] { return count("arp 1") >= 6 && count("arp 2") >= 6; }));
    // Hop limit 255, override set, solicited clear, to all nodes.
    CHECK(test::eventually([&] { return count("na 255 20 333300000001") >= 6; }));
}

TEST_CASE("relocatable-ip: a default route comes and goes with the address") {
    const segment net;
    auto config = address("10.98.0.50", "10.98.0.0/24", {{"gateway", "10.98.0.3"}, {"route_metric", "50"}});
    test::host_process host(config, &net.one);
    auto started = host.call(verb::start);
    INFO(started.text);
    CHECK(started.outcome == outcome::ok);
    CHECK_THAT(net.one.shell("ip route show default"),
               Contains("default via 10.98.0.3 dev e0 proto 77 src 10.98.0.50 metric 50"));
    CHECK(host.call(verb::start).outcome == outcome::ok);
    CHECK(host.call(verb::stop).outcome == outcome::ok);
    CHECK(net.one.shell("ip route show default").empty());

    net.one.shell("ip route add default via 10.98.0.2 metric 50");
    auto blocked = host.call(verb::start);
    CHECK(blocked.outcome == outcome::failed);
    CHECK_THAT(blocked.text, Contains("another default route with this metric"));
    CHECK(host.call(verb::stop).outcome == outcome::ok);
    CHECK_THAT(net.one.shell("ip route show default"), Contains("via 10.98.0.2"));

    test::host_process six(address("fd00:98::50", "fd00:98::/64", {{"gateway", "fd00:98::3"}}), &net.one);
    CHECK(six.call(verb::start).outcome == outcome::ok);
    CHECK_THAT(net.one.shell("ip -6 route show default"), Contains("via fd00:98::3 dev e0 proto 77 src fd00:98::50"));
    CHECK(six.call(verb::stop).outcome == outcome::ok);
    CHECK(net.one.shell("ip -6 route show default").empty());
}

TEST_CASE("relocatable-ip: a new host process takes over what an old one left") {
    const segment net;
    const auto config = address("10.98.0.50", "10.98.0.0/24");
    {
        test::host_process first(config, &net.one);
        CHECK(first.call(verb::start).outcome == outcome::ok);
        first.close_socket();
        CHECK(first.process().wait() == 0);
    }
    test::host_process second(config, &net.one);
    CHECK(second.call(verb::status).outcome == outcome::ok);
    CHECK_THAT(net.one.shell("ip addr show e0"), Contains("10.98.0.50/24 ") && Contains(" e0:ms"));
    CHECK(second.call(verb::stop).outcome == outcome::ok);
    CHECK_THAT(net.one.shell("ip addr show e0"), !Contains("10.98.0.50"));
}

TEST_CASE("relocatable-ip: broken links and missing interfaces are named") {
    const segment net;
    test::host_process host(address("10.98.0.50", "10.98.0.0/24"), &net.one);
    CHECK(host.call(verb::start).outcome == outcome::ok);
    net.bridge.shell("ip link set p1 down");
    REQUIRE(test::eventually([&] { return host.call(verb::status).outcome == outcome::failed; }));
    CHECK_THAT(host.call(verb::status).text, Contains("e0 has no carrier"));
    CHECK(host.call(verb::stop).outcome == outcome::ok);
    CHECK_THAT(host.call(verb::prepare).text, Contains("no carrier"));

    test::host_process elsewhere(address("10.97.0.50", "10.97.0.0/24"), &net.one);
    CHECK_THAT(elsewhere.call(verb::start).text, Contains("none has an address in 10.97.0.0/24"));
    CHECK(elsewhere.call(verb::stop).outcome == outcome::ok);
    test::host_process named(address("10.97.0.50", "10.97.0.0/24", {{"interface", "e7"}}), &net.one);
    CHECK_THAT(named.call(verb::start).text, Contains("e7 does not exist"));
    test::host_process explicit_interface(address("10.97.0.50", "10.97.0.0/24", {{"interface", "e0"}}), &net.one);
    CHECK(explicit_interface.call(verb::start).outcome == outcome::ok);
    net.one.shell("ip link set e0 down");
    CHECK_THAT(explicit_interface.call(verb::start).text, Contains("e0 is down"));
    CHECK(explicit_interface.call(verb::stop).outcome == outcome::ok);
}

TEST_CASE("relocatable-ip: addresses that can't work are refused") {
    CHECK_THAT(test::host_process(address("10.98.0", "10.98.0.0/24")).refusal(), Contains("neither IPv4 nor IPv6"));
    CHECK_THAT(test::host_process(address("10.98.1.1", "10.98.0.0/24")).refusal(), Contains("is not in subnet"));
    CHECK_THAT(test::host_process(address("10.98.0.1", "10.98.0.0")).refusal(), Contains("is no address/prefix"));
    CHECK_THAT(test::host_process(address("10.98.0.1", "10.98.0.0/24", {{"gateway", "fd00::1"}})).refusal(),
               Contains("gateway 'fd00::1'"));
}
