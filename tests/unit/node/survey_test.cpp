// Asking nodes about programs: how much at a time, how often, how long; and a node's part in carrying it.
#include "node/survey.hpp"

#include <catch2/catch.hpp>

#include "node/node.hpp"
#include "node/wire.hpp"

using namespace mainstay;
using node::survey;

namespace {

time_point at(std::int64_t ms) { return time_point{duration{ms * 1000}}; }

std::vector<std::string> paths(std::size_t count) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back("/s/" + std::to_string(i));
    return out;
}

std::vector<program_seen> good(std::size_t count) {
    return std::vector<program_seen>(count, {program_seen::kind::good, 0, true, "x"});
}

// A node without a cluster, as all are that a first configuration is checked on.
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

TEST_CASE("many paths are asked for a few at a time, the next when the last are answered") {
    survey asked({{"n1", paths(40)}}, 100);
    auto list = paths(40);
    for (auto [id, from, count] : {std::tuple{100, 0, 16}, {101, 16, 16}, {102, 32, 8}}) {
        CHECK_FALSE(asked.over());
        auto due = asked.due(at(1));
        REQUIRE(due.size() == 1);
        CHECK(due[0].node == "n1");
        CHECK(due[0].id == static_cast<std::uint64_t>(id));
        CHECK(due[0].paths == std::vector<std::string>(list.begin() + from, list.begin() + from + count));
        CHECK(asked.due(at(2)).empty());
        CHECK(asked.answered("n1", due[0].id, good(due[0].paths.size())));
        CHECK_FALSE(asked.answered("n1", due[0].id, good(due[0].paths.size())));  // once more
    }
    CHECK(asked.over());
    CHECK(asked.deadline() == never);
    CHECK(asked.result().at("n1").seen.size() == 40);
}

TEST_CASE("what is not answered is asked again, the same question, and then given up") {
    survey asked({{"n1", paths(1)}, {"n2", paths(1)}}, 5);
    CHECK(asked.due(at(0)).size() == 2);
    CHECK(asked.deadline() == at(300));
    CHECK(asked.answered("n1", 5, good(1)));
    auto again = asked.due(at(300));
    REQUIRE(again.size() == 1);
    CHECK(again[0].node == "n2");
    CHECK(again[0].id == 6);
    CHECK(asked.due(at(2'900)).size() == 1);
    CHECK(asked.deadline() == at(3'000));
    CHECK(asked.due(at(3'000)).empty());
    CHECK(asked.over());
    CHECK(asked.result().at("n1").silence.empty());
    CHECK(asked.result().at("n2").silence == "it does not answer");
    CHECK_FALSE(asked.answered("n2", 6, good(1)));  // too late
}

TEST_CASE("answers that fit no question are none") {
    survey asked({{"n1", paths(2)}}, 5);
    CHECK_FALSE(asked.answered("n1", 0, good(2)));  // nothing was asked yet
    static_cast<void>(asked.due(at(0)));
    CHECK_FALSE(asked.answered("n1", 6, good(2)));
    CHECK_FALSE(asked.answered("n2", 5, good(2)));
    CHECK_FALSE(asked.answered("n1", 5, good(1)));
    CHECK_FALSE(asked.answered("n1", 5, good(3)));
    CHECK(asked.answered("n1", 5, good(2)));
}

TEST_CASE("who is out of reach is not asked") {
    survey asked({{"n1", paths(1)}}, 5);
    asked.leave_out("n1", "it is not heard");
    asked.leave_out("n9", "nobody knows it");
    CHECK(asked.over());
    CHECK(asked.due(at(0)).empty());
    CHECK(asked.result().at("n1").silence == "it is not heard");
}

TEST_CASE("a question and its answer travel between nodes that are in no cluster yet") {
    auto asking = lone("n1"), asked = lone("n2");
    static_cast<void>(outputs<node::trace>(asking));
    asking.step(node::ask_programs{"n2", 9, {"/s/run"}}, {at(2), wall_time{1}});
    auto sent = outputs<node::send>(asking);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].to == "n2");
    asked.step(node::datagram{"eth0", sent[0].data}, {at(3), wall_time{1}});
    auto look = outputs<node::look_at_programs>(asked);
    REQUIRE(look.size() == 1);
    CHECK(look[0].asker == "n1");
    CHECK(look[0].paths == std::vector<std::string>{"/s/run"});
    asked.step(node::tell_programs{look[0].asker, look[0].id, good(1)}, {at(4), wall_time{1}});
    sent = outputs<node::send>(asked);
    REQUIRE(sent.size() == 1);
    asking.step(node::datagram{"eth0", sent[0].data}, {at(5), wall_time{1}});
    auto told = outputs<node::programs_told>(asking);
    REQUIRE(told.size() == 1);
    CHECK(told[0].node == "n2");
    CHECK(told[0].id == 9);
    CHECK(told[0].seen.size() == 1);
}

TEST_CASE("a full answer is one datagram, a question for too much is none") {
    auto asked = lone("n2");
    std::vector<program_seen> full(node::survey_paths_max, {program_seen::kind::good, 0, true, bytes(32, 'x')});
    asked.step(node::tell_programs{std::string(39, 'n'), ~0ULL, full}, {at(2), wall_time{1}});
    CHECK(outputs<node::send>(asked).size() == 1);
    node::envelope much{{}, {}, {1, 1}, 0, node::program_question{"n1", 1, paths(node::survey_paths_max + 1)}};
    auto before = asked.dropped();
    asked.step(node::datagram{"eth0", encode(much)}, {at(3), wall_time{1}});
    CHECK(outputs<node::look_at_programs>(asked).empty());
    CHECK(asked.dropped() == before + 1);
}
