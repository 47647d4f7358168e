// Who asks, and for what: the requests of cmrunserv and its like.
#include "runtime/script_calls.hpp"

#include <catch2/catch.hpp>

using namespace mainstay;
using namespace mainstay::runtime;

TEST_CASE("a script's request is read") {
    auto run = read_script_call(
        "run_service",
        R"({"process":"12.345/mail@node1/8589934597","service":"s","command":"/bin/s -a","restarts":3})");
    REQUIRE(run);
    CHECK(run->package == "mail@node1");
    CHECK(run->script == request_id{8589934597});
    CHECK(run->name == "s");
    CHECK(run->text == "/bin/s -a");
    CHECK(run->restart_max == 3);
    CHECK_FALSE(
        read_script_call("run_service", R"({"process":"1.2/w/3","service":"s","command":"x","restarts":"unlimited"})")
            ->restart_max);
    CHECK(read_script_call("halt_service", R"({"process":"1.2/w/3","service":"s"})")->verb ==
          node::script_verb::halt_service);
    auto address = read_script_call("add_address", R"({"process":"1.2/w/3","address":"10.0.0.9","subnet":"10.0.0.0"})");
    REQUIRE(address);
    CHECK(address->text == "10.0.0.0");
}

TEST_CASE("what is none is refused") {
    for (const char* process : {"", "web", "1.2//7", "1.2/web/", "1.2/web/x", "1.2/web/7x", "1.2/web/0", "/7",
                                "1.2/web/99999999999999999999"}) {
        CAPTURE(process);
        auto params = std::string(R"({"service":"s","process":")") + process + R"("})";
        CHECK(read_script_call("halt_service", params).error().message ==
              "only a script of a package can ask for this");
    }
    for (const char* params : {"[]", "7", R"({"process":"1.2/w/3"})", R"({"process":"1.2/w/3","service":""})",
                               R"({"process":"1.2/w/3","service":"s","restarts":-1})",
                               R"({"process":"1.2/w/3","service":"s","restarts":"many"})",
                               R"({"process":"1.2/w/3","service":"s","restarts":1000001})"}) {
        CAPTURE(params);
        CHECK_FALSE(read_script_call("run_service", params));
    }
    CHECK_FALSE(read_script_call("end_world", R"({"process":"1.2/w/3","service":"s"})"));
}
