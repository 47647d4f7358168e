// cluster check and apply.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "scripted_server.hpp"

using namespace mainstay::hactl;
using namespace mainstay::hactl::testing;

namespace {

const std::string source = MAINSTAY_SOURCE_DIR;
const std::string cluster_file = source + "/examples/three-node/cluster.conf";
const std::string web_file = source + "/examples/web/web.conf";

struct config_dir {
    config_dir() {
        char name[] = "/tmp/mainstay-conf-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path = name;
        std::filesystem::create_directories(path + "/packages");
    }
    ~config_dir() { std::filesystem::remove_all(path); }
    void write(const std::string& name, const std::string& text) const { std::ofstream(path + '/' + name) << text; }
    std::string path;
};

}  // namespace

TEST_CASE("check works without mainstayd, and says so") {
    auto run = run_command({"cluster", "check", cluster_file, web_file});
    CHECK(run.code == exit_code::done);
    CHECK(run.err.find("checked without mainstayd") != std::string::npos);
    CHECK(run.err.find("parameters of plugins were not checked") != std::string::npos);
    CHECK(run.out.find("lease ") != std::string::npos);
    CHECK(run.out.find("2 files good\n") != std::string::npos);
}

TEST_CASE("check reports all problems of all files and fails") {
    config_dir d;
    d.write("cluster.conf", "cluster_name c\nmember_timout 2s\n");
    d.write("packages/b.conf", "package_name b\nrun_scirpt /x\n");
    d.write("packages/a.conf", "package_name a\nauto_run perhaps\n");
    d.write("packages/notes.txt", "not read");
    auto run = run_command({"cluster", "check", "--offline"}, {}, d.path);
    CHECK(run.code == exit_code::refused);
    auto cluster =
        run.err.find(d.path + "/cluster.conf:2: error: member_timout: unknown keyword; did you mean member_timeout?");
    auto a = run.err.find("packages/a.conf:2: error: auto_run");
    auto b = run.err.find("packages/b.conf:2: error: run_scirpt");
    CHECK(cluster < a);
    CHECK(a < b);
    CHECK(b != std::string::npos);
    CHECK(run.err.find("3 errors in 3 files; nothing was changed") != std::string::npos);
}

TEST_CASE("files that cannot be read are named") {
    auto run = run_command({"cluster", "check", "/nonexistent/nowhere.conf"});
    CHECK(run.code == exit_code::refused);
    CHECK(run.err == "hactl: can't read /nonexistent/nowhere.conf: No such file or directory\n");
    CHECK(run_command({"cluster", "apply", "/tmp"}).err == "hactl: /tmp is a directory; expected a file\n");
}

TEST_CASE("with mainstayd, mainstayd checks") {
    auto run =
        run_command({"cluster", "check", cluster_file},
                    {{"cluster.check",
                      {R"({"id":@ID,"result":{"ok":true,"problems":[{"severity":"warning","file":"c","line":1,)"
                       R"("keyword":"fencing","message":"none"}],"changes":["package web: added"],"timing":"T\n"}})"
                       "\n"}}});
    CHECK(run.code == exit_code::done);
    CHECK(run.err == "c:1: warning: fencing: none\n");
    CHECK(run.out == "T\nwould change  package web: added\n1 file good, with 1 warning\n");
    auto sent = nlohmann::json::parse(run.requests.at(0));
    CHECK(sent["files"][0]["name"] == cluster_file);
    CHECK(sent["files"][0]["text"].get<std::string>().find("cluster_name") != std::string::npos);
}

TEST_CASE("apply shows the problems of a configuration that was refused") {
    auto run = run_command({"cluster", "apply", cluster_file, web_file},
                           {{"cluster.apply",
                             {R"({"id":@ID,"error":{"code":8,"message":"the configuration has errors",)"
                              R"("data":{"problems":[{"severity":"error","file":"web.conf","line":5,)"
                              R"("keyword":"ip_address","message":"outside"}]}}})"
                              "\n"}}});
    CHECK(run.code == exit_code::refused);
    CHECK(run.err == "web.conf:5: error: ip_address: outside\nhactl: the configuration has errors\n");
    CHECK(nlohmann::json::parse(run.requests.at(0))["files"].size() == 2);
}
