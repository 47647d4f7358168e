// What was asked of this node: submissions until they count, operations until they are over.
#include "node/operations.hpp"
#include "cluster/plan_id.hpp"
#include "node/submissions.hpp"
#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::node;
using namespace mainstay::small;

namespace {

struct operations_lab : cluster_lab {
    // Asks, and has it counted at once.
    void ask(std::uint64_t id, const cluster::command_body& body) {
        item.add(id, id + 100, body, time_point{duration{1'000}});
        item.counted(id + 100, state, say(body, "alice@n1"), out);
    }
    void happens(const std::string& what, const std::string& package) {
        happened entry;
        entry.text = what;
        entry.package = package;
        item.applied(state, entry, out);
    }
    // "done", "refused" ... of the call, or "" while it waits.
    std::string end(std::uint64_t id) {
        for (auto& effect : out.take()) {
            if (auto* done = std::get_if<admin_done>(&effect))
                ends[done->id] = to_string(done->result), said = done->text;
            if (auto* told = std::get_if<admin_progress>(&effect)) progress.push_back(told->text);
        }
        return ends[id];
    }
    operations item;
    effects out;
    std::map<std::uint64_t, std::string> ends;
    std::vector<std::string> progress;
    std::string said;
};

}  // namespace

TEST_CASE("submissions: serials grow, the oldest are asked first, each until it counts") {
    submissions list;
    CHECK(list.empty());
    for (std::uint64_t i = 1; i <= 100; ++i) {
        cluster::command item;
        item.body = cluster::feature_level{static_cast<std::uint32_t>(i)};
        CHECK(list.add(item) == i);
    }
    auto first = list.oldest();
    CHECK(first.size() < 100);
    for (std::size_t i = 0; i < first.size(); ++i) CHECK(first[i].serial == i + 1);
    list.counted(2);
    list.counted(2);
    list.withdraw(1);
    CHECK(list.oldest().front().serial == 3);
    for (std::uint64_t i = 3; i <= 100; ++i) list.counted(i);
    CHECK(list.empty());
    CHECK(list.add({}) == 101);
}

TEST_CASE("a refusal ends it with its reason") {
    operations_lab lab;
    lab.ask(1, cluster::package_run{"web", "n9"});
    CHECK(lab.end(1) == "refused");
    CHECK(lab.said.find("n9") != std::string::npos);
    lab.happens("later", "web");
    CHECK(lab.end(1) == "refused");
    CHECK(lab.progress.empty());
}

TEST_CASE("a start is done when it runs, failed when it can't") {
    operations_lab lab;
    lab.say(cluster::package_switching{"web", "", false});
    lab.ask(1, cluster::package_run{"web", "n1"});
    CHECK(lab.end(1).empty());
    lab.start("web", n1);
    lab.happens("web starts", "web");
    CHECK(lab.end(1).empty());
    CHECK(lab.progress == std::vector<std::string>{"web starts"});
    SECTION("runs") {
        lab.report("web", cluster::report::running);
        lab.happens("web runs", "web");
        CHECK(lab.end(1) == "done");
        CHECK(lab.said == "package web runs on n1");
    }
    SECTION("fails for good") {
        lab.report("web", cluster::report::start_exit_1, "no disk");
        lab.happens("web failed", "web");
        CHECK(lab.end(1) == "failed");
        CHECK(lab.said.find("no disk") != std::string::npos);
    }
}

TEST_CASE("a move is done when another generation runs, not because the old one still does") {
    operations_lab lab;
    lab.run("web", n1);
    lab.ask(1, cluster::package_move{"web", "n2"});
    CHECK(lab.end(1).empty());
    lab.say(cluster::package_halt{"web", {1}, "move"});
    lab.report("web", cluster::report::halted);
    lab.happens("halted", "web");
    CHECK(lab.end(1).empty());
    lab.run("web", n2);
    lab.happens("runs", "web");
    CHECK(lab.end(1) == "done");
}

TEST_CASE("halts: of a package, of a node, of the cluster") {
    operations_lab lab;
    lab.run("web", n1);
    lab.run("db", n2);
    SECTION("package, done when it is down") {
        lab.ask(1, cluster::package_stop{"web"});
        CHECK(lab.end(1).empty());
        lab.report("web", cluster::report::halted);
        lab.happens("x", "web");
        CHECK(lab.end(1) == "done");
    }
    SECTION("package that fails to halt") {
        lab.ask(1, cluster::package_stop{"web"});
        lab.report("web", cluster::report::halt_exit_1, "busy");
        lab.happens("x", "web");
        CHECK(lab.end(1) == "failed");
    }
    SECTION("node, done when its packages run elsewhere") {
        lab.ask(1, cluster::node_admin{"n1", false});
        CHECK(lab.end(1).empty());
        lab.report("web", cluster::report::halted);
        lab.happens("x", "web");
        CHECK(lab.end(1).empty());  // n2 will start it
        lab.run("web", n2);
        lab.happens("x", "web");
        CHECK(lab.end(1) == "done");
    }
    SECTION("cluster, done when everything is down") {
        lab.ask(1, cluster::cluster_admin{false});
        lab.report("web", cluster::report::halted);
        lab.happens("x", "web");
        CHECK(lab.end(1).empty());
        lab.report("db", cluster::report::halted);
        lab.happens("x", "db");
        CHECK(lab.end(1) == "done");
    }
}

TEST_CASE("progress is of the package that was asked for") {
    operations_lab lab;
    lab.ask(1, cluster::package_run{"web", ""});
    lab.happens("db starts", "db");
    lab.happens("n3 lost", "");
    CHECK(lab.end(1).empty());
    CHECK(lab.progress == std::vector<std::string>{"n3 lost"});
}

TEST_CASE("what nobody wrote down in time ends: without a leader, or unconfirmed with one") {
    for (bool leader : {false, true}) {
        CAPTURE(leader);
        operations_lab lab;
        lab.item.add(1, 101, cluster::package_stop{"web"}, time_point{duration{1'000}});
        lab.ask(2, cluster::package_run{"web", ""});  // accepted: waits for ever
        CHECK(lab.item.deadline() == time_point{duration{1'000}});
        CHECK(lab.item.expire(time_point{duration{999}}, leader, lab.out).empty());
        CHECK(lab.item.expire(time_point{duration{1'000}}, leader, lab.out) == std::vector<std::uint64_t>{101});
        CHECK(lab.end(1) == (leader ? "unconfirmed" : "no_leader"));
        CHECK(lab.end(2).empty());
        CHECK(lab.item.deadline() == never);
    }
}

TEST_CASE("what has spoilt a plan is named: the first of what was accepted since") {
    std::deque<happened> history;
    auto add = [&](std::uint64_t index, const char* event, const char* text, const char* actor, bool refused = false) {
        happened item;
        item.index = log_index{index};
        item.event = event;
        item.text = text;
        item.actor = actor;
        item.refused = refused;
        history.push_back(item);
    };
    add(4, "node_lost", "node n3 lost", "policy");
    CHECK(changes_since(history, log_index{4}).empty());
    add(5, "notified", "notifier mail delivered entry 4", "n1");
    add(6, "package_move_asked", "package move web on n2", "bob@n2");
    add(7, "refused", "package move web on n2 - refused: no", "carol@n1", true);
    add(8, "package_halting", "halt web on n1: move", "policy");
    CHECK(changes_since(history, log_index{4}) == ": package move web on n2 by bob@n2; halt web on n1: move");
    CHECK(changes_since(history, log_index{6}) == ": halt web on n1: move");
    add(9, "package_halted", "a", "n1");
    add(10, "package_starting", "b", "policy");
    CHECK(changes_since(history, log_index{5}) ==
          ": package move web on n2 by bob@n2; halt web on n1: move; a by n1; and 1 more, see hactl history");
}

TEST_CASE("a command with a plan is waited for as the command itself") {
    operations_lab lab;
    lab.run("web", n1);
    cluster::command_body move{cluster::package_move{"web", "n2"}};
    cluster::planned asked{cluster::plan_id_of(lab.state, move), encode(move)};
    lab.item.add(1, 101, cluster::asked_of(asked), time_point{duration{1'000}});
    lab.item.counted(101, lab.state, lab.say(asked, "alice@n1"), lab.out);
    CHECK(lab.end(1).empty());
    lab.say(cluster::package_halt{"web", {1}, "move"});
    lab.report("web", cluster::report::halted);
    lab.run("web", n2);
    lab.happens("running", "web");
    CHECK(lab.end(1) == "done");
    CHECK(lab.said == "package web runs on n2");
}
