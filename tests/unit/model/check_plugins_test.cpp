#include <catch2/catch.hpp>

#include "model/check.hpp"
#include "model/parse.hpp"

using namespace mainstay;

namespace {

const plugin_schema exec{
    "stonith-exec",
    plugin_kind::stonith,
    {{.name = "off", .type = value_type::command, .scope = value_scope::either, .required = true, .help = "cuts power"},
     {.name = "port", .type = value_type::integer, .unit = "sockets", .minimum = 1, .maximum = 8},
     {.name = "delay", .type = value_type::time_span, .minimum = 100, .maximum = 5000},
     {.name = "mode", .type = value_type::choice, .choices = {"cycle", "hold"}},
     {.name = "outlet", .type = value_type::integer, .scope = value_scope::node},
     {.name = "tty", .type = value_type::path}}};

std::string problems_of(const std::string& lines) {
    named_text file{"c", "cluster_name c\nnode_name a\nstonith_name s\nstonith_plugin stonith-exec\n" + lines};
    auto outcome = parse_configuration(std::span(&file, 1));
    REQUIRE(outcome.ok());
    std::string out;
    for (const auto& item : check_configuration(outcome.config, std::span(&exec, 1))) out += to_text(item) + '\n';
    return out;
}

}  // namespace

TEST_CASE("plugin parameters are held against the schema, with file and line") {
    CHECK(problems_of("stonith_param off /bin/true\nstonith_param port 8\nstonith_param delay 2s\n"
                      "stonith_param mode hold\nstonith_node_param a outlet 3\n") == "");
    CHECK(problems_of("") ==
          "c:3: error: stonith_node_param: plugin stonith-exec of s needs parameter off for node a: cuts power; "
          "expected `stonith_node_param a off VALUE`\n");
    CHECK(problems_of("stonith_node_param a off /bin/true\n") == "");
    CHECK(problems_of("stonith_param off x\nstonith_param prot 1\n") ==
          "c:6: error: stonith_param: plugin stonith-exec has no parameter prot; expected one of off, port, delay, "
          "mode, outlet, tty; did you mean port?\n");
    CHECK(problems_of("stonith_param off x\nstonith_param port 9\n") ==
          "c:6: error: stonith_param: '9' is not possible for parameter port of stonith-exec; expected a whole "
          "number of sockets from 1 to 8\n");
    CHECK(problems_of("stonith_param off x\nstonith_param delay 10\n") ==
          "c:6: error: stonith_param: '10' is not possible for parameter delay of stonith-exec; expected a time such "
          "as 250ms or 2s from 100ms to 5s\n");
    CHECK(problems_of("stonith_param off x\nstonith_param mode cylce\n") ==
          "c:6: error: stonith_param: 'cylce' is not possible for parameter mode of stonith-exec; expected cycle or "
          "hold; did you mean cycle?\n");
    CHECK(problems_of("stonith_param off x\nstonith_param tty ttyS0\n").find("absolute path") != std::string::npos);
}

TEST_CASE("parameters stand where their scope says") {
    CHECK(problems_of("stonith_param off x\nstonith_param outlet 1\n") ==
          "c:6: error: stonith_param: parameter outlet is different on each node; expected `stonith_node_param NODE "
          "outlet VALUE`\n");
    CHECK(problems_of("stonith_param off x\nstonith_node_param a port 1\n") ==
          "c:6: error: stonith_node_param: parameter port is the same for all nodes; expected `stonith_param port "
          "VALUE`\n");
}

TEST_CASE("a plugin of another kind is refused") {
    named_text file{"c", "cluster_name c\nnode_name a\nnotifier_name n\nnotifier_plugin stonith-exec\n"};
    auto outcome = parse_configuration(std::span(&file, 1));
    auto found = check_configuration(outcome.config, std::span(&exec, 1));
    REQUIRE(found.size() == 1);
    CHECK(to_text(found.front()) ==
          "c:4: error: notifier_plugin: stonith-exec is a plugin of kind stonith; expected one of kind notifier");
}
