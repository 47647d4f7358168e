// on_battery_after 10s for n1, which the source `ups` feeds.
#include "policy_lab.hpp"

using namespace mainstay;
using namespace mainstay::small;
using cluster::power_action;

namespace {

struct power_lab : policy_lab {
    using policy_lab::policy_lab;
    void event(const char* name, duration later = duration{0}) {
        say(cluster::cluster_event{n2, "ups", name, "warning", {}});
        since = state.power["ups"].since;
        at(later);
    }
    void at(duration later) { view.wall = wall_time{since.us + later.count()}; }
    wall_time since;
};

}  // namespace

TEST_CASE("mains, a short battery, a long one, a low one") {
    power_lab lab;
    CHECK(lab.all<power_action>().empty());
    lab.event("ups_on_battery");
    for (int seconds : {0, 1, 9}) {
        lab.at(seconds * second);
        CHECK(lab.all<power_action>().empty());
        CHECK(lab.decide().look_again == lab.view.now + (10 - seconds) * second);
    }
    lab.at(9'999'999 * duration{1});
    CHECK(lab.all<power_action>().empty());
    lab.at(10 * second);
    auto found = lab.all<power_action>();
    REQUIRE(found.size() == 1);
    CHECK(found[0].node == n1);
    CHECK(found[0].away);
}

TEST_CASE("a low battery acts at once") {
    power_lab lab;
    lab.event("ups_low_battery");
    REQUIRE(lab.all<power_action>().size() == 1);
    CHECK(lab.all<power_action>()[0].away);
}

TEST_CASE("mains back: the node may run packages again, once") {
    power_lab lab;
    lab.event("ups_on_battery");
    lab.at(11 * second);
    lab.say(lab.all<power_action>().at(0));
    CHECK(lab.all<power_action>().empty());  // not decided twice
    lab.event("ups_on_mains");
    auto found = lab.all<power_action>();
    REQUIRE(found.size() == 1);
    CHECK_FALSE(found[0].away);
    lab.say(found[0]);
    CHECK(lab.all<power_action>().empty());
}

TEST_CASE("a source without on_battery_after moves nothing") {
    auto text = configuration_text();
    auto begin = text.find("  on_battery_after");
    text.erase(begin, text.find('\n', begin) - begin);
    power_lab lab(text);
    lab.event("ups_low_battery", 100 * second);
    CHECK(lab.all<power_action>().empty());
}

TEST_CASE("only the nodes that the source feeds are drained") {
    power_lab lab;
    lab.event("ups_on_battery", 20 * second);
    for (const auto& item : lab.all<power_action>()) CHECK(item.node == n1);
}
