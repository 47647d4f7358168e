// The happenings of a request, and a forecast as JSON.
#include "runtime/forecast_json.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using nlohmann::json;
using runtime::forecast_refusal;
using runtime::read_happenings;

namespace {

const std::string watched =
    "package_name net\n  run_script /bin/true\n  monitored_subnet 10.77.0.0/24\n"
    "  generic_resource_name lun\n";

std::string foreseen(const cluster_lab& lab, const std::string& happenings) {
    auto list = read_happenings(lab.state, happenings, {}, "alice@n1");
    REQUIRE(list);
    policy::outset from;
    from.leader = n1;
    for (node_id id : {n1, n2, n3}) from.voters.voters.push_back({id, store_id{100 + id.value}});
    auto seen = policy::foresee(lab.state, from, *list);
    return seen ? runtime::forecast_json(lab.state, *seen) : seen.error().message;
}

}  // namespace

TEST_CASE("a forecast as JSON: entries as of the history, spans with what is known and what is not") {
    cluster_lab lab;
    lab.run("web", n1);
    lab.package("web").start_took.reset();
    auto told = json::parse(foreseen(lab, R"([{"kind":"move","package":"web","node":"n2"}])"));
    CHECK(told["applied_index"] == lab.index.value);
    CHECK(told["happenings"] == json::array({"package move web on n2"}));
    CHECK(told["packages"][0] ==
          json::parse(R"({"name":"web","before":"n1","after":"n2","interrupted":true,"outage":{"known_us":0,
              "unknown":["halt web","start web"],"text":"0.00 s + halt web + start web"},
              "reason":"web runs on n2: asked for by alice@n1"})"));
    CHECK(told["packages"][1]["before"].is_null());
    CHECK(told["entries"].back()["kind"] == "package_running");
    CHECK(told["stopped"].is_null());
    CHECK(json::parse(foreseen(lab, "[]"))["happenings"] == json::array({"as things stand"}));
}

TEST_CASE("every kind of happening is read, and what is not known is named with the nearest word") {
    cluster_lab lab(configuration_text("", watched));
    auto known = read_happenings(lab.state, R"([{"kind":"fail_node","node":"n1"},{"kind":"return_node","node":"n1"},
        {"kind":"halt_node","node":"n2"},{"kind":"fail_package","package":"web"},{"kind":"on_battery","source":"ups"},
        {"kind":"fail_subnet","node":"n1","subnet":"10.77.0.0"},{"kind":"move","package":"web"},
        {"kind":"resource","node":"n1","resource":"lun","value":"up"},{"kind":"apply"},
        {"kind":"fail_link","node":"n1"},{"kind":"script","package":"web","ends":"halt-exit-3"}])",
                                 {"text"}, "alice@n1");
    REQUIRE(known);
    REQUIRE(known->size() == 11);
    CHECK(std::get<policy::link_fails>((*known)[9]).link.empty());
    CHECK(std::get<policy::script_ends>((*known)[10]).how == cluster::report::halt_exit_3);
    struct row {
        const char* happening;
        forecast_refusal::kind what;
        const char* message;
        const char* hint;
    };
    using kind = forecast_refusal::kind;
    const row rows[] = {
        {R"({"kind":"fail_node","node":"n4"})", kind::unknown, "there is no node n4", "n"},
        {R"({"kind":"fail_package","package":"wep"})", kind::unknown, "there is no package wep", "web"},
        {R"({"kind":"on_battery","source":"usp"})", kind::unknown, "there is no power source usp", "ups"},
        {R"({"kind":"fail_subnet","node":"n1","subnet":"10.9.0.0"})", kind::unknown, "no package monitors", ""},
        {R"({"kind":"resource","node":"n1","resource":"lum"})", kind::unknown, "no package has a generic", "lun"},
        {R"({"kind":"fail_link","node":"n1","link":"eth7"})", kind::unknown, "there is no heartbeat link eth7", "eth"},
        {R"({"kind":"script","package":"web","ends":"run-exit-4"})", kind::nonsense, "'run-exit-4' is no way",
         "run-exit-2"},
        {R"({"kind":"script","package":"wep","ends":"run-exit-1"})", kind::unknown, "there is no package wep", "web"},
        {R"({"kind":"earthquake"})", kind::nonsense, "'earthquake' is nothing that can happen", "fail_node"},
        {R"({"kind":"apply"})", kind::nonsense, "nothing that can happen", ""},
        {R"({})", kind::nonsense, "nothing that can happen", ""},
        {R"(7)", kind::nonsense, "an object", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.happening);
        auto found = read_happenings(lab.state, std::string("[") + row.happening + "]", {}, "alice@n1");
        REQUIRE_FALSE(found);
        CHECK(found.error().what == row.what);
        CHECK(found.error().message.find(row.message) != std::string::npos);
        CHECK(found.error().hint.find(row.hint) != std::string::npos);
    }
    CHECK_FALSE(read_happenings(lab.state, "{", {}, ""));
    CHECK_FALSE(read_happenings(lab.state, "7", {}, ""));
}

TEST_CASE("a cluster that nobody has formed yet, and what happens to it then") {
    auto told = runtime::first_forecast_json(configuration_text(), R"([{"kind":"fail_node","node":"n1"}])");
    REQUIRE(told);
    auto seen = json::parse(*told);
    CHECK(seen["happenings"] == json::array({"as things stand", "node n1 fails"}));
    CHECK(seen["packages"][0]["after"] == "n2");
    CHECK_FALSE(runtime::first_forecast_json("nonsense", "[]"));
    CHECK_FALSE(runtime::first_forecast_json(configuration_text(), R"([{"kind":"fail_node","node":"x"}])"));
}
