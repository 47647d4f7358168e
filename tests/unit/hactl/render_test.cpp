// Fixed answers, and how they read. TZ is set to UTC so that times are the same everywhere.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "hactl/render.hpp"

using namespace mainstay::hactl;
using nlohmann::json;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t now = 1'763'996'400LL * second;  // 2025-11-24 15:00 UTC

const console plain{};

struct utc {
    utc() {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }
} const in_utc;

json portal() {
    auto link = [](const char* name, std::int64_t rtt) {
        return json{{"name", name}, {"up", true}, {"counts", true}, {"rtt_us", rtt}, {"loss_percent", 0.0}};
    };
    auto strip = json{{"name", "strip"}, {"state", "ok"}};
    json nodes = {{{"name", "node1"},
                   {"state", "running"},
                   {"links", {link("ring0", 210), link("cable", 9'100)}},
                   {"stonith", {strip}},
                   {"load", {{"used", 1}, {"capacity", 10}}},
                   {"packages", {"web"}}},
                  {{"name", "node2"},
                   {"state", "running"},
                   {"links", {link("ring0", 230), link("cable", 12'900)}},
                   {"stonith", {strip}},
                   {"load", {{"used", 0}, {"capacity", 10}}},
                   {"packages", json::array()}},
                  {{"name", "node3"},
                   {"state", "running"},
                   {"links", {link("ring0", 300)}},
                   {"stonith", {strip}},
                   {"load", {{"used", 0}, {"capacity", 10}}},
                   {"packages", json::array()}}};
    json web = {{"name", "web"},
                {"state", "running"},
                {"node", "node1"},
                {"since", now - (3 * 24 + 4) * 3600 * second},
                {"switching", true},
                {"disabled_on", json::array()},
                {"next", "node2"},
                {"addresses", {"10.77.0.100"}},
                {"services", json::array()}};
    return {{"cluster", "portal"},
            {"formed", true},
            {"node", "node1"},
            {"now", now},
            {"quorum", {{"have", true}, {"needed", 2}, {"voters", 3}, {"present", 3}}},
            {"leader", "node1"},
            {"freshness", {{"applied_index", 412}, {"leader_heard_ms", 3}}},
            {"fencing", {{"mode", "required"}, {"state", "verified"}, {"verified_at", now - 2 * 3600 * second}}},
            {"nodes", nodes},
            {"packages", json::array({web})},
            {"alarms", json::array()}};
}

}  // namespace

TEST_CASE("status of a healthy cluster") {
    CHECK(render_status(portal(), plain) ==
          "portal   3/3 nodes   quorum 2   leader node1   fencing verified 2h 0m ago\n"
          "\n"
          "NODE   STATE    HEARTBEAT                 STONITH   LOAD  PACKAGES\n"
          "node1  running  ring0 0.2ms  cable 9.1ms  strip ok  1/10  web\n"
          "node2  running  ring0 0.2ms  cable 12ms   strip ok  0/10  -\n"
          "node3  running  ring0 0.3ms               strip ok  0/10  -\n"
          "\n"
          "PACKAGE  STATE    NODE   SINCE  SWITCHING  NEXT   ADDRESSES\n"
          "web      running  node1  3d 4h  on         node2  10.77.0.100\n");
}

TEST_CASE("what one more fault may be stands in the first lines, as short as it is well") {
    auto fault = [](const char* kind, const char* name, const char* why) {
        auto text = why == nullptr ? json(nullptr) : json(why);
        return json{{"kind", kind}, {"name", name}, {"survived", why == nullptr}, {"why", text}};
    };
    auto status = portal();
    status["protection"] = {{"survived", 3},
                            {"faults",
                             {fault("node", "node1", nullptr), fault("node", "node2", nullptr),
                              fault("link", "ring0", nullptr), fault("stonith", "strip", "the only one of node1")}}};
    auto lines = render_status(status, plain);
    CHECK(lines.find(
              "portal   3/3 nodes   quorum 2   leader node1   fencing verified 2h 0m ago   survives 3 of 4 faults\n"
              "Protection: survives the loss of any one of 2 nodes, link ring0; not of stonith strip (the only one "
              "of node1)\n\nNODE ") == 0);
    status["protection"]["faults"].erase(3);
    CHECK(render_status(status, plain)
              .find("   survives any one fault\nProtection: survives the loss of any one of 2 "
                    "nodes, link ring0\n\n") != std::string::npos);
    status["protection"] = {{"survived", 0}, {"faults", json::array()}};
    for (const auto* name : {"node1", "node2", "node3", "node4"})
        status["protection"]["faults"].push_back(fault("node", name, "no node would be left"));
    CHECK(render_status(status, plain)
              .find("   survives 0 of 4 faults\nProtection: not of node node1 (no node would be "
                    "left), node node2 (no node would be left), node node3 (no node would be "
                    "left), and 1 more (hactl status --json)\n\n") != std::string::npos);
    status["quorum"]["have"] = false;
    CHECK(render_status(status, plain).find("Protection") == std::string::npos);
}

TEST_CASE("where there is a watchdog the node's fencing says whether it is armed") {
    auto status = portal();
    status["nodes"][0]["watchdog"] = {{"device", "/dev/watchdog"}, {"timeout_us", 10 * second}};
    status["nodes"][1]["watchdog"] = {{"device", "/dev/watchdog"}, {"timeout_us", 0}};
    auto text = render_status(status, plain);
    CHECK(text.find("strip ok  watchdog 10s        1/10") != std::string::npos);
    CHECK(text.find("strip ok  watchdog NOT ARMED  0/10") != std::string::npos);
}

TEST_CASE("status of a cluster in trouble says what is wrong") {
    auto status = portal();
    status["leader"] = nullptr;
    status["freshness"] = nullptr;
    status["quorum"] = {{"have", false}, {"needed", 2}, {"voters", 3}, {"present", 1}};
    status["fencing"] = {{"state", "none"}};
    status["nodes"][1]["state"] = "lost";
    status["nodes"][1]["links"][0]["up"] = false;
    status["nodes"][1]["links"][1]["loss_percent"] = 12.5;
    status["nodes"][1]["links"][1]["counts"] = false;
    status["packages"][0]["state"] = "waiting";
    status["packages"][0]["node"] = nullptr;
    status["packages"][0]["disabled_on"] = {"node3"};
    status["packages"][0]["reason"] = "web waits: no node can run it";
    status["packages"][0]["services"] = json::array({{{"name", "probe"}, {"restarts", 2}, {"restart_max", 3}}});
    status["alarms"] =
        json::array({{{"severity", "critical"}, {"since", now - 61 * second}, {"text", "node2 is lost"}}});
    CHECK(render_status(status, plain) ==
          "portal   2/3 nodes   NO QUORUM (1 of 2 needed)   no leader   FENCING NONE\n"
          "node1 hears no leader; this is what it knew last.\n"
          "\n"
          "NODE   STATE    HEARTBEAT                               STONITH   LOAD  PACKAGES\n"
          "node1  running  ring0 0.2ms  cable 9.1ms                strip ok  1/10  web\n"
          "node2  lost     ring0 DOWN  cable 12ms 12% lost (slow)  strip ok  0/10  -\n"
          "node3  running  ring0 0.3ms                             strip ok  0/10  -\n"
          "\n"
          "PACKAGE  STATE    NODE  SINCE  SWITCHING     NEXT   ADDRESSES\n"
          "web      waiting  -     3d 4h  on not node3  node2  10.77.0.100\n"
          "\n"
          "web: web waits: no node can run it\n"
          "web: service probe was restarted 2 times of 3\n"
          "\n"
          "ALARM    node2 is lost (for 1m)\n");
}

TEST_CASE("status says who has switched a package off, when and why") {
    auto status = portal();
    auto flag = [&](const char* by, const char* reason, std::int64_t minutes) {
        return json{
            {"by", by}, {"reason", reason}, {"since", status["now"].get<std::int64_t>() - minutes * 60 * second}};
    };
    auto& web = status["packages"][0];
    web["switching_by"] = flag("founder node1", "auto_run yes", 50);
    CHECK(render_status(status, plain).find("switching off") == std::string::npos);
    auto disabled = flag("node3", "service_failed: service probe exit 1", 5);
    disabled["node"] = "node3";
    web["disabled_on"] = {"node3"};
    web["disabled_by"] = json::array({disabled});
    CHECK(render_status(status, plain)
              .find("\nweb: switching off on node3 by node3 for 5m: service_failed: service probe exit 1\n") !=
          std::string::npos);
    web["switching"] = false;
    web["switching_by"] = flag("alice@node2", "package disable", 3);
    CHECK(render_status(status, plain).find("\nweb: switching off by alice@node2 for 3m: package disable\n") !=
          std::string::npos);
    web["switching_by"]["reason"] = "auto_run no";
    CHECK(render_status(status, plain).find("switching off by") == std::string::npos);
}

TEST_CASE("status before there is a cluster, and of answers that make no sense") {
    json fresh{{"formed", false}, {"node", "node1"}, {"waiting_for", true}};
    CHECK(render_status(fresh, plain).find("node1 belongs to no cluster yet.") == 0);
    for (const auto& odd : {json(), json::array(), json(3), json{{"nodes", 7}, {"packages", {{1, 2}}}},
                            json{{"nodes", {{{"name", 5}, {"links", "x"}}}}, {"now", "soon"}}}) {
        CHECK_FALSE(render_status(odd, plain).empty());
    }
}

TEST_CASE("colors only where they are wanted") {
    console colorful{};
    colorful.color = true;
    auto text = render_status(portal(), colorful);
    CHECK(text.find("\033[32mrunning\033[0m  ring0") != std::string::npos);
    CHECK(render_status(portal(), plain).find('\033') == std::string::npos);
}

TEST_CASE("explain puts the reason first and the nodes below") {
    json explained{{"text", "web runs on node1 because it is the first of its node list that can run it."},
                   {"candidates",
                    {{{"node", "node1"},
                      {"verdict", "running"},
                      {"since", now - 5 * 24 * 3600 * second},
                      {"text", "started by cluster start"}},
                     {{"node", "node2"}, {"verdict", "next"}, {"text", "in the cluster, switching on"}},
                     {{"node", "third"},
                      {"verdict", "cannot"},
                      {"text", "switching disabled by alice"},
                      {"since", now - 60 * second},
                      {"remedy", "hactl package enable web third"}}}}};
    CHECK(render_explain(explained, now) ==
          "web runs on node1 because it is the first of its node list that can run it.\n"
          "  node1  running here since Nov 19 15:00 (started by cluster start)\n"
          "  node2  next: in the cluster, switching on\n"
          "  third  cannot: switching disabled by alice, since Nov 24 14:59; hactl package enable web third\n");
}

TEST_CASE("explain of a package that runs on several nodes shows each instance") {
    json one{{"text", "mon@node1 runs on node1"}, {"candidates", {{{"node", "node1"}, {"verdict", "running"}}}}};
    json other{{"text", "mon@node2 does not run"}, {"candidates", {{{"node", "node2"}, {"verdict", "cannot"}}}}};
    json explained{{"text", "mon runs on its nodes at once: on 1 of 2 now"}, {"instances", {one, other}}};
    CHECK(render_explain(explained, now) ==
          "mon runs on its nodes at once: on 1 of 2 now\n" + render_explain(one, now) + render_explain(other, now));
}

TEST_CASE("history is one line per entry, with its actor") {
    json entries = {{{"index", 7},
                     {"time", now + 120'000},
                     {"kind", "node_lost"},
                     {"severity", "warning"},
                     {"text", "node1 is lost"}},
                    {{"index", 8},
                     {"time", now + second},
                     {"kind", "package_started"},
                     {"text", "web starts on node2"},
                     {"actor", "alice@node3"}}};
    CHECK(render_history({{"entries", entries}, {"more", true}}, plain) ==
          "... earlier entries: --limit\n"
          "2025-11-24 15:00:00.120  node1 is lost\n"
          "2025-11-24 15:00:01.000  web starts on node2 (alice@node3)\n");
    CHECK(render_history({{"entries", json::array()}}, plain) == "Nothing happened yet.\n");
}

TEST_CASE("plugins: what there is, and what does not load") {
    json plugins{{"directory", "/p"},
                 {"plugins",
                  {{{"name", "heartbeat-udp"},
                    {"kind", "heartbeat"},
                    {"version", "1.0"},
                    {"summary", "over UDP"},
                    {"used_by", {"ring0", "ring1"}}},
                   {{"file", "broken.so"}, {"error", "not an ELF file"}}}}};
    CHECK(render_plugins(plugins, plain) ==
          "PLUGIN         KIND       VERSION  USED BY      WHAT IT DOES\n"
          "heartbeat-udp  heartbeat  1.0      ring0 ring1  over UDP\n"
          "\n"
          "does not load  broken.so: not an ELF file\n");
    json one{{"name", "stonith-x"},
             {"kind", "stonith"},
             {"version", "1.0"},
             {"summary", "cuts power"},
             {"file", "/p/x.so"},
             {"params",
              {{{"name", "delay"},
                {"type", "duration"},
                {"default", "2s"},
                {"minimum", 100},
                {"maximum", 5000},
                {"help", "waits"},
                {"scope", "instance"}},
               {{"name", "mode"},
                {"type", "choice"},
                {"choices", {"a", "b"}},
                {"required", true},
                {"help", "which"},
                {"scope", "node"}}}}};
    CHECK(render_plugin(one, plain) ==
          "stonith-x 1.0, stonith: cuts power\n/p/x.so\n"
          "\n  delay  waits\n      duration, 100 to 5000 ms, default 2s\n"
          "\n  mode  which\n      a|b, required, one for each node\n");
}

TEST_CASE("problems read as they do from the parser") {
    json problems = json::array({{{"severity", "error"},
                                  {"file", "cluster.conf"},
                                  {"line", 2},
                                  {"keyword", "member_timout"},
                                  {"message", "unknown keyword"},
                                  {"nearest", "member_timeout"}}});
    CHECK(render_problems(problems, plain) ==
          "cluster.conf:2: error: member_timout: unknown keyword; did you mean member_timeout?\n");
}

TEST_CASE("ages and dates") {
    CHECK(age_text(-5 * second) == "0s");
    CHECK(age_text(59 * second) == "59s");
    CHECK(age_text(60 * second) == "1m");
    CHECK(age_text(5 * 3600 * second + 180 * second) == "5h 3m");
    CHECK(age_text(76 * 3600 * second) == "3d 4h");
    CHECK(date_text(now - 400LL * 86'400 * second, now) == "2024-10-20 15:00");
}

TEST_CASE("status tells of maintenance and of subnets that are down") {
    auto status = portal();
    status["now"] = now;
    status["nodes"][1]["subnets"] = {{{"subnet", "10.77.0.0/24"}, {"up", true}, {"since", now}},
                                     {{"subnet", "10.88.0.0/24"}, {"up", false}, {"since", now - 90 * second}}};
    status["packages"][0]["maintenance"] = {{"node", "node1"},
                                            {"by", "alice@node2"},
                                            {"reason", "disks"},
                                            {"since", now - 60 * second},
                                            {"until", now + 3'600 * second}};
    auto text = render_status(status, plain);
    CHECK(text.find("node2: subnet 10.88.0.0/24 DOWN for 1m\n") != std::string::npos);
    CHECK(text.find("10.77.0.0/24") == std::string::npos);
    CHECK(text.find("web: in maintenance on node1 by alice@node2 for 1m until Nov 24 16:00: disks\n") !=
          std::string::npos);
}

TEST_CASE("status tells of pins, and of sites where there are some") {
    auto status = portal();
    status["now"] = now;
    CHECK(render_status(status, plain).find("SITE") == std::string::npos);
    status["packages"][0]["pin"] = {{"node", "node1"},
                                    {"by", "alice@node2"},
                                    {"reason", "licence"},
                                    {"since", now - 60 * second},
                                    {"until", nullptr}};
    status["nodes"][0]["site"] = "east";
    status["nodes"][1]["site"] = nullptr;
    auto text = render_status(status, plain);
    INFO(text);
    CHECK(text.find("web: pinned to node1 by alice@node2 for 1m: licence\n") != std::string::npos);
    CHECK(text.find("NODE ") != std::string::npos);
    CHECK(text.find("  SITE  STATE") != std::string::npos);
    CHECK(text.find("node1  east  ") != std::string::npos);
    CHECK(text.find("node2  -     ") != std::string::npos);
}

TEST_CASE("explain tells whose pin it is, and until when") {
    json explained = {{"text", "web is down: pinned"},
                      {"pin",
                       {{"node", "node1"},
                        {"by", "alice@node2"},
                        {"reason", "licence"},
                        {"since", now - 60 * second},
                        {"until", now + 3'600 * second}}}};
    CHECK(render_explain(explained, now) ==
          "web is down: pinned\npinned to node1 by alice@node2 for 1m until Nov 24 16:00: licence\n");
}

TEST_CASE("resource list has a line for each node") {
    json answer = {{"resources",
                    {{{"name", "lun"},
                      {"kind", "simple"},
                      {"packages", {"db", "web"}},
                      {"nodes",
                       {{{"node", "node1"}, {"value", "up"}, {"by", "root@node1"}},
                        {{"node", "node2"}, {"value", "unknown"}}}}}}}};
    CHECK(render_resources(answer, plain) ==
          "RESOURCE  KIND    NODE   VALUE    SET BY      PACKAGES\n"
          "lun       simple  node1  up       root@node1  db web\n"
          "lun       simple  node2  unknown  -           db web\n");
    CHECK(render_resources(json::object(), plain) == "No generic resources.\n");
}

TEST_CASE("the failovers that count, and until when") {
    auto status = portal();
    status["now"] = now;
    auto& web = status["packages"][0];
    web["failovers"] = {{"used", 0}, {"limit", 3}, {"resets", nullptr}};
    CHECK(render_status(status, plain).find("failovers") == std::string::npos);
    web["failovers"] = {{"used", 2}, {"limit", 3}, {"resets", now + 600 * second}};
    INFO(render_status(status, plain));
    CHECK(render_status(status, plain).find("web: 2 of 3 failovers used, the first counts until Nov 24 15:10\n") !=
          std::string::npos);
}
