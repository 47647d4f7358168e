// The byte form of plain values: exact both ways, and nothing but exact bytes is read.
#include "model/codec.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "model/text.hpp"

using namespace mainstay;

namespace {

enum class colour : std::uint8_t { red, green, count_ };

struct leaf {
    static constexpr const char* name_ = "leaf";
    std::uint8_t small = 0;
    std::int32_t number = 0;
    bool flag = false;
    colour paint = colour::red;
    bool operator==(const leaf&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("small", self.small);
        visit("number", self.number);
        visit("flag", self.flag);
        visit("paint", self.paint);
    }
};

struct tree {
    std::string text;
    std::vector<leaf> list;
    std::map<std::string, std::uint64_t> map;
    std::set<node_id> set;
    std::deque<bool> queue;
    std::optional<leaf> maybe;
    std::variant<std::monostate, std::string, leaf> either;
    std::pair<duration, time_point> times;
    std::array<std::uint16_t, 3> three{};
    wall_time when;
    bool operator==(const tree&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("text", self.text);
        visit("list", self.list);
        visit("map", self.map);
        visit("set", self.set);
        visit("queue", self.queue);
        visit("maybe", self.maybe);
        visit("either", self.either);
        visit("times", self.times);
        visit("three", self.three);
        visit("when", self.when);
    }
};

tree full_tree() {
    tree item;
    item.text = std::string("a\0b", 3);
    item.list = {{255, -1, true, colour::green}, {0, INT32_MIN, false, colour::red}};
    item.map = {{"", 0}, {"x", UINT64_MAX}};
    item.set = {node_id{1}, node_id{UINT32_MAX}};
    item.queue = {true, false};
    item.maybe = leaf{1, 2, true, colour::red};
    item.either = std::string("s");
    item.times = {duration{-5}, never};
    item.three = {1, 2, UINT16_MAX};
    item.when = wall_time{-1};
    return item;
}

}  // namespace

TEST_CASE("codec: every kind of member reads back as it was") {
    for (const auto& item : {tree{}, full_tree()}) {
        auto back = decode<tree>(encode(item));
        REQUIRE(back);
        CHECK((*back == item));
    }
    for (std::int64_t number :
         {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, std::int64_t{-64}, INT64_MAX, INT64_MIN})
        CHECK(decode<std::int64_t>(encode(number)) == number);
    for (std::uint64_t number : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, UINT64_MAX})
        CHECK(decode<std::uint64_t>(encode(number)) == number);
}

// The form is stored and sent: a change here breaks clusters that are being upgraded.
TEST_CASE("codec: the bytes are these") {
    CHECK(encode(std::uint32_t{300}) == "\xac\x02");
    CHECK(encode(std::int32_t{-2}) == "\x03");
    CHECK(encode(std::string("ab")) ==
          "\x02"
          "ab");
    CHECK(encode(std::optional<bool>{}) == bytes(1, '\0'));
    CHECK(encode(leaf{7, 1, true, colour::green}) == "\x07\x02\x01\x01");
}

TEST_CASE("codec: truncated, extended and out of range is nothing") {
    auto good = encode(full_tree());
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_FALSE(decode<tree>(std::string_view(good).substr(0, size)));
    CHECK_FALSE(decode<tree>(good + std::string(1, '\0')));
    CHECK_FALSE(decode<bool>("\x02"));
    CHECK_FALSE(decode<colour>("\x02"));            // count_ is no colour
    CHECK_FALSE(decode<std::uint8_t>("\x80\x02"));  // 256
    CHECK_FALSE(decode<std::int32_t>(encode(std::int64_t{1} << 31)));
    CHECK_FALSE(decode<std::variant<bool, bool>>("\x02\x01"));
    CHECK_FALSE(decode<std::uint64_t>("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));  // 65 bits
    CHECK_FALSE(decode<std::uint64_t>("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"));
}

TEST_CASE("codec: a count that the bytes can't hold allocates nothing") {
    bytes lie = encode(UINT64_MAX / 2);
    CHECK_FALSE(decode<std::string>(lie));
    CHECK_FALSE(decode<std::vector<std::uint64_t>>(lie + "xyz"));
    CHECK_FALSE(decode<std::deque<leaf>>(lie + "xyz"));
    CHECK_FALSE((decode<std::map<std::string, leaf>>(lie + "xyz")));
    CHECK_FALSE(decode<std::set<node_id>>(lie + "xyz"));
}

TEST_CASE("codec: random and changed bytes decode to nothing or to a value that encodes") {
    std::mt19937_64 random(11);
    auto good = encode(full_tree());
    for (int i = 0; i < 100'000; ++i) {
        auto data = good;
        for (auto changes = random() % 4 + 1; changes > 0; --changes)
            data[random() % data.size()] = static_cast<char>(random());
        auto found = decode<tree>(data);
        if (found && decode<tree>(encode(*found)) != found) FAIL("changed on the way");
    }
}

TEST_CASE("text form: members by name, empty ones left out") {
    CHECK(to_text(leaf{7, -1, true, colour::green}) == "leaf small=7 number=-1 flag=yes paint=1");
    CHECK(to_text(boot_id{3, 4}) == "3.4");
    CHECK(to_text(term{5, node_id{2}}) == "5.2");
    CHECK(to_text(tree{}).find("list") == std::string::npos);
}
