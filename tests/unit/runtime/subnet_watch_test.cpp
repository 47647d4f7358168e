// Which subnets this machine is on, by its own interfaces: the loopback is all that is certain here. Cables and
// addresses that come and go: tests/endtoend/test_conditions.py.
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "runtime/subnet_watch.hpp"

using namespace mainstay::runtime;

TEST_CASE("a subnet is up when a working interface has an address in it") {
    auto looked = look_at_subnets({"127.0.0.0/8", "203.0.113.0/24", "2001:db8::/32", "nonsense"});
    REQUIRE(looked);
    const auto& seen = *looked;
    REQUIRE(seen.size() == 4);
    CHECK(seen[0] == std::pair<std::string, bool>{"127.0.0.0/8", true});
    CHECK_FALSE(seen[1].second);
    CHECK_FALSE(seen[2].second);
    CHECK_FALSE(seen[3].second);
    CHECK(look_at_subnets({})->empty());
}

TEST_CASE("what is watched is told at once, and again only when it is news") {
    boost::asio::io_context loop;
    std::vector<subnet_view> told;
    subnet_watch watch(
        loop, [&](const subnet_view& seen) { told.push_back(seen); }, [](const std::string&, const std::string&) {});
    watch.watch({});
    CHECK(told.empty());
    watch.watch({"127.0.0.0/8"});
    REQUIRE(told.size() == 1);
    CHECK(told.back().front().second);
    watch.watch({"127.0.0.0/8"});
    CHECK(told.size() == 1);
    watch.watch({"203.0.113.0/24"});
    REQUIRE(told.size() == 2);
    CHECK_FALSE(told.back().front().second);
    watch.watch({});
    CHECK(told.size() == 3);
}
