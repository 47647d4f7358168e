// cmrunserv and the others as control scripts call them.
#include "hactl/script_commands.hpp"

#include <catch2/catch.hpp>

#include "scripted_server.hpp"

using namespace mainstay::hactl;
using namespace mainstay::hactl::testing;

namespace {

struct result_of_script {
    int code = -1;
    std::string out;
    std::string err;
    std::string request;  // empty: nothing was asked
};

result_of_script run(const std::string& name, const std::vector<std::string>& words, const std::string& answer = "",
                     const std::string& process = "1.2/web/77") {
    result_of_script out;
    surroundings around;
    around.to.out = [&](std::string_view text) { out.out += text; };
    around.to.err = [&](std::string_view text) { out.err += text; };
    around.process = process;
    std::string method = name == "cmrunserv" ? "script.run_service" : "script.halt_service";
    around.environment = {"PATH=/bin", "SG_PACKAGE=web", "SG_NODE=node1", "PEV_COLOR=deep blue"};
    if (name == "cmsetresource" || name == "cmgetresource")
        method = name == "cmsetresource" ? "resource.set" : "resource.get";
    if (name == "cmmodnet") method = words.front() == "-a" ? "script.add_address" : "script.remove_address";
    scripted_server server(answer.empty() ? std::vector<exchange>{} : std::vector<exchange>{{method, {answer + "\n"}}});
    around.connect = [&](const std::string&) -> tl::expected<connection, call_error> { return server.connect(); };
    out.code = run_script_command(name, words, around);
    auto requests = server.requests();
    if (!requests.empty()) out.request = requests.front();
    return out;
}

const std::string good = R"({"id":@ID,"result":{"text":"service s runs"}})";

}  // namespace

TEST_CASE("cmrunserv takes restarts, a name and a command, quoted or not") {
    struct row {
        std::vector<std::string> words;
        const char* request;
    };
    for (const auto& item :
         {row{{"s", "/bin/s -r 3"}, R"({"command":"/bin/s -r 3","process":"1.2/web/77","service":"s"})"},
          row{{"-r", "2", "s", "/bin/s", "-v", "x"},
              R"({"command":"/bin/s -v x","process":"1.2/web/77","restarts":2,"service":"s"})"},
          row{{"-r 2", "s", "/bin/s"}, R"({"command":"/bin/s","process":"1.2/web/77","restarts":2,"service":"s"})"},
          row{{"", "s", "/bin/s"}, R"({"command":"/bin/s","process":"1.2/web/77","service":"s"})"},
          row{{"-v", "-R", "s", "/bin/s"},
              R"({"command":"/bin/s","process":"1.2/web/77","restarts":"unlimited","service":"s"})"}}) {
        auto done = run("cmrunserv", item.words, good);
        CHECK(done.code == 0);
        CHECK(done.request == item.request);
        CHECK(done.out == (item.words.front() == "-v" ? "service s runs\n" : ""));
    }
}

TEST_CASE("cmhaltserv and cmmodnet") {
    CHECK(run("cmhaltserv", {"s"}, good).request == R"({"process":"1.2/web/77","service":"s"})");
    CHECK(run("cmmodnet", {"-a", "-i", "10.0.0.9", "10.0.0.0"}, good).request ==
          R"({"address":"10.0.0.9","process":"1.2/web/77","subnet":"10.0.0.0"})");
    CHECK(run("cmmodnet", {"-r", "-i", "10.0.0.9", "10.0.0.0"}, good).code == 0);
}

TEST_CASE("cmsetresource and cmgetresource, from wherever a monitor runs") {
    const std::string set = R"({"id":@ID,"result":{"text":"set"}})";
    CHECK(run("cmsetresource", {"-r", "disk", "-s", "up"}, set, "").request == R"({"resource":"disk","value":"up"})");
    CHECK(run("cmsetresource", {"-v", "17", "-r", "load"}, set).request == R"({"resource":"load","value":"17"})");
    auto got = run("cmgetresource", {"-r", "disk"}, R"({"id":@ID,"result":{"node":"node1","value":"up"}})", "");
    CHECK(got.code == 0);
    CHECK(got.out == "up\n");
    CHECK(got.request == R"({"resource":"disk"})");
    for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                   {"-r", "disk"},
                                                                   {"-r", "disk", "-s", "maybe"},
                                                                   {"-r", "disk", "-v", "x"},
                                                                   {"-s", "up"},
                                                                   {"-r", "disk", "-s", "up", "-v", "3"},
                                                                   {"-r", "a", "-r", "b"},
                                                                   {"-r", "disk", "-s"}})
        CHECK(run("cmsetresource", words).err.starts_with("usage: cmsetresource"));
    CHECK(run("cmgetresource", {"-r", "disk", "-s", "up"}).code == 1);
}

TEST_CASE("cmgetpkgenv prints what the package's scripts have") {
    CHECK(run("cmgetpkgenv", {"web"}).out == "SG_PACKAGE=web\nSG_NODE=node1\nPEV_COLOR=deep blue\n");
    CHECK(run("cmgetpkgenv", {}).code == 0);
    CHECK(run("cmgetpkgenv", {"other"}).code == 1);
}

TEST_CASE("whatever goes wrong is exit code 1, with a word of why") {
    auto refused =
        run("cmrunserv", {"s", "x"}, R"({"id":@ID,"error":{"code":1,"message":"package web has no service s"}})");
    CHECK(refused.code == 1);
    CHECK(refused.err == "cmrunserv: package web has no service s\n");
    auto outside = run("cmhaltserv", {"s"}, "", "");
    CHECK(outside.code == 1);
    CHECK(outside.err == "cmhaltserv: works only in a script of a package\n");
    for (const auto& words : std::vector<std::vector<std::string>>{
             {}, {"s"}, {"-r", "s", "x"}, {"-r", "-1", "s", "x"}, {"-x", "s", "x"}, {"-r", "2"}}) {
        auto wrong = run("cmrunserv", words);
        CHECK(wrong.code == 1);
        CHECK(wrong.err.starts_with("usage: cmrunserv"));
    }
    auto latin = run("cmrunserv", {"s", "/bin/x --conf /etc/m\xfcller.cf"});
    CHECK(latin.code == 1);
    CHECK(latin.err.find("is not UTF-8 text") != std::string::npos);
    CHECK(run("cmhaltserv", {"a", "b"}).err.starts_with("usage: cmhaltserv"));
    CHECK(run("cmmodnet", {"-e", "eth0"}).err.starts_with("usage: cmmodnet"));
    CHECK(run("cmmodnet", {"-a", "10.0.0.9", "10.0.0.0"}).err.starts_with("usage: cmmodnet"));
}
