// What is looked at while a package runs, and what comes of it.
#include "runner_lab.hpp"

using namespace mainstay;
using namespace mainstay::node;

namespace {

class status_lab : public runner_lab {
public:
    words look() {
        now = item.deadline();
        item.tick(now, out);
        return asked();
    }
    // All of it is there.
    void seen() {
        for (const char* word : {"status address", "status nginx", "status disk"})
            CHECK(answer(word, call_outcome::ok).empty());
    }
    void up() {
        run();
        item.tick(now, out);
        REQUIRE(asked().empty());
        REQUIRE(item.deadline() == now + 30'000 * ms);
        REQUIRE(look() == words{"status address", "status nginx", "status disk"});
        seen();
    }
    std::string told() {
        std::string text;
        for (auto& each : item.take_news()) text += each.event + ": " + each.detail;
        return text;
    }
};

}  // namespace

TEST_CASE("what is gone twice in a row fails the package") {
    status_lab lab;
    lab.up();
    auto before = lab.now;
    lab.look();
    CHECK(lab.now == before + 30'000 * ms);
    CHECK(lab.answer("status address", call_outcome::not_running).empty());
    CHECK(lab.answer("status nginx", call_outcome::ok).empty());
    CHECK(lab.answer("status disk", call_outcome::ok).empty());
    CHECK(lab.news().empty());
    lab.item.tick(lab.now, lab.out);
    before = lab.now;
    CHECK(lab.look() == words{"status address", "status nginx", "status disk"});
    CHECK(lab.now == before + 1'000 * ms);
    CHECK(lab.answer("status address", call_outcome::not_running) == words{"kill service:probe", "kill service:feed"});
    CHECK(lab.news() == words{"service_failed"});
    CHECK(lab.details.back() == "address 10.77.0.100 is gone");
    // The answers that are still on their way are nobody's business any more.
    CHECK(lab.answer("status nginx", call_outcome::not_running).empty());
}

TEST_CASE("gone once is nothing") {
    status_lab lab;
    lab.up();
    for (int i = 0; i < 3; ++i) {
        auto gone = i == 1 ? call_outcome::ok : call_outcome::not_running;
        lab.look();
        lab.answer("status nginx", gone);
        lab.answer("status address", call_outcome::ok);
        lab.answer("status disk", call_outcome::ok);
        lab.item.tick(lab.now, lab.out);
    }
    CHECK(lab.item.phase() == runner_phase::running);
    CHECK(lab.told().empty());
}

TEST_CASE("who can't tell fails nothing, and is told of once") {
    status_lab lab;
    lab.up();
    for (int i = 0; i < 3; ++i) {
        lab.look();
        lab.answer("status address", call_outcome::ok);
        lab.answer("status nginx", call_outcome::ok);
        lab.answer("status disk", call_outcome::unknown, "no answer");
    }
    CHECK(lab.told() == "resource_in_doubt: disk: no answer");
    lab.look();
    lab.answer("status disk", call_outcome::ok);
    CHECK(lab.told() == "resource_seen_again: disk");
    CHECK(lab.item.phase() == runner_phase::running);
}

TEST_CASE("a status that never says up, as of a script without one, counts for nothing") {
    status_lab lab;
    lab.run();
    lab.item.tick(lab.now, lab.out);
    for (int i = 0; i < 3; ++i) {
        lab.look();
        lab.answer("status address", call_outcome::ok);
        lab.answer("status disk", call_outcome::ok);
        lab.answer("status nginx", call_outcome::not_running, "exit 3");
        lab.item.tick(lab.now, lab.out);
    }
    CHECK(lab.told() == "resource_in_doubt: nginx: exit 3");
    CHECK(lab.item.phase() == runner_phase::running);
}

TEST_CASE("one call at most is under way for each, and none in maintenance or a halt") {
    status_lab lab;
    lab.up();
    lab.look();
    lab.answer("status nginx", call_outcome::ok);
    CHECK(lab.look() == words{"status nginx"});
    lab.item.maintained(true);
    lab.item.tick(lab.now, lab.out);
    CHECK(lab.item.deadline() == never);
    CHECK(lab.answer("status nginx", call_outcome::not_running).empty());
    CHECK(lab.told().empty());
    lab.item.maintained(false);
    lab.item.tick(lab.now, lab.out);
    CHECK(lab.item.deadline() == lab.now + 30'000 * ms);
    lab.item.halt(lab.out);
    lab.asked();
    lab.item.tick(lab.now, lab.out);
    CHECK(lab.item.deadline() == never);
}

TEST_CASE("with others that need it the failed package waits for the decision") {
    status_lab lab;
    lab.up();
    lab.item.needed_by_others(true);
    for (int i = 0; i < 2; ++i) {
        lab.look();
        CHECK(lab.answer("status disk", call_outcome::not_running, "not mounted").empty());
        lab.answer("status nginx", call_outcome::ok);
        lab.answer("status address", call_outcome::ok);
        lab.item.tick(lab.now, lab.out);
    }
    CHECK(lab.news() == words{"service_failed"});
    CHECK(lab.details.back() == "disk is gone: not mounted");
    CHECK(lab.item.phase() == runner_phase::running);
}
