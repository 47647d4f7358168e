#include <catch2/catch.hpp>

#include "model/address.hpp"

using namespace mainstay;

TEST_CASE("subnets are read with a prefix or a netmask, never without") {
    CHECK(to_string(*parse_subnet("10.77.0.0/24")) == "10.77.0.0/24");
    CHECK(to_string(*parse_subnet("10.77.0.0/255.255.252.0")) == "10.77.0.0/22");
    CHECK(to_string(*parse_subnet("fd00:0077::/64")) == "fd00:77::/64");
    for (const char* bad : {"10.77.0.0", "10.77.0.0/33", "10.77.0.0/0", "10.77.0.0/255.0.255.0", "fd00::/129",
                            "fd00::/255.255.0.0", "10.77.0/24", "x/24", "", "/", "10.77.0.0/ 24"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_subnet(bad));
    }
}

TEST_CASE("a subnet contains its own addresses only") {
    auto subnet = *parse_subnet("10.77.0.0/22");
    CHECK(contains(subnet, *parse_address("10.77.3.255")));
    CHECK_FALSE(contains(subnet, *parse_address("10.77.4.0")));
    CHECK_FALSE(contains(subnet, *parse_address("fd00::1")));
    CHECK(contains(*parse_subnet("fd00:77::/65"), *parse_address("fd00:77::7fff:0:0:1")));
    CHECK_FALSE(contains(*parse_subnet("fd00:77::/65"), *parse_address("fd00:77::8000:0:0:1")));
}

TEST_CASE("addresses that no host can have") {
    auto subnet = *parse_subnet("10.77.0.0/24");
    CHECK(is_reserved_in(subnet, *parse_address("10.77.0.0")));
    CHECK(is_reserved_in(subnet, *parse_address("10.77.0.255")));
    CHECK_FALSE(is_reserved_in(subnet, *parse_address("10.77.0.254")));
    CHECK_FALSE(is_reserved_in(*parse_subnet("10.77.0.0/31"), *parse_address("10.77.0.0")));
    CHECK(is_special(*parse_address("127.0.0.1")));
    CHECK(is_special(*parse_address("169.254.1.1")));
    CHECK(is_special(*parse_address("fe80::1")));
    CHECK(is_special(*parse_address("ff02::1")));
    CHECK(is_special(*parse_address("::1")));
    CHECK_FALSE(is_special(*parse_address("fd00:77::100")));
}
