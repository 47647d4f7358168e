// Framing: half messages, progress, garbage, silence.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "scripted_server.hpp"

using namespace mainstay::hactl;
using namespace mainstay::hactl::testing;
using nlohmann::json;

namespace {

tl::expected<json, call_error> call_with(std::vector<std::string> pieces, std::vector<std::string>* steps = nullptr,
                                         std::int64_t limit_ms = 60'000) {
    scripted_server server({{"m", std::move(pieces)}});
    auto connected = server.connect();
    return connected.call(
        "m", json::object(),
        [steps](const json& step) {
            if (steps != nullptr) steps->push_back(step.value("text", "?"));
        },
        limit_ms);
}

}  // namespace

TEST_CASE("an answer in pieces is one answer") {
    auto answer = call_with({"{\"jsonrpc\":\"2.0\",", "\"id\":@ID,\"res", "ult\":{\"a\":1}}", "\n"});
    REQUIRE(answer);
    CHECK((*answer)["a"] == 1);
}

TEST_CASE("progress comes first, of this request only, several messages in one piece") {
    std::vector<std::string> steps;
    auto answer = call_with({R"({"method":"progress","params":{"id":@ID,"text":"one"}})"
                             "\n"
                             R"({"method":"progress","params":{"id":77,"text":"not ours"}})"
                             "\n"
                             R"({"method":"event","params":{"text":"no progress"}})"
                             "\n"
                             R"({"id":76,"result":"not ours"})"
                             "\n"
                             R"({"method":"progress","params":{"id":@ID,"te)",
                             R"(xt":"two"}})"
                             "\n"
                             R"({"id":@ID,"result":true})"
                             "\n"},
                            &steps);
    REQUIRE(answer);
    CHECK(*answer == true);
    CHECK(steps == std::vector<std::string>{"one", "two"});
}

TEST_CASE("errors carry their exit code") {
    auto code_of = [](int code) {
        auto answer =
            call_with({R"({"id":@ID,"error":{"code":)" + std::to_string(code) + R"(,"message":"no"}})" + "\n"});
        REQUIRE_FALSE(answer);
        CHECK(answer.error().message == "no");
        return answer.error().code;
    };
    CHECK(code_of(1) == exit_code::refused);
    CHECK(code_of(2) == exit_code::refused);
    CHECK(code_of(3) == exit_code::no_leader);
    CHECK(code_of(4) == exit_code::unconfirmed);
    CHECK(code_of(5) == exit_code::no_leader);
    CHECK(code_of(6) == exit_code::refused);
    CHECK(code_of(8) == exit_code::refused);
    CHECK(code_of(-32601) == exit_code::refused);
}

TEST_CASE("an error names what was meant, and one without id is ours too") {
    auto answer = call_with({R"({"id":null,"error":{"code":6,"message":"no package wep","data":{"nearest":"web"}}})"
                             "\n"});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().message == "no package wep; did you mean web?");
}

TEST_CASE("what is no answer is an unknown outcome, never a crash") {
    for (const char* text :
         {"garbage\n", "[]\n", "{\"id\":@ID}\n", "{\"id\":@ID,\"result\":", "", "\n", "{\"id\":@ID,\"error\":7}\n"}) {
        CAPTURE(text);
        auto answer = call_with({text});
        REQUIRE_FALSE(answer);
        CHECK((answer.error().code == exit_code::unconfirmed || answer.error().code == exit_code::refused));
        CHECK_FALSE(answer.error().message.empty());
    }
}

TEST_CASE("a server that says nothing is not waited for without end") {
    // The second exchange keeps the server reading, so that the connection stays open.
    scripted_server server({{"m", {}}, {"never", {}}});
    auto connected = server.connect();
    auto answer = connected.call("m", json::object(), {}, 50);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().message == "mainstayd did not answer in time");
}

TEST_CASE("no socket, no daemon") {
    auto answer = connection::open("/nonexistent/admin.sock");
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == exit_code::unreachable);
    CHECK(answer.error().message.find("is mainstay running on this node?") != std::string::npos);
    CHECK(connection::open(std::string(500, 'x')).error().code == exit_code::usage);
}
