#include "mainstay/values.hpp"

#include <catch2/catch.hpp>

using namespace mainstay;
using namespace std::chrono_literals;

TEST_CASE("durations take units, a bare number is seconds") {
    CHECK(sdk::parse_duration("250ms") == 250ms);
    CHECK(sdk::parse_duration("2") == 2s);
    CHECK(sdk::parse_duration("2s") == 2s);
    CHECK(sdk::parse_duration("5min") == 5min);
    CHECK(sdk::parse_duration("1H") == 1h);
    CHECK(sdk::parse_duration("1.5s") == 1500ms);
    CHECK(sdk::parse_duration("0.25") == 250ms);
    CHECK(sdk::parse_duration("1500us") == 1ms);
    for (const char* bad :
         {"", "s", "-1s", "2 s", "2days", "99999999999999999999", "9223372036854775807h", "1.s", ".5s", "1.2345678s"})
        CHECK_FALSE(sdk::parse_duration(bad).has_value());
}

TEST_CASE("a parameter that the schema lacks is the plugin's bug and no default") {
    static constexpr std::array schema{sdk::param{.name = "a", .fallback = "x", .help = "h"}};
    const sdk::values values(schema, {});
    CHECK(values.text("a") == "x");
    CHECK_THROWS_AS(values.text("b"), sdk::refused);
}
