// Whole commands against a scripted mainstayd.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "hactl/command.hpp"
#include "scripted_server.hpp"

using namespace mainstay::hactl;
using namespace mainstay::hactl::testing;

namespace {

const std::string moved = R"({"method":"progress","params":{"id":@ID,"text":"web halts on node1"}})"
                          "\n"
                          R"({"method":"progress","params":{"id":@ID,"text":"web starts on node2"}})"
                          "\n"
                          R"({"id":@ID,"result":{"text":"web runs on node2"}})"
                          "\n";

std::string read_file(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

}  // namespace

TEST_CASE("a command that takes time shows its steps and ends with the result") {
    auto run = run_command({"package", "move", "web", "node2"}, {{"package.move", {moved}}});
    CHECK(run.code == exit_code::done);
    CHECK(run.requests.at(0) == R"({"node":"node2","package":"web","wait_ms":30000})");
    CHECK(run.out.find(" s  web halts on node1\n") != std::string::npos);
    CHECK(run.out.find("  +0.") == 0);
    CHECK(run.out.substr(run.out.size() - 18) == "web runs on node2\n");
    CHECK(run.err.empty());
}

TEST_CASE("--json gives the same as JSON, line by line") {
    auto run = run_command({"--json", "package", "move", "web", "--node", "node2"}, {{"package.move", {moved}}});
    CHECK(run.code == exit_code::done);
    CHECK(run.out == R"({"progress":{"id":1,"text":"web halts on node1"}})"
                     "\n"
                     R"({"progress":{"id":1,"text":"web starts on node2"}})"
                     "\n"
                     R"({"result":{"text":"web runs on node2"}})"
                     "\n");
    auto refused = run_command({"package", "start", "wep", "--json"},
                               {{"package.start",
                                 {R"({"id":@ID,"error":{"code":6,"message":"there is no package wep",)"
                                  R"("data":{"nearest":"web"}}})"
                                  "\n"}}});
    CHECK(refused.code == exit_code::refused);
    CHECK(refused.out == R"({"error":{"data":{"nearest":"web"},"exit_code":1,)"
                         R"("message":"there is no package wep; did you mean web?"}})"
                         "\n");
}

TEST_CASE("partial starts and restarts that are counted anew are asked for by name") {
    auto done = R"({"id":@ID,"result":{"text":"done"}})"
                "\n";
    auto start = run_command({"package", "start", "web", "--to", "sg/package_ip", "--without", "vg", "--without", "fs"},
                             {{"package.start", {done}}});
    CHECK(start.code == exit_code::done);
    CHECK(run_command({"package", "halt", "web", "--partial"}, {{"package.halt", {done}}}).code == exit_code::done);
    CHECK(run_command({"package", "reset-restarts", "web", "probe"}, {{"package.reset_restarts", {done}}}).code ==
          exit_code::done);
    auto odd = run_command({"package", "halt", "web", "--to", "address"});
    CHECK(odd.code == exit_code::usage);
    CHECK(odd.err == "hactl: hactl package halt knows no option --to\n");
}

TEST_CASE("a refusal goes to standard error, with the exit code of its kind") {
    auto run =
        run_command({"node", "halt", "node7"}, {{"node.halt",
                                                 {R"({"id":@ID,"error":{"code":3,"message":"no leader within 1 s"}})"
                                                  "\n"}}});
    CHECK(run.code == exit_code::no_leader);
    CHECK(run.out.empty());
    CHECK(run.err == "hactl: no leader within 1 s\n");
    auto lost = run_command({"cluster", "halt"}, {{"cluster.halt", {"{\"id\":"}}});
    CHECK(lost.code == exit_code::unconfirmed);
    auto none = run_command({"status"});
    CHECK(none.code == exit_code::unreachable);
    CHECK(none.err.find("/nonexistent/admin.sock") != std::string::npos);
}

TEST_CASE("--wait is how long to look for a leader") {
    auto run = run_command({"cluster", "run", "--wait", "2m"}, {{"cluster.run",
                                                                 {R"({"id":@ID,"result":{}})"
                                                                  "\n"}}});
    CHECK(run.requests.at(0) == R"({"wait_ms":120000})");
    CHECK(run.out == "done\n");
}

TEST_CASE("resource: the node is this one unless --node says otherwise") {
    const char* answer = R"({"id":@ID,"result":{"value":"up"}})"
                         "\n";
    auto set = run_command({"resource", "set", "lun", "up"}, {{"resource.set", {answer}}});
    CHECK(set.requests.at(0) == R"({"resource":"lun","value":"up","wait_ms":30000})");
    auto get = run_command({"resource", "get", "lun", "--node", "node2"}, {{"resource.get", {answer}}});
    CHECK(get.requests.at(0) == R"({"node":"node2","resource":"lun"})");
    CHECK(get.out == "up\n");
    auto elsewhere = run_command({"resource", "set", "lun", "up", "--node", "node2"}, {{"resource.set", {answer}}});
    CHECK(elsewhere.requests.at(0) == R"({"node":"node2","resource":"lun","value":"up","wait_ms":30000})");
}

TEST_CASE("package maintenance: reason and end") {
    const char* answer = R"({"id":@ID,"result":{}})"
                         "\n";
    auto on =
        run_command({"package", "maintenance", "on", "web", "--reason", "disks"}, {{"package.maintenance", {answer}}});
    CHECK(on.requests.at(0) == R"({"on":true,"package":"web","reason":"disks","wait_ms":30000})");
    auto until = run_command({"package", "maintenance", "on", "web", "--until", "2099-12-01 18:30"},
                             {{"package.maintenance", {answer}}});
    CHECK(until.requests.at(0).find("\"until\":4099") != std::string::npos);
    auto past = run_command({"package", "maintenance", "on", "web", "--until", "2001-12-01 18:30"}, {{"x", {answer}}});
    CHECK(past.code == exit_code::usage);
    CHECK(past.err.find("has passed already") != std::string::npos);
    CHECK(run_command({"package", "maintenance", "maybe", "web"}, {{"x", {answer}}}).code == exit_code::usage);
}

TEST_CASE("package pin and unpin") {
    const char* answer = R"({"id":@ID,"result":{}})"
                         "\n";
    auto pin = run_command({"package", "pin", "web", "node2", "--reason", "licence", "--until", "2099-12-01 18:30"},
                           {{"package.pin", {answer}}});
    CHECK(pin.requests.at(0).find(R"({"node":"node2","package":"web","reason":"licence","until":4099)") == 0);
    CHECK(run_command({"package", "pin", "web", "node2", "--until", "2001-12-01"}, {{"x", {answer}}}).code ==
          exit_code::usage);
    CHECK(run_command({"package", "pin", "web"}, {{"x", {answer}}}).code == exit_code::usage);
    auto unpin = run_command({"package", "unpin", "web"}, {{"package.unpin", {answer}}});
    CHECK(unpin.requests.at(0) == R"({"package":"web","wait_ms":30000})");
}

TEST_CASE("watch prints events until the stream ends") {
    auto run = run_command({"watch", "--package", "web"}, {{"watch",
                                                            {R"({"id":@ID,"result":{"index":7}})"
                                                             "\n"
                                                             R"({"method":"event","params":{"text":"web starts)",
                                                             R"( on node2"}})"
                                                             "\n"}}});
    CHECK(run.requests.at(0) == R"({"package":"web"})");
    CHECK(run.out == "-  web starts on node2\n");
    CHECK(run.code == exit_code::unreachable);
}

TEST_CASE("a wrong command line is told what would be right") {
    auto complaint = [](std::vector<std::string> arguments) {
        auto run = run_command(arguments);
        CHECK(run.code == exit_code::usage);
        CHECK(run.out.empty());
        return run.err;
    };
    CHECK(complaint({"statsu"}) == "hactl: there is no command statsu; did you mean hactl status?\n");
    CHECK(complaint({"package", "mvoe", "web"}) ==
          "hactl: there is no command package mvoe; did you mean hactl package move?\n");
    CHECK(complaint({"pakage", "frobnicate"}) ==
          "hactl: there is no command pakage frobnicate; did you mean hactl package?\n");
    CHECK(complaint({"package"}) ==
          "hactl: hactl package what? One of start, halt, move, enable, disable, maintenance, pin, unpin, "
          "reset-restarts\n");
    CHECK(complaint({"package", "start"}) == "hactl: usage: hactl package start PACKAGE [NODE]\n");
    CHECK(complaint({"status", "now"}) == "hactl: usage: hactl status\n");
    CHECK(complaint({"status", "--jsno"}).find("did you mean --json?") != std::string::npos);
    CHECK(complaint({"status", "--limit", "5"}) == "hactl: hactl status knows no option --limit\n");
    CHECK(complaint({"package", "move", "web", "a", "--node", "b"}).find("named twice") != std::string::npos);
    CHECK(complaint({"history", "--limit", "0"}).find("1 to 1000") != std::string::npos);
    CHECK(complaint({"cluster", "run", "--wait", "soon"}).find("no time") != std::string::npos);
    CHECK(complaint({}).find("usage: hactl") == 0);
}

TEST_CASE("help lists every command and the exit codes") {
    auto run = run_command({"help"});
    CHECK(run.code == exit_code::done);
    for (const auto& item : commands()) {
        CAPTURE(item.name);
        CHECK(run.out.find("  " + std::string(item.name)) != std::string::npos);
    }
    CHECK(run.out.find("Exit codes: 0 done") != std::string::npos);
    CHECK(run_command({"--version"}).out == "hactl 0.0.0\n");
}

TEST_CASE("key new writes a key once, for root alone") {
    char name[] = "/tmp/mainstay-key-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    std::string directory = name;
    auto path = directory + "/key";
    auto run = run_command({"key", "new"}, {}, directory);
    CHECK(run.code == exit_code::done);
    auto key = read_file(path);
    CHECK(key.size() == 65);
    CHECK(key.find_first_not_of("0123456789abcdef\n") == std::string::npos);
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0600);
    auto again = run_command({"key", "new", path});
    CHECK(again.code == exit_code::refused);
    CHECK(again.err.find("there is a key already") != std::string::npos);
    CHECK(read_file(path) == key);
    auto other = run_command({"key", "new", "--file", directory + "/other"});
    CHECK(other.code == exit_code::done);
    CHECK(read_file(directory + "/other") != key);
    CHECK(run_command({"key", "new", directory + "/no/such/key"}).code == exit_code::refused);
    std::filesystem::remove_all(directory);
}

TEST_CASE("arbitrator format makes a device once, and status reads it") {
    char name[] = "/tmp/mainstay-arbitrator-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    std::string directory = name;
    auto device = directory + "/tie";
    auto made = run_command({"arbitrator", "format", device});
    INFO(made.err);
    CHECK(made.code == exit_code::done);
    CHECK(made.out.find("arbitrator_param device " + device) != std::string::npos);
    auto again = run_command({"arbitrator", "format", device});
    CHECK(again.code == exit_code::refused);
    CHECK(again.err.find("--force") != std::string::npos);
    auto status = run_command({"arbitrator", "status", device});
    CHECK(status.code == exit_code::done);
    CHECK(status.out.find("none yet") != std::string::npos);
    auto before = run_command({"arbitrator", "status", device, "--json"}).out;
    CHECK(before.find("\"floor\":0") != std::string::npos);
    CHECK(run_command({"arbitrator", "format", device, "--force"}).code == exit_code::done);
    CHECK(run_command({"arbitrator", "status", device, "--json"}).out != before);  // another store
    std::filesystem::resize_file(device, 8192);
    auto cut = run_command({"arbitrator", "status", device});
    CHECK(cut.code == exit_code::refused);
    CHECK(cut.err.find("slot 0") != std::string::npos);
    auto keyless = run_command({"arbitrator", "status", "127.0.0.1", "--file", directory + "/no.key"});
    CHECK(keyless.code == exit_code::refused);
    CHECK(keyless.err.find("hactl key new") != std::string::npos);
    std::filesystem::remove_all(directory);
}

TEST_CASE("node reset says what it gives up, and touches nothing that is not there or not meant") {
    char name[] = "/tmp/mainstay-reset-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    std::string directory = name;
    auto asked = run_command({"node", "reset", "--json", "--state-dir", directory});
    CHECK(asked.code == exit_code::usage);
    auto none = run_command({"node", "reset", "--yes", "--state-dir", directory, "--node", "node2"});
    CHECK(none.code == exit_code::refused);
    CHECK(none.err.find("This removes what node2 has stored in " + directory) == 0);
    CHECK(none.err.find("there is no store, nothing to reset") != std::string::npos);
    std::ofstream(directory + "/mainstay.db") << "not a database";
    auto done = run_command({"node", "reset", "--yes", "--state-dir", directory, "--node", "node2"});
    CHECK(done.code == exit_code::done);
    CHECK(done.err.find("the store of node2 is removed. Restart this machine") != std::string::npos);
    CHECK(std::filesystem::is_empty(directory));
    std::filesystem::remove_all(directory);
}
