// The framing alone, against bytes of every kind.
#include <catch2/catch.hpp>
#include <random>

#include "heartbeat-serial/frame.hpp"

using namespace mainstay::heartbeat_serial;

namespace {
constexpr std::int64_t stale = 1000;

std::span<const std::uint8_t> octets(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string frame_of(const std::string& datagram) { return make_frame(octets(datagram)); }
}  // namespace

TEST_CASE("serial frame: comes back whole, however it is cut, and whatever it holds") {
    const std::string tricky("\xA7\xA7\x00\x5A\xA7", 5);
    const auto stream = frame_of("beat") + frame_of(tricky) + frame_of("");
    for (std::size_t step = 1; step < stream.size(); ++step) {
        frame_reader reader;
        std::vector<std::string> seen;
        for (std::size_t at = 0; at < stream.size(); at += step) {
            reader.feed(octets(stream.substr(at, step)), 0);
            while (auto datagram = reader.next(0, stale)) seen.push_back(*datagram);
        }
        CHECK(seen == std::vector<std::string>{"beat", tricky, ""});
        CHECK(reader.bad_frames() == 0);
    }
}

TEST_CASE("serial frame: any one flipped bit or lost byte costs its own frame only") {
    const auto frame = frame_of("a heartbeat of some length");
    const auto good = frame_of("the next one");
    for (std::size_t at = 0; at < frame.size(); ++at) {
        for (int bit = -1; bit < 8; ++bit) {
            auto broken = frame;
            if (bit < 0) {
                broken.erase(at, 1);
            } else {
                broken[at] = static_cast<char>(broken[at] ^ 1 << bit);
            }
            frame_reader reader;
            reader.feed(octets(broken + good), 0);
            std::vector<std::string> seen;
            // Later: what waits for bytes that will never come is given up.
            for (auto now : {std::int64_t{0}, stale})
                while (auto datagram = reader.next(now, stale)) seen.push_back(*datagram);
            CHECK(seen == std::vector<std::string>{"the next one"});
        }
    }
}

TEST_CASE("serial frame: noise never becomes a datagram") {
    std::mt19937 random(11);
    frame_reader reader;
    std::size_t found = 0;
    for (std::int64_t round = 0; round < 3000; ++round) {
        std::string noise(random() % 200, '\0');
        for (auto& c : noise) c = random() % 8 == 0 ? static_cast<char>(0xA7) : static_cast<char>(random());
        reader.feed(octets(noise), round);
        while (reader.next(round, stale)) ++found;
    }
    CHECK(found == 0);
}
