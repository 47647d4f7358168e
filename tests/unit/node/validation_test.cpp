// Having scripts called with `validate` on other nodes: one at a time, again when nothing comes back, not for ever.
#include "node/validation.hpp"

#include <catch2/catch.hpp>

#include "node/node.hpp"

using namespace mainstay;
using node::validation_round;

namespace {

time_point at(std::int64_t seconds) { return time_point{duration{seconds * 1'000'000}}; }

script_to_validate script(const std::string& path, std::vector<std::string> nodes) {
    return {"web", path, "external_script", {}, std::move(nodes), {{"SG_PACKAGE_NAME", "web"}}};
}

node::node lone(const std::string& name) {
    node::start_info info;
    info.name = name;
    info.boot = {1, 1};
    info.store = store_id{7};
    return {info, {at(1), wall_time{1}}};
}

template <class Output>
std::vector<Output> outputs(node::node& from) {
    std::vector<Output> out;
    for (auto& item : from.take_outputs())
        if (auto* wanted = std::get_if<Output>(&item)) out.push_back(std::move(*wanted));
    return out;
}

}  // namespace

TEST_CASE("scripts are called one after the other on a node, nodes at the same time") {
    validation_round round({script("/p/a", {"n1", "n2"}), script("/p/b", {"n1"})}, 10);
    CHECK(round.questions() == 3);
    auto first = round.due(at(1));
    REQUIRE(first.size() == 2);
    CHECK(first[0].node == "n1");
    CHECK(first[0].path == "/p/a");
    CHECK(first[1].node == "n2");
    CHECK(round.due(at(1)).empty());
    CHECK(round.due(at(2)).size() == 2);  // once more, the same
    CHECK_FALSE(round.answered("n2", first[0].id, {}));
    CHECK(round.answered("n1", first[0].id, {1, false, "no"}));
    CHECK_FALSE(round.answered("n1", first[0].id, {}));
    auto next = round.due(at(2));
    REQUIRE(next.size() == 1);
    CHECK(next[0].path == "/p/b");
    CHECK(round.answered("n1", next[0].id, {}));
    CHECK_FALSE(round.over());
    CHECK(round.answered("n2", first[1].id, {}));
    CHECK(round.over());
    CHECK(round.deadline() == never);
    CHECK(round.result().at("n1").seen.at({"web", "/p/a"}).line == "no");
}

TEST_CASE("a node that does not answer is given up, one that is not to be asked is not asked") {
    validation_round round({script("/p/a", {"n1", "n2"})}, 1);
    round.leave_out("n2", "it is not heard");
    CHECK(round.due(at(1)).size() == 1);
    CHECK(round.due(at(30)).size() == 1);
    CHECK(round.due(at(38)).empty());
    CHECK(round.over());
    CHECK(round.result().at("n1").silence == "it does not answer");
    CHECK(round.result().at("n2").silence == "it is not heard");
}

TEST_CASE("many scripts that take long are not all waited for") {
    std::vector<script_to_validate> many;
    for (int i = 0; i < 9; ++i) many.push_back(script("/p/" + std::to_string(i), {"n1"}));
    validation_round round(many, 1);
    std::int64_t now = 1;
    std::size_t called = 0;
    while (!round.over() && now < 1000) {
        auto due = round.due(at(now));
        if (!due.empty() && round.answered("n1", due[0].id, {0, false, ""})) ++called;
        now += 29;
    }
    CHECK(called == 5);
    CHECK(round.result().at("n1").silence == "they took too long, 4 are left");
    CHECK(round.result().at("n1").seen.size() == 5);
}

TEST_CASE("question and answer travel between the edges of two nodes") {
    auto asking = lone("n1");
    auto asked = lone("n2");
    (void)asking.take_outputs();
    (void)asked.take_outputs();
    asking.step(node::ask_validation{"n2", 9, "web", "/p/a", {{"PEV_X", "1"}}}, {at(2), wall_time{1}});
    auto sent = outputs<node::send>(asking);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].to == "n2");
    asked.step(node::datagram{"net", sent[0].data}, {at(2), wall_time{1}});
    auto call = outputs<node::validate_script>(asked);
    REQUIRE(call.size() == 1);
    CHECK(call[0].asker == "n1");
    CHECK(call[0].path == "/p/a");
    CHECK(call[0].environment.at(0).first == "PEV_X");
    asked.step(node::tell_validation{"n1", 9, {2, false, "no table"}}, {at(3), wall_time{1}});
    auto back = outputs<node::send>(asked);
    REQUIRE(back.size() == 1);
    asking.step(node::datagram{"net", back[0].data}, {at(3), wall_time{1}});
    auto told = outputs<node::validation_told>(asking);
    REQUIRE(told.size() == 1);
    CHECK(told[0].node == "n2");
    CHECK(told[0].seen.code == 2);
    asking.step(node::ask_validation{"n2", 10, "web", "p/a", {}}, {at(4), wall_time{1}});
    for (auto& item : outputs<node::send>(asking)) asked.step(node::datagram{"net", item.data}, {at(4), wall_time{1}});
    CHECK(outputs<node::validate_script>(asked).empty());  // no absolute path
}
