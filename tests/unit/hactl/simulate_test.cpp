// simulate, --plan and --plan-id: what is asked of mainstayd, and how its answer reads.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "hactl/render.hpp"
#include "scripted_server.hpp"

using namespace mainstay::hactl;
using namespace mainstay::hactl::testing;
using nlohmann::json;

namespace {

const char* const foreseen = R"({"happenings":["node n1 fails","package move db on n3"],"entries":[
 {"happening":0,"after":{"text":"0.00 s"},"severity":"critical","text":"node n1 is gone"},
 {"happening":0,"after":{"text":"1.00 s + fence n1"},"severity":"info","text":"start web on n2: first"}],
 "packages":[
 {"name":"web","before":"n1","after":"n2","interrupted":true,"outage":{"text":"1.00 s + fence n1"},"reason":"-"},
 {"name":"db","before":"n2","after":null,"interrupted":true,"outage":null,"reason":"db is down: no node can run it"},
 {"name":"mail","before":null,"after":null,"interrupted":false,"outage":null,"reason":"mail is down: switched off"}],
 "stopped":null,"plan_id":"412-9f3a77c01b2e-51d2","changes":["package web: log_level 0 -> 1"]})";

std::string answer(const std::string& result) {
    auto text = result;
    std::erase(text, '\n');
    return R"({"id":@ID,"result":)" + text + "}\n";
}

json asked(const outcome& run) { return json::parse(run.requests.at(0)); }

}  // namespace

TEST_CASE("a forecast reads as a timeline, then a table, then what ends nowhere") {
    console plain;
    CHECK(render_forecast(json::parse(foreseen), plain) ==
          "would change  package web: log_level 0 -> 1\n"
          "\n"
          "node n1 fails\n"
          "  +0.00 s             node n1 is gone\n"
          "  +1.00 s + fence n1  start web on n2: first\n"
          "\n"
          "package move db on n3\n"
          "  nothing changes\n"
          "\n"
          "PACKAGE  BEFORE  AFTER  OUTAGE\n"
          "web      n1      n2     1.00 s + fence n1\n"
          "db       n2      -      for good\n"
          "mail     -       -      none\n"
          "\n"
          "Not up in the end:\n"
          "  db is down: no node can run it\n"
          "  mail is down: switched off\n"
          "\n"
          "Nothing was changed. plan-id 412-9f3a77c01b2e-51d2\n");
    CHECK(render_forecast(json::object(), plain).empty());
}

TEST_CASE("simulate: what happens, in the order of the command line") {
    auto run = run_command({"simulate",
                            "--fail-node",
                            "n1",
                            "--move",
                            "web:n2",
                            "--fail-subnet",
                            "n2:fd00::/64",
                            "--return-node=n1",
                            "--resource",
                            "n2:lun=down",
                            "--on-battery",
                            "ups",
                            "--halt-node",
                            "n3",
                            "--fail-package",
                            "db",
                            "--move",
                            "mail",
                            "--fail-link",
                            "n1:eth1",
                            "--fail-link",
                            "n2",
                            "--script",
                            "web:run-exit-2"},
                           {{"simulate", {answer(foreseen)}}});
    CHECK(run.code == exit_code::done);
    CHECK(asked(run) == json::parse(R"({"happenings":[
        {"kind":"fail_node","node":"n1"},{"kind":"move","node":"n2","package":"web"},
        {"kind":"fail_subnet","node":"n2","subnet":"fd00::/64"},{"kind":"return_node","node":"n1"},
        {"kind":"resource","node":"n2","resource":"lun","value":"down"},{"kind":"on_battery","source":"ups"},
        {"kind":"halt_node","node":"n3"},{"kind":"fail_package","package":"db"},{"kind":"move","package":"mail"},
        {"kind":"fail_link","node":"n1","link":"eth1"},{"kind":"fail_link","node":"n2"},
        {"kind":"script","package":"web","ends":"run-exit-2"}]})"));
    CHECK(run.out.find("node n1 fails\n") != std::string::npos);
    auto nothing = run_command({"simulate"}, {{"simulate", {answer(foreseen)}}});
    CHECK(asked(nothing) == json::parse(R"({"happenings":[]})"));
    auto as_json = run_command({"simulate", "--json", "--fail-node", "n1"}, {{"simulate", {answer(foreseen)}}});
    CHECK(json::parse(as_json.out) == json::parse(foreseen));
}

TEST_CASE("simulate: what makes no sense is a wrong command line") {
    for (const auto& words : std::vector<std::vector<std::string>>{{"--fail-subnet", "n1"},
                                                                   {"--resource", "n1:lun"},
                                                                   {"--resource", "lun=up"},
                                                                   {"--move", ":n1"},
                                                                   {"--fail-nod", "n1"},
                                                                   {"n1"}}) {
        CAPTURE(words.front());
        auto all = words;
        all.insert(all.begin(), "simulate");
        auto run = run_command(all);
        CHECK(run.code == exit_code::usage);
        CHECK_FALSE(run.err.empty());
    }
    CHECK(run_command({"status", "--fail-node", "n1"}).code == exit_code::usage);
    CHECK(run_command({"status", "--plan"}).code == exit_code::usage);
}

TEST_CASE("--plan asks for the plan of the very command and changes nothing") {
    auto run = run_command({"package", "move", "web", "n2", "--plan"}, {{"package.move", {answer(foreseen)}}});
    CHECK(run.code == exit_code::done);
    CHECK(asked(run) == json::parse(R"({"node":"n2","package":"web","plan":true})"));
    CHECK(run.out.find("Nothing was changed. plan-id 412-9f3a77c01b2e-51d2\n") != std::string::npos);
    auto refused = run_command({"cluster", "halt", "--plan"},
                               {{"cluster.halt",
                                 {R"({"id":@ID,"error":{"code":1,"message":"the cluster is halted already"}})"
                                  "\n"}}});
    CHECK(refused.code == exit_code::refused);
    CHECK(refused.err == "hactl: the cluster is halted already\n");
}

TEST_CASE("--plan-id makes the command conditional") {
    const char* changed = "things have changed since plan 412-9f3a77c01b2e-51d2 was made: node n3 lost";
    auto run =
        run_command({"node", "halt", "n1", "--plan-id", "412-9f3a77c01b2e-51d2"},
                    {{"node.halt", {R"({"id":@ID,"error":{"code":1,"message":")" + std::string(changed) + "\"}}\n"}}});
    CHECK(asked(run) == json::parse(R"({"node":"n1","plan_id":"412-9f3a77c01b2e-51d2","wait_ms":30000})"));
    CHECK(run.code == exit_code::refused);
    CHECK(run.err == "hactl: " + std::string(changed) + "\n");
    auto certify = run_command({"cluster", "run", "--certify-down", "n1", "--plan"});
    CHECK(certify.code == exit_code::usage);
}
