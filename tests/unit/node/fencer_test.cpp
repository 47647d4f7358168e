// Fence requests carried out: devices in order, tries, and that unknown is never off.
#include "node/fencer.hpp"
#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::node;
using namespace mainstay::small;
using cluster::fence_outcome;

namespace {

std::string devices(const std::string& action) {
    auto text = configuration_text("fence_action " + action);
    auto begin = text.find("stonith_name strip");
    return text.insert(begin,
                       "stonith_name first\n  stonith_plugin stonith-exec\n  stonith_tries 2\n  stonith_node n2\n"
                       "stonith_name other\n  stonith_plugin stonith-exec\n  stonith_node n1\n");
}

struct fence_lab : cluster_lab {
    explicit fence_lab(const std::string& action = "off") : cluster_lab(devices(action)) { out.start_life({1, 1}); }

    void begin(node_id target) { item.begin(state, {9, target, {1, 1}, n1, {1, 1}, "test"}, out); }
    // "off first" ... of the one call that is open, or "" .
    std::string asked() {
        std::string word;
        for (auto& effect : out.take()) {
            if (auto* call = std::get_if<call_plugin>(&effect)) {
                CHECK(word.empty());  // one at a time
                word = call->verb + " " + call->instance;
                open = call->request;
                arguments = call->arguments;
            }
        }
        return word;
    }
    std::string answer(call_outcome outcome, std::string text = "") {
        plugin_answer said{open, outcome, std::move(text)};
        REQUIRE(item.answered(state, said, wanted, now, out));
        auto word = asked();
        if (!word.empty() || item.deadline() == never) return word;
        now = std::max(now, item.deadline());  // its back-off passes
        item.tick(state, wanted, now, out);
        return asked();
    }

    fencer item;
    effects out;
    bool heard = false;  // the target is heard again
    fencer::still_wanted wanted = [this](const auto&) { return !heard; };
    time_point now{};
    request_id open;
    string_pairs arguments;
};

}  // namespace

TEST_CASE("devices in order, each as often as it may be tried, only those that cover the node") {
    fence_lab lab;
    lab.begin(n2);
    CHECK(lab.asked() == "off first");
    CHECK(lab.arguments == string_pairs{{"node", "n2"}});
    CHECK(lab.answer(call_outcome::failed) == "off first");
    CHECK(lab.answer(call_outcome::failed) == "off strip");
    CHECK(lab.item.take_news().empty());
    CHECK(lab.answer(call_outcome::failed, "no such outlet").empty());
    auto news = lab.item.take_news();
    REQUIRE(news.size() == 1);
    CHECK(news[0].result.outcome == fence_outcome::failed);
    CHECK(news[0].result.id == 9);
    CHECK(news[0].result.detail.find("no such outlet") != std::string::npos);
}

TEST_CASE("only `off` is off") {
    struct row {
        call_outcome answer;
        fence_outcome outcome;
    };
    for (const auto& item :
         {row{call_outcome::off, fence_outcome::off_confirmed}, row{call_outcome::ok, fence_outcome::unknown},
          row{call_outcome::on, fence_outcome::unknown}, row{call_outcome::unknown, fence_outcome::unknown},
          row{call_outcome::off_assumed, fence_outcome::unknown},
          row{call_outcome::not_running, fence_outcome::unknown}, row{call_outcome::failed, fence_outcome::failed}}) {
        CAPTURE(to_string(item.answer));
        fence_lab lab;
        lab.begin(n3);
        CHECK(lab.asked() == "off strip");
        CHECK(lab.answer(item.answer).empty());
        auto news = lab.item.take_news();
        REQUIRE(news.size() == 1);
        CHECK(news[0].result.outcome == item.outcome);
    }
}

TEST_CASE("one unknown among failures leaves it unknown; a later device may still confirm") {
    fence_lab lab;
    lab.begin(n2);
    lab.asked();
    lab.answer(call_outcome::unknown);
    lab.answer(call_outcome::failed);
    SECTION("no") {
        lab.answer(call_outcome::failed);
        CHECK(lab.item.take_news().at(0).result.outcome == fence_outcome::unknown);
    }
    SECTION("yes") {
        lab.answer(call_outcome::off);
        auto news = lab.item.take_news();
        CHECK(news.at(0).result.outcome == fence_outcome::off_confirmed);
        CHECK(news.at(0).result.device == "strip");
    }
}

TEST_CASE("fence_action cycle powers the node on again, by the device that took the power; off does not") {
    fence_lab cycle("cycle");
    cycle.begin(n2);
    cycle.asked();
    CHECK(cycle.answer(call_outcome::off) == "on first");
    REQUIRE(cycle.item.take_news().size() == 1);
    CHECK(cycle.answer(call_outcome::failed, "stuck").empty());
    auto news = cycle.item.take_news();
    REQUIRE(news.size() == 1);
    CHECK(news[0].power_on);
    CHECK(news[0].node == n2);
    CHECK(news[0].result.outcome == fence_outcome::failed);

    fence_lab off("off");
    off.begin(n2);
    off.asked();
    CHECK(off.answer(call_outcome::off).empty());
}

TEST_CASE("a node that no device covers can't be fenced, and a device may go while it is asked") {
    auto text = devices("off");
    text.erase(text.find("stonith_name strip"), text.find("event_name") - text.find("stonith_name strip"));
    fence_lab lab;
    REQUIRE(lab.say(cluster::configure{text, {}}).accepted);
    lab.begin(n3);
    CHECK(lab.asked().empty());
    CHECK(lab.item.take_news().at(0).result.outcome == fence_outcome::failed);

    fence_lab gone;
    gone.begin(n2);
    gone.asked();
    gone.answer(call_outcome::failed);
    REQUIRE(gone.say(cluster::configure{text, {}}).accepted);  // strip, the next, is gone
    CHECK(gone.answer(call_outcome::failed).empty());
    auto news = gone.item.take_news();
    REQUIRE(news.size() == 1);
    CHECK(news[0].result.outcome == fence_outcome::failed);
}

TEST_CASE("answers to somebody else's calls are left alone") {
    fence_lab lab;
    lab.begin(n2);
    lab.asked();
    CHECK_FALSE(lab.item.answered(lab.state, {request_id{4'711}, call_outcome::off, ""}, lab.wanted, lab.now, lab.out));
    CHECK(lab.item.take_news().empty());
}

TEST_CASE("devices of one level act together: all must confirm, else the next level is tried") {
    auto text = devices("off");
    auto at = text.find("stonith_name strip");
    text.insert(at,
                "stonith_name left\n stonith_plugin stonith-exec\n stonith_tries 1\n stonith_level 1\n"
                "stonith_name right\n stonith_plugin stonith-exec\n stonith_tries 1\n stonith_level 1\n");
    fence_lab lab;
    REQUIRE(lab.say(cluster::configure{text, {}}).accepted);
    lab.begin(n3);
    std::map<std::string, request_id> calls;
    for (auto& effect : lab.out.take())
        if (auto* call = std::get_if<call_plugin>(&effect)) calls[call->instance] = call->request;
    REQUIRE(calls.size() == 2);  // both at once, before the unnumbered ones
    auto answer = [&](const char* device, call_outcome outcome) {
        REQUIRE(lab.item.answered(lab.state, {calls.at(device), outcome, ""}, lab.wanted, lab.now, lab.out));
    };
    answer("left", call_outcome::off);
    CHECK(lab.item.take_news().empty());
    SECTION("both confirm") {
        answer("right", call_outcome::off);
        auto news = lab.item.take_news();
        REQUIRE(news.size() == 1);
        CHECK(news[0].result.outcome == fence_outcome::off_confirmed);
        CHECK(news[0].result.device == "left, right");
    }
    SECTION("one does not: the node may live on its other supply") {
        answer("right", call_outcome::failed);
        CHECK(lab.asked() == "off strip");
        CHECK(lab.answer(call_outcome::off).empty());
        CHECK(lab.item.take_news().at(0).result.device == "strip");
    }
}

TEST_CASE("a node that is heard again is not tried a second time") {
    fence_lab lab;
    lab.begin(n2);
    lab.asked();
    lab.heard = true;
    CHECK(lab.answer(call_outcome::failed).empty());
    auto news = lab.item.take_news();
    REQUIRE(news.size() == 1);
    CHECK(news[0].result.outcome == fence_outcome::cancelled);
}

TEST_CASE("a device whose level ended in the same tick is not asked in the next") {
    auto level = [](const std::string& name, int number) {
        return "stonith_name " + name + "\n  stonith_plugin stonith-exec\n  stonith_tries 2\n  stonith_level " +
               std::to_string(number) + "\n";
    };
    auto text = configuration_text("fence_action off");
    auto begin = text.find("stonith_name strip");
    auto end = text.find("event_name");
    auto with = [&](const std::string& list) { return text.substr(0, begin) + list + text.substr(end); };
    fence_lab lab;
    REQUIRE(lab.say(cluster::configure{with(level("a", 1) + level("b", 1) + level("last", 2)), {}}).accepted);
    lab.begin(n2);
    for (auto& effect : lab.out.take())
        if (auto* call = std::get_if<call_plugin>(&effect))
            REQUIRE(
                lab.item.answered(lab.state, {call->request, call_outcome::failed, ""}, lab.wanted, lab.now, lab.out));
    REQUIRE(lab.say(cluster::configure{with(level("b", 1) + level("last", 2)), {}}).accepted);
    lab.now = lab.item.deadline();
    lab.item.tick(lab.state, lab.wanted, lab.now, lab.out);
    CHECK(lab.asked() == "off last");
}
