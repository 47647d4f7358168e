// R7, R8: which voter set comes next, as a table.
#include <catch2/catch.hpp>

#include "consensus/voters.hpp"
#include "network.hpp"

using namespace mainstay;
using namespace mainstay::consensus;

namespace {

// Who is what: capital = alive, lower case = lost, '-' after it = leaving, '?' = its status is up and it does not
// answer; learners the same.
std::string after(const std::string& voters, const std::string& everybody, tie_break kind, bool works) {
    voter_set base;
    base.version = 1;
    base.kind = kind;
    for (char c : voters) base.voters.push_back(voter_of(static_cast<std::uint32_t>(c - 'A' + 1)));
    voter_wish wish;
    wish.kind = kind;
    wish.tie_works = works;
    wish.leader = node_id{1};
    for (std::size_t i = 0; i < everybody.size(); ++i) {
        if (everybody[i] == '-') {
            wish.members.back().leaving = true;
            continue;
        }
        if (everybody[i] == '?') {
            wish.members.back().caught_up = false;
            continue;
        }
        bool alive = everybody[i] >= 'A' && everybody[i] <= 'Z';
        auto number = static_cast<std::uint32_t>(everybody[i] - (alive ? 'A' : 'a') + 1);
        wish.members.push_back({voter_of(number), alive, alive, false});
    }
    auto next = next_voters(base, wish);
    if (!next) return "=";
    CHECK(next->version == 2);
    std::string text;
    for (const auto& item : next->voters) text += static_cast<char>('A' + item.node.value - 1);
    return text;
}

}  // namespace

TEST_CASE("the next voter set") {
    struct row {
        const char* what;
        const char* voters;
        const char* everybody;
        bool tie;
        const char* next;
    };
    for (const auto& item : std::vector<row>{
             {"all well", "ABC", "ABC", false, "="},
             {"three, one lost, no tie-break: the third could still make a majority", "ABC", "ABc", false, "="},
             {"three, one lost, with a tie-break", "ABC", "ABc", true, "AB"},
             {"two, one lost, by R2 nothing can be done but want it", "AB", "Ab", true, "A"},
             {"three, one halted, one not heard of yet: nobody would commit the two", "ABC", "AB-C?", true, "="},
             {"four, one lost", "ABCD", "ABCd", false, "ABC"},
             {"four, one lost, with a tie-break: three need none", "ABCD", "ABCd", true, "ABC"},
             {"five, one lost, no tie-break", "ABCDE", "ABCDe", false, "="},
             {"five, two lost, no tie-break", "ABCDE", "ABCde", false, "ABC"},
             {"five, one lost, with a tie-break", "ABCDE", "ABCDe", true, "ABCD"},
             {"one, another comes back, no tie-break: it would only add a way to stop", "A", "AB", false, "="},
             {"one, two come back, no tie-break", "A", "ABC", false, "ABC"},
             {"one, another comes back, with a tie-break", "A", "AB", true, "AB"},
             {"two, the third comes back", "AB", "ABC", true, "ABC"},
             {"two whose tie-break does not work stay two", "AB", "AB", false, "="},
             {"four without a tie-break are three and a learner", "ABCD", "ABCD", false, "ABC"},
             {"four with one", "ABCD", "ABCD", true, "="},
             {"seven at most", "ABCDEFG", "ABCDEFGHI", false, "="},
             {"a lost voter is replaced by a learner", "ABCDEFG", "ABcDEFGHI", false, "ABDEFGH"},
             {"a node that is halted leaves the set", "AB", "AB-", true, "A"},
             {"a halted learner is not taken in", "A", "AB-", true, "="},
             {"of three without a tie-break a halted one stays", "ABC", "ABC-", false, "="}}) {
        CAPTURE(item.what);
        CHECK(after(item.voters, item.everybody, item.tie ? tie_break::proof : tie_break::none, item.tie) == item.next);
    }
}

TEST_CASE("another kind, another arbitrator or a used-up grant renew the set") {
    voter_set base = set_of(4, {1, 2});
    base.kind = tie_break::arbitrator;
    base.arbitrator = store_id{7};
    voter_wish wish;
    wish.kind = tie_break::arbitrator;
    wish.arbitrator = store_id{7};
    wish.tie_works = true;
    wish.leader = node_id{1};
    for (std::uint32_t id : {1U, 2U}) wish.members.push_back({voter_of(id), true, true, false});
    CHECK_FALSE(next_voters(base, wish));
    SECTION("used up") {
        wish.renew = true;
        CHECK(next_voters(base, wish)->arbitrator == store_id{7});
    }
    SECTION("lost its store") {
        wish.arbitrator = store_id{8};
        CHECK(next_voters(base, wish)->arbitrator == store_id{8});
    }
    SECTION("not heard from: the one that was named stays named") {
        wish.arbitrator = {};
        wish.renew = true;
        CHECK(next_voters(base, wish)->arbitrator == store_id{7});
    }
    SECTION("proof instead") {
        wish.kind = tie_break::proof;
        CHECK(next_voters(base, wish)->kind == tie_break::proof);
        CHECK_FALSE(next_voters(base, wish)->arbitrator);
    }
    CHECK(next_voters(base, wish)->version == 5);
    CHECK(next_voters(base, wish)->voters == base.voters);
}

TEST_CASE("a voter with another store is taken out and comes back as a new one") {
    auto base = set_of(1, {1, 2, 3});
    voter_wish wish;
    wish.leader = node_id{1};
    wish.members = {{voter_of(1), true, true, false},
                    {voter_of(2), true, true, false},
                    {{node_id{3}, store_id{999}}, true, true, false}};
    auto next = next_voters(base, wish);
    REQUIRE(next);
    REQUIRE(next->voters.size() == 3);
    CHECK(next->voters[2].store == store_id{999});
}
