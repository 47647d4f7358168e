// --until: a time of day, a date, or a span from now.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "hactl/end_of.hpp"

using namespace mainstay::hactl;

namespace {

constexpr std::time_t now = 1'763'996'400;  // 2025-11-24 15:00 UTC

}  // namespace

TEST_CASE("--until means a moment to come") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    CHECK(*end_of("18:30", now) == now + 12'600);
    CHECK(*end_of("14:00", now) == now + 23 * 3'600);  // tomorrow
    CHECK(*end_of("2025-11-25 15:00", now) == now + 86'400);
    CHECK(*end_of("2025-11-25T15:00", now) == now + 86'400);
    CHECK(*end_of("2h", now) == now + 7'200);
    CHECK(*end_of("90s", now) == now + 90);
    for (const char* wrong : {"soon", "18", "25:00", "2025-11-24 14:59", "18:30 today", "-2h", ""}) {
        CAPTURE(wrong);
        REQUIRE_FALSE(end_of(wrong, now).has_value());
        CHECK(end_of(wrong, now).error().message.find("--until") == 0);
    }
}
