#include "runtime/plugin/host_client.hpp"

#include <catch2/catch.hpp>

using namespace mainstay;
using namespace mainstay::plugin;

namespace {
time_point at(std::int64_t ms) { return time_point{duration{ms * 1000}}; }

answer next_answer(host_client& client) {
    auto message = client.next();
    REQUIRE(message.has_value());
    REQUIRE(std::holds_alternative<answer>(*message));
    return std::get<answer>(*message);
}
}  // namespace

TEST_CASE("a call is answered once, by the host or in its place") {
    host_client client({"x.so", "strip", "a", {}, {}});
    client.request({1, verb::off, "b", {}}, at(100));
    client.request({2, verb::status, "b", {}}, at(300));
    CHECK(client.next_deadline() == at(100));

    frame_reader<to_host> host;
    host.feed(client.take_output());
    CHECK(std::get<instance_config>(**host.next()).instance == "strip");
    CHECK(std::get<call>(**host.next()).verb == verb::off);
    CHECK(client.take_output().empty());

    client.feed(framed(from_host{ready{}}));
    CHECK(client.current() == host_client::state::ready);
    REQUIRE(client.next().has_value());
    client.feed(framed(from_host{answer{1, outcome::off, "off", {}}}));
    client.feed(framed(from_host{answer{1, outcome::off, "again", {}}}));
    client.feed(framed(from_host{answer{99, outcome::off, "nobody asked", {}}}));
    CHECK(next_answer(client).outcome == outcome::off);
    CHECK_FALSE(client.next().has_value());

    client.expire(at(299));
    CHECK_FALSE(client.hung());
    client.expire(at(300));
    CHECK(client.hung());
    CHECK(client.next_deadline() == never);
    CHECK(client.under_way() == request_id{2});
    client.feed(framed(from_host{answer{2, outcome::off, "too late", {}}}));
    CHECK_FALSE(client.next().has_value());  // what the call started may be at work until the process is gone
    client.closed("killed");
    auto late = next_answer(client);
    CHECK(late.id == 2);
    CHECK(late.outcome == outcome::unknown);
    CHECK(late.text == "strip: no answer to 'status' in time");
}

TEST_CASE("the end of the host leaves no call without an answer") {
    host_client client({"x.so", "strip", "a", {}, {}});
    client.request({1, verb::off, "b", {}}, at(100));
    client.closed("the process was killed by signal 11");
    auto lost = next_answer(client);
    CHECK(lost.outcome == outcome::unknown);
    CHECK(lost.text == "strip: no answer to 'off': the process was killed by signal 11");
    CHECK(client.current() == host_client::state::ended);
    client.request({2, verb::off, "b", {}}, at(100));
    CHECK(next_answer(client).outcome == outcome::unknown);
}

TEST_CASE("garbage from the host is the end of it") {
    host_client client({"x.so", "strip", "a", {}, {}});
    client.request({1, verb::off, "b", {}}, at(100));
    client.feed("\x01\x02\x03\x04garbage");
    CHECK(client.current() == host_client::state::ended);
    client.closed("killed");
    CHECK(next_answer(client).text.find("announced") != std::string::npos);
}

TEST_CASE("a refusal is final and says why") {
    host_client client({"x.so", "strip", "a", {}, {}});
    client.request({1, verb::off, "b", {}}, at(100));
    client.feed(framed(from_host{refused{"x.so: no such file"}}));
    CHECK(client.current() == host_client::state::refused);
    CHECK(std::get<refused>(*client.next()).text == "x.so: no such file");
    CHECK(next_answer(client).outcome == outcome::unknown);
    client.closed("end");
    CHECK(client.current() == host_client::state::refused);
}
