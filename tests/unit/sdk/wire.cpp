#include "runtime/plugin/wire.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace mainstay;
using namespace mainstay::plugin;

TEST_CASE("messages come out of the stream as they went in, however it is cut") {
    const from_host first = answer{5, outcome::off, "read back: off", {{"outlet", "3"}}};
    const from_host second = event{severity::alarm, "ups_on_battery", {{"ups", "ups1"}}};
    const bytes stream = framed(first) + framed(second);
    for (std::size_t step = 1; step <= stream.size(); ++step) {
        frame_reader<from_host> reader;
        std::vector<from_host> seen;
        for (std::size_t at = 0; at < stream.size(); at += step) {
            reader.feed(std::string_view(stream).substr(at, step));
            for (auto message = reader.next(); message && *message; message = reader.next())
                seen.push_back(std::move(**message));
        }
        REQUIRE(seen.size() == 2);
        CHECK(std::get<answer>(seen[0]).extra.at("outlet") == "3");
        CHECK(std::get<event>(seen[1]).name == "ups_on_battery");
    }
}

TEST_CASE("a lying length or a broken body ends the stream for good") {
    frame_reader<from_host> reader;
    reader.feed(std::string("\xff\xff\xff\x7f", 4));
    CHECK_FALSE(reader.next().has_value());
    reader.feed(framed(from_host{log_line{severity::info, "x"}}));
    CHECK_FALSE(reader.next().has_value());

    frame_reader<from_host> other;
    other.feed(std::string("\x02\0\0\0\x63\x63", 6));
    CHECK_FALSE(other.next().has_value());
}

TEST_CASE("random bytes never do more than end the stream") {
    std::mt19937 random(4711);
    for (int round = 0; round < 2000; ++round) {
        bytes noise = framed(from_host{answer{1, outcome::ok, "text", {{"a", "b"}}}});
        for (int i = 0; i < 3; ++i) noise[random() % noise.size()] = static_cast<char>(random());
        frame_reader<from_host> reader;
        reader.feed(noise);
        for (auto message = reader.next(); message && *message; message = reader.next()) {
        }
    }
    SUCCEED();
}
