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

TEST_CASE("files that cannot be read are named with everything else") {
    config_dir d;
    d.write("a.conf",
            "package_name a\nnode_name node9\nrun_script /x\nhalt_script /x\nlog_level 9\n"
            "dependency_name d\n  dependency_condition b = UP\n");
    auto run =
        run_command({"cluster", "check", "--offline", cluster_file, "/nonexistent/b.conf", d.path + "/a.conf", "/tmp"});
    CHECK(run.code == exit_code::refused);
    CHECK(run.err.find("/nonexistent/b.conf: error: can't be read: No such file or directory\n") != std::string::npos);
    CHECK(run.err.find("/tmp: error: is a directory; a file was expected\n") != std::string::npos);
    CHECK(run.err.find("a.conf:2: error: node_name: there is no node node9") != std::string::npos);
    CHECK(run.err.find("a.conf:5: error: log_level") != std::string::npos);
    CHECK(run.err.find("there is no package b") == std::string::npos);  // it may be in the other file
    CHECK(run.err.find("4 errors in 4 files; nothing was changed") != std::string::npos);
}

TEST_CASE("mainstayd hears of a file that can't be read, and is not told that it is empty") {
    auto run = run_command({"cluster", "apply", cluster_file, "/nonexistent/b.conf"},
                           {{"cluster.apply",
                             {R"({"id":@ID,"error":{"code":8,"message":"errors"}})"
                              "\n"}}});
    CHECK(run.code == exit_code::refused);
    auto sent = nlohmann::json::parse(run.requests.at(0))["files"][1];
    CHECK(sent["unreadable"] == "can't be read: No such file or directory");
    CHECK(sent["text"] == "unreadable");
}

TEST_CASE("packages that are to go are named to mainstayd") {
    for (const char* word : {"check", "apply"}) {
        auto method = std::string("cluster.") + word;
        auto run = run_command({"cluster", word, cluster_file, "--remove", "two,three"},
                               {{method,
                                 {R"({"id":@ID,"error":{"code":1,"message":"no"}})"
                                  "\n"}}});
        CHECK(nlohmann::json::parse(run.requests.at(0))["remove"] == nlohmann::json{"two", "three"});
    }
}

TEST_CASE("one file of a cluster alone: it says that all are wanted") {
    auto run = run_command({"cluster", "check", "--offline", web_file});
    CHECK(run.code == exit_code::refused);
    CHECK(run.err.find(web_file +
                       ": error: cluster_name: no file names the cluster: all files of the cluster are wanted "
                       "together; expected cluster.conf, and the files of all packages") != std::string::npos);
    CHECK(run.err.find("1 error in 1 file") != std::string::npos);
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
