// --until and --at: a time of day, a date, or a span.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "hactl/moment.hpp"

using namespace mainstay::hactl;

namespace {

constexpr std::time_t now = 1'763'996'400;  // 2025-11-24 15:00 UTC

}  // namespace

TEST_CASE("--until means a moment to come") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    CHECK(*moment_to_come("18:30", now) == now + 12'600);
    CHECK(*moment_to_come("14:00", now) == now + 23 * 3'600);  // tomorrow
    CHECK(*moment_to_come("2025-11-25 15:00", now) == now + 86'400);
    CHECK(*moment_to_come("2025-11-25T15:00", now) == now + 86'400);
    CHECK(*moment_to_come("2h", now) == now + 7'200);
    CHECK(*moment_to_come("90s", now) == now + 90);
    for (const char* wrong : {"soon", "18", "25:00", "2025-11-24 14:59", "18:30 today", "-2h", ""}) {
        CAPTURE(wrong);
        REQUIRE_FALSE(moment_to_come(wrong, now).has_value());
        CHECK(moment_to_come(wrong, now).error().message.find("--until") == 0);
    }
}

TEST_CASE("--at means a moment that was") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    CHECK(*moment_past("14:00", now) == now - 3'600);
    CHECK(*moment_past("18:30", now) == now + 12'600 - 86'400);  // yesterday
    CHECK(*moment_past("2025-11-23 15:00", now) == now - 86'400);
    CHECK(*moment_past("2h", now) == now - 7'200);
    for (const char* wrong : {"soon", "2025-11-24 15:01", "", "7"}) {
        CAPTURE(wrong);
        REQUIRE_FALSE(moment_past(wrong, now).has_value());
        CHECK(moment_past(wrong, now).error().message.find("--at") == 0);
    }
}
