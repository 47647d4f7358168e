#include <catch2/catch.hpp>

#include "model/problem.hpp"
#include "model/value.hpp"

using namespace mainstay;

TEST_CASE("durations: units, fractions, bare numbers") {
    auto us = [](std::string_view text, bare_number bare = bare_number::refused) -> std::int64_t {
        auto value = parse_duration(text, bare);
        return value ? value->count() : -1;
    };
    CHECK(us("250ms") == 250'000);
    CHECK(us("2s") == 2'000'000);
    CHECK(us("1.5s") == 1'500'000);
    CHECK(us("0.000001s") == 1);
    CHECK(us("5m") == 300'000'000);
    CHECK(us("5min") == 300'000'000);
    CHECK(us("1h") == 3'600'000'000);
    CHECK(us("800US") == 800);
    CHECK(us("14000000", bare_number::microseconds) == 14'000'000);
    CHECK(us("300", bare_number::seconds) == 300'000'000);
    for (const char* bad : {"", "s", "2", "-1s", "1.s", ".5s", "1.5us", "2 s", "2x", "1e3s", "99999999999h",
                            "18446744073709551617s", "1.2345678s"}) {
        CAPTURE(bad);
        CHECK(us(bad) == -1);
    }
}

TEST_CASE("duration text is exact and reads back") {
    for (std::int64_t value : {1LL, 999LL, 1'000LL, 250'000LL, 1'000'000LL, 1'500'000LL, 600'000'000LL}) {
        auto text = duration_text(duration{value});
        CAPTURE(text);
        CHECK(parse_duration(text, bare_number::refused) == duration{value});
    }
}

TEST_CASE("names follow Serviceguard's rule") {
    CHECK(is_valid_name("web"));
    CHECK(is_valid_name("a"));
    CHECK(is_valid_name("web-1.prod_x2"));
    CHECK(is_valid_name(std::string(39, 'a')));
    for (const std::string& bad :
         {std::string(), std::string(40, 'a'), std::string("-web"), std::string("web."), std::string("we b"),
          std::string("w/b"), std::string("w\xc3\xa9"), std::string("*")}) {
        CAPTURE(bad);
        CHECK_FALSE(is_valid_name(bad));
    }
}

TEST_CASE("the nearest word is a typing error away") {
    constexpr std::string_view words[] = {"member_timeout", "heartbeat_ip", "node_name", "subnet"};
    CHECK(nearest_word("member_timout", words) == "member_timeout");
    CHECK(nearest_word("heartbaet_ip", words) == "heartbeat_ip");
    CHECK(nearest_word("SUBNETS", words) == "subnet");
    CHECK(nearest_word("frobnicate", words).empty());
    CHECK(nearest_word("", words).empty());
    CHECK(nearest_word(std::string(100'000, 'x'), words).empty());
}
