// The fold itself: counted once, unknown kinds, the byte form, notices.
#include <limits>

#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;

namespace {

consensus::entry submission(node_id origin, boot_id boot, std::uint64_t serial, cluster::command_body body) {
    cluster::command item;
    item.actor = "alice@n1";
    item.origin = origin;
    item.origin_boot = boot;
    item.serial = serial;
    item.body = std::move(body);
    return {term{1, n1}, consensus::payload{encode(item)}};
}

}  // namespace

TEST_CASE("a submission counts once, however often it is in the log") {
    cluster_lab lab;
    auto entry = submission(n2, {1, 1}, 1, cluster::package_switching{"web", "", false});
    CHECK(lab.apply(entry).accepted);
    lab.say(cluster::package_switching{"web", "", true});
    auto again = lab.apply(entry);
    CHECK(again.duplicate);
    CHECK_FALSE(again.accepted);
    CHECK(lab.package("web").switching);
    CHECK(lab.state.applied == lab.index);

    // Serials only grow within a life; a new life begins again.
    CHECK(lab.apply(submission(n2, {1, 1}, 5, cluster::package_switching{"web", "", false})).accepted);
    CHECK(lab.apply(submission(n2, {1, 1}, 4, cluster::package_switching{"web", "", true})).duplicate);
    CHECK(lab.apply(submission(n2, {1, 2}, 1, cluster::package_switching{"web", "", true})).accepted);
    CHECK(lab.apply(submission(n2, {1, 1}, 9, cluster::package_switching{"web", "", false})).duplicate);
    CHECK(lab.apply(submission(n3, {1, 1}, 1, cluster::package_switching{"web", "", false})).accepted);
}

TEST_CASE("a refused submission counts as well") {
    cluster_lab lab;
    auto entry = submission(n2, {1, 1}, 1, cluster::package_run{"web", "n9"});
    CHECK_FALSE(lab.apply(entry).refusal.empty());
    CHECK(lab.apply(entry).duplicate);
}

TEST_CASE("an entry of an unknown kind stops the applying, and is not skipped") {
    for (const char* what : {"unknown kind", "trailing bytes", "empty", "truncated"}) {
        CAPTURE(what);
        cluster_lab lab;
        cluster::command item;
        item.body = cluster::cluster_admin{false};
        auto data = encode(item);
        if (std::string(what) == "unknown kind") data[data.size() - 2] = 120;
        if (std::string(what) == "trailing bytes") data += "x";
        if (std::string(what) == "empty") data.clear();
        if (std::string(what) == "truncated") data.pop_back();
        auto before = encode(lab.state);
        auto outcome = lab.apply({term{1, n1}, consensus::payload{data}});
        CHECK(outcome.unknown);
        CHECK_FALSE(outcome.accepted);
        CHECK_FALSE(outcome.refusal.empty());
        CHECK(encode(lab.state) == before);
    }
}

TEST_CASE("the same entries give the same state, and its byte form reads back whole") {
    auto tell = [](cluster_lab& lab) {
        lab.run("web", n1);
        lab.start("db", n2);
        lab.report("db", cluster::report::start_exit_2, "x");
        lab.say(cluster::service_restarted{"web", {1}, "probe", 2, "exit 1"});
        lab.say(cluster::cluster_event{n1, "ups", "ups_on_battery", "warning", {{"load", "20"}}});
        lab.lose(n1);
        lab.ask_fence(n1);
        lab.apply(submission(n3, {1, 1}, 3, cluster::package_run{"db", "n3"}));
    };
    cluster_lab one, other;
    tell(one), tell(other);
    auto bytes = encode(one.state);
    CHECK(bytes == encode(other.state));
    auto back = cluster::decode_state(bytes);
    REQUIRE(back);
    CHECK(encode(*back) == bytes);
    CHECK(back->config.packages.size() == 2);  // derived from the text again
    CHECK(back->find_package("web") != nullptr);
    CHECK(back->config.cluster.nodes.size() == 3);

    // And goes on the same way.
    auto index = one.index;
    index.value += 1;
    one.say(cluster::package_stop{"web"});
    cluster::apply(*back, index, one.last);
    CHECK(encode(*back) == encode(one.state));
}

TEST_CASE("bytes that are no state are refused") {
    cluster_lab lab;
    lab.run("web", n1);
    auto bytes = encode(lab.state);
    CHECK_FALSE(cluster::decode_state(""));
    CHECK_FALSE(cluster::decode_state(bytes + "x"));
    for (std::size_t size = 0; size < bytes.size(); size += 7)
        CHECK_FALSE(cluster::decode_state(bytes.substr(0, size)));
    auto state = lab.state;
    state.configuration_text = "nonsense";
    CHECK_FALSE(cluster::decode_state(encode(state)));
}

TEST_CASE("a state that names what it does not hold was not folded from a log") {
    cluster_lab lab;
    lab.run("web", n1);
    lab.lose(n2);
    lab.ask_fence(n2);
    REQUIRE(cluster::decode_state(encode(lab.state)));
    auto refused = [&](auto&& change) {
        auto state = lab.state;
        change(state);
        return !cluster::decode_state(encode(state));
    };
    CHECK(refused([](auto& state) { state.nodes.erase(n3); }));
    CHECK(refused([](auto& state) { state.ids.erase("n3"); }));
    CHECK(refused([](auto& state) { state.nodes[n3].name = "n4"; }));
    CHECK(refused([](auto& state) { state.next_node = n3; }));
    CHECK(refused([](auto& state) { state.packages.erase("db"); }));
    CHECK(refused([](auto& state) { state.packages["web"].owner = node_id{9}; }));
    CHECK(refused([](auto& state) { state.packages["db"].target = node_id{9}; }));
    CHECK(refused([](auto& state) { state.packages["db"].avoid = node_id{9}; }));
    CHECK(refused([](auto& state) { state.packages["db"].maintained = cluster::maintenance{node_id{9}, {}, {}, {}}; }));
    CHECK(refused([](auto& state) { state.fences[n3] = state.fences[n2]; }));
    CHECK(refused([](auto& state) { state.fence_ids = 0; }));
    CHECK(refused([](auto& state) { state.nodes[n1].status_by.when.us = std::numeric_limits<std::int64_t>::min(); }));
}

TEST_CASE("the newest package entry is the newest start or halt decision") {
    cluster_lab lab;
    CHECK(lab.state.newest_package_entry == log_index{0});
    lab.start("web", n1);
    auto started = lab.index;
    CHECK(lab.state.newest_package_entry == started);
    lab.report("web", cluster::report::running);
    lab.say(cluster::package_stop{"web"});
    CHECK(lab.state.newest_package_entry == started);
    lab.say(cluster::package_halt{"web", {1}, "asked"});
    CHECK(lab.state.newest_package_entry == lab.index);
}

TEST_CASE("notices wait for each notifier that wants the event, and no longer") {
    cluster_lab lab(configuration_text("",
                                       "notifier_name all_alarms\n  notifier_plugin notify-exec\n"
                                       "notifier_name some\n  notifier_plugin notify-exec\n"
                                       "  notifier_event node_lost node_joined\n"));
    lab.state.notices.clear();
    lab.run("web", n1);
    CHECK(lab.state.notices.empty());  // nobody asked for package_running
    lab.lose(n1);
    REQUIRE(lab.state.notices.size() == 1);
    auto entry = lab.state.notices[0].entry;
    CHECK(lab.state.notices[0].event == "node_lost");
    CHECK(lab.state.notices[0].notifiers == std::vector<std::string>{"all_alarms", "some"});
    lab.say(cluster::notified{"some", entry, true, ""});
    REQUIRE(lab.state.notices.size() == 1);
    CHECK(lab.state.notices[0].notifiers == std::vector<std::string>{"all_alarms"});
    lab.say(cluster::notified{"all_alarms", entry, false, "no mail"});  // gave up
    CHECK(lab.state.notices.empty());
    lab.boot(n1, {2, 2});
    REQUIRE(lab.state.notices.size() == 1);
    CHECK(lab.state.notices[0].notifiers == std::vector<std::string>{"some"});
}

TEST_CASE("notices that nobody takes do not grow for ever") {
    cluster_lab lab(
        configuration_text("", "notifier_name all\n  notifier_plugin notify-exec\n  notifier_event ping\n"));
    for (int i = 0; i < 3'000; ++i) lab.say(cluster::cluster_event{n1, "", "ping", "info", {}});
    CHECK(lab.state.notices.size() == 1'000);
}

TEST_CASE("node lists: named, star, absent") {
    cluster_lab lab(configuration_text() + "package_name star\n  node_name *\n  run_script /bin/true\n");
    using list = std::vector<node_id>;
    CHECK(lab.state.node_list(*lab.state.find_package("web")) == list{n1, n2});
    CHECK(lab.state.node_list(*lab.state.find_package("db")) == list{n1, n2, n3});
    CHECK(lab.state.node_list(*lab.state.find_package("star")) == list{n1, n2, n3});
    CHECK(lab.state.find_node("nobody") == node_id{});
    CHECK(lab.state.node_name(node_id{9}) == "node#9");
}

TEST_CASE("who may host: up, not halted, not drained") {
    cluster_lab lab;
    CHECK(lab.state.may_host(n1));
    CHECK_FALSE(lab.state.may_host(node_id{9}));
    auto& node = lab.state.nodes.at(n1);
    for (auto status : {cluster::node_status::unseen, cluster::node_status::lost, cluster::node_status::fenced}) {
        node.status = status;
        CHECK_FALSE(lab.state.may_host(n1));
    }
    node.status = cluster::node_status::up;
    node.power_away = true;
    CHECK_FALSE(lab.state.may_host(n1));
    node.power_away = false;
    node.halted = true;
    CHECK_FALSE(lab.state.may_host(n1));
}

// Invariant 4; a node that ran the former one would take the first starts of the new one for old.
TEST_CASE("the generations of a package that is taken out and put in again go on") {
    cluster_lab lab;
    lab.run("web", n1);
    REQUIRE(lab.report("web", cluster::report::halted).accepted);
    auto former = lab.package("web").generation;
    auto all = configuration_text();
    auto rest = all;
    auto begin = rest.find("package_name web");
    rest.erase(begin, rest.find("package_name db") - begin);
    REQUIRE(lab.say(cluster::configure{rest, {}}).accepted);
    CHECK_FALSE(lab.state.packages.contains("web"));
    REQUIRE(lab.say(cluster::configure{all, {}}).accepted);
    CHECK(lab.package("web").generation == former);
    CHECK_FALSE(lab.package("web").active());
}
