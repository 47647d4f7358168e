// Large messages in pieces: any order, copies, losses, and pieces that lie.
#include <algorithm>
#include <catch2/catch.hpp>

#include "node/fragment.hpp"

using namespace mainstay;
using namespace mainstay::node;

namespace {

constexpr boot_id life{1, 1};

bytes long_message(std::size_t size) {
    bytes text;
    for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(i * 7 + i / 251));
    return text;
}

}  // namespace

TEST_CASE("split and put together, for sizes around the piece") {
    for (std::size_t size : {1U, 99U, 100U, 101U, 200U, 1'234U, 70'000U}) {
        CAPTURE(size);
        auto message = long_message(size);
        auto pieces = split(5, message, 100);
        CHECK(pieces.size() == (size + 99) / 100);
        reassembly box;
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            CHECK(pieces[i].data.size() <= 100);
            auto whole = box.add(node_id{1}, life, pieces[i]);
            REQUIRE(whole.has_value() == (i + 1 == pieces.size()));
            if (whole) CHECK((*whole == message));
        }
    }
}

TEST_CASE("pieces come in any order and more than once, from several senders at once") {
    auto one = long_message(1'000), other = long_message(777);
    auto ones = split(1, one, 100), others = split(1, other, 100);
    std::reverse(ones.begin(), ones.end());
    reassembly box;
    std::vector<bytes> whole;
    auto add = [&](std::uint32_t sender, const fragment& piece) {
        if (auto got = box.add(node_id{sender}, life, piece)) whole.push_back(*got);
    };
    for (std::size_t i = 0; i < ones.size(); ++i) {
        add(1, ones[i]);
        if (i < others.size()) add(2, others[i]), add(2, others[i]);
        if (i + 1 < ones.size()) add(1, ones[i]);
    }
    REQUIRE(whole.size() == 2);
    CHECK((whole[0] == other));
    CHECK((whole[1] == one));
}

TEST_CASE("a lost piece loses its message and no other") {
    auto message = long_message(500);
    reassembly box;
    auto lost = split(1, message, 100);
    for (std::size_t i = 1; i < lost.size(); ++i) CHECK_FALSE(box.add(node_id{1}, life, lost[i]));
    int whole = 0;
    for (std::uint64_t id = 2; id < 50; ++id)
        for (const auto& piece : split(id, message, 100)) whole += box.add(node_id{1}, life, piece) ? 1 : 0;
    CHECK(whole == 48);
}

TEST_CASE("pieces that make no sense are nothing") {
    reassembly box;
    CHECK_FALSE(box.add(node_id{1}, life, {1, 0, 0, "x"}));
    CHECK_FALSE(box.add(node_id{1}, life, {1, 5, 5, "x"}));
    CHECK_FALSE(box.add(node_id{1}, life, {1, 0, 1, ""}));
    CHECK_FALSE(box.add(node_id{1}, life, {1, 0, ~0U, "x"}));
    // Another count for the same message.
    CHECK_FALSE(box.add(node_id{1}, life, {2, 0, 2, "a"}));
    CHECK_FALSE(box.add(node_id{1}, life, {2, 1, 3, "b"}));
    CHECK(box.add(node_id{1}, life, {2, 1, 2, "b"}) == bytes("ab"));
}

TEST_CASE("a message above the limit is given up") {
    reassembly box;
    bytes large(message_bytes_max / 4, 'x');
    for (std::uint32_t i = 0; i < 4; ++i) CHECK_FALSE(box.add(node_id{1}, life, {1, i, 5, large}));
    CHECK_FALSE(box.add(node_id{1}, life, {1, 4, 5, "one more"}));
    CHECK(encode(box).size() < 1'000);
}

// What it holds is never more than a small multiple of what came in, and bounded in all.
TEST_CASE("memory is bounded whatever arrives") {
    SECTION("tiny pieces that announce many") {
        reassembly box;
        for (std::uint64_t id = 0; id < 100; ++id) CHECK_FALSE(box.add(node_id{1}, life, {id, 0, 60'000, "x"}));
        CHECK(encode(box).size() < 4'096);
    }
    SECTION("senders that nobody knows") {
        reassembly box;
        bytes data(10'000, 'x');
        for (std::uint32_t sender = 1; sender < 5'000; ++sender)
            CHECK_FALSE(box.add(node_id{sender}, life, {1, 0, 2, data}));
        CHECK(encode(box).size() < 1'000'000);
        CHECK(box.add(node_id{4'999}, life, {1, 1, 2, "y"}).has_value());  // the newest is still served
    }
}

TEST_CASE("what an earlier life of the sender left unfinished does not get into a message of the next") {
    auto before = long_message(300);
    auto now = bytes(300, 'n');
    auto lost = split(1, before, 100);
    auto whole = split(1, now, 100);  // a restarted sender numbers anew, and the sizes may be the same
    reassembly box;
    CHECK_FALSE(box.add(node_id{1}, life, lost[0]));
    CHECK_FALSE(box.add(node_id{1}, life, lost[2]));
    boot_id next{1, 2};
    CHECK_FALSE(box.add(node_id{1}, next, whole[0]));
    CHECK_FALSE(box.add(node_id{1}, next, whole[1]));
    auto made = box.add(node_id{1}, next, whole[2]);
    REQUIRE(made);
    CHECK((*made == now));
}
