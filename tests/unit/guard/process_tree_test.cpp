#include <catch2/catch.hpp>

#include "guard/process_tree.hpp"

using namespace mainstay::guard;

TEST_CASE("a stat line is read, whatever the command is called") {
    process_info p;
    REQUIRE(parse_stat("42 (a) b) R 7 42 41 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 2", p));
    CHECK(p.pid == 42);
    CHECK(p.parent == 7);
    CHECK(p.group == 42);
    CHECK(p.session == 41);
    CHECK(p.start == 987654);
    CHECK_FALSE(p.zombie);
    REQUIRE(parse_stat("42 (x) Z 7 42 41 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 2", p));
    CHECK(p.zombie);
    for (const char* bad : {"", "42", "42 (x)", "x (x) R 1 1 1", "42 (x) R 1 1 1 0"}) CHECK_FALSE(parse_stat(bad, p));
}

TEST_CASE("the tree: session, group, descendants, and who carries the mark") {
    std::vector<process_info> all{
        {.pid = 1, .parent = 0, .group = 1, .session = 1},
        {.pid = 10, .parent = 5, .group = 10, .session = 10, .zombie = true},     // the first process
        {.pid = 11, .parent = 10, .group = 11, .session = 10},                    // own group
        {.pid = 12, .parent = 11, .group = 12, .session = 12},                    // own session, known parent
        {.pid = 13, .parent = 5, .group = 13, .session = 13, .mark = "g/web/7"},  // lost its parent
        {.pid = 14, .parent = 13, .group = 14, .session = 14},                    // child of that
        {.pid = 20, .parent = 5, .group = 20, .session = 20, .mark = "g/web/8"},  // of another one
        {.pid = 21, .parent = 20, .group = 21, .session = 21},
    };
    std::vector<pid_t> pids;
    for (const auto& member : members_of(all, 10, "g/web/7")) pids.push_back(member.pid);
    CHECK(pids == std::vector<pid_t>{11, 12, 13, 14});
    CHECK(members_of(all, 99, "").empty());
}

TEST_CASE("a plugin call: what it has started and not let go") {
    std::vector<process_info> all{
        {.pid = 10, .parent = 5, .group = 10, .session = 10},                // the plugin host
        {.pid = 11, .parent = 10, .group = 11, .session = 10, .call = "7"},  // its script
        {.pid = 12, .parent = 5, .group = 11, .session = 10},                // lost its parent, same group
        {.pid = 13, .parent = 12, .group = 13, .session = 13},
        {.pid = 14, .parent = 5, .group = 14, .session = 14, .call = "7"},  // on its own, but of this call
        {.pid = 20, .parent = 5, .group = 20, .session = 10, .call = "6"},  // a server of an earlier call
        {.pid = 21, .parent = 20, .group = 20, .session = 10, .call = "6"},
    };
    auto pids = [&](pid_t root, const std::set<std::string>& calls) {
        std::vector<pid_t> list;
        for (const auto& member : call_members_of(all, root, calls)) list.push_back(member.pid);
        return list;
    };
    CHECK(pids(10, {}) == std::vector<pid_t>{11, 12, 13});
    CHECK(pids(10, {"7"}) == std::vector<pid_t>{11, 12, 13, 14});
    CHECK(pids(0, {"7"}) == std::vector<pid_t>{11, 12, 13, 14});
    CHECK(pids(0, {}).empty());
}

TEST_CASE("marks name guard, package and request") {
    CHECK(process_mark("12.34", "web", 7) == "12.34/web/7");
    CHECK(is_package_mark("12.34", "12.34/web/7"));
    CHECK_FALSE(is_package_mark("12.34", "12.34//7"));  // belongs to no package
    CHECK_FALSE(is_package_mark("12.3", "12.34/web/7"));
    CHECK_FALSE(is_package_mark("12.34", ""));
}

TEST_CASE("this process stands in the snapshot, and is not signalled under a wrong start time") {
    auto all = snapshot_processes();
    auto self = std::find_if(all.begin(), all.end(), [](const auto& p) { return p.pid == ::getpid(); });
    REQUIRE(self != all.end());
    CHECK(signal_process(*self, 0));
    auto other = *self;
    other.start += 1;
    CHECK_FALSE(signal_process(other, 0));
}
