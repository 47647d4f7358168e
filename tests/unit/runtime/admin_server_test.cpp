// The administration socket: a real one in a directory of its own, a client that behaves badly, and
// a small formed node behind it.
#include <utility>

#include "runtime/admin_server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fcntl.h>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "runtime/admin_methods.hpp"
#include "support/small_cluster.hpp"
#include "temp_dir.hpp"

using namespace mainstay;
using namespace mainstay::small;
using nlohmann::json;

namespace {

class fake_backend : public runtime::admin_backend {
public:
    explicit fake_backend(bool formed = true) : core_(start(formed), {time_point{duration{1'000'000}}, wall_time{1}}) {}

    [[nodiscard]] const node::node& core() const override { return core_; }
    [[nodiscard]] std::vector<runtime::link_status> links() const override { return {}; }
    [[nodiscard]] const std::string& plugin_dir() const override { return plugins_; }
    void list_plugins(runtime::plugin_catalog::handler done) override {
        done(runtime::describe_plugins(HOST_PROGRAM, plugins_));
    }
    void look_at_programs(const std::map<std::string, std::vector<std::string>>& where, looks_handler done) override {
        looked_at = where;
        done(looks);
    }
    void validate_scripts(const std::vector<script_to_validate>& scripts, validations_handler done) override {
        for (const auto& item : scripts) validated.push_back(item.path);
        done(said);
    }
    [[nodiscard]] std::string initial_problem() const override { return "no cluster file"; }
    void ask(node::admin_body body, const std::string& who, duration patience, progress_handler progress,
             done_handler done) override {
        bodies.push_back(std::move(body));
        actor = who;
        waited = patience;
        progress("step one");
        if (hold) {
            held.push_back(std::move(done));
        } else {
            done({7, result, "the end"});
        }
    }

    std::map<std::string, std::vector<std::string>> looked_at;
    program_looks looks;
    std::vector<std::string> validated;
    validation_results said;
    std::vector<node::admin_body> bodies;
    std::string actor;
    duration waited{0};
    node::admin_result result = node::admin_result::done;
    bool hold = false;
    std::vector<done_handler> held;

private:
    static node::start_info start(bool formed) {
        node::start_info info;
        info.name = "n1";
        info.boot = {1, 1};
        info.store = store_id{101};
        if (!formed) return info;
        consensus::voter_set voters;
        voters.version = 1;
        for (node_id id : {n1, n2, n3}) voters.voters.push_back({id, store_id{100 + id.value}});
        cluster::command first;
        first.body =
            cluster::found_cluster{cluster_id{77}, {configuration_text(), {{"n1", n1}, {"n2", n2}, {"n3", n3}}}};
        info.log.commit = log_index{2};
        info.log.log = {{term{}, voters}, {term{}, consensus::payload{encode(first)}}};
        return info;
    }
    node::node core_;
    std::string plugins_ = PLUGIN_DIR;
};

// Server and client on one loop and one thread: every wait is for an event, with a generous limit.
struct admin_lab {
    explicit admin_lab(bool formed = true) : backend(formed) {
        auto made = runtime::admin_server::open(loop, dir.path + "/admin.sock", backend);
        REQUIRE(made);
        server = std::move(*made);
    }
    // Runs the loop until the condition holds.
    template <class Condition>
    bool until(Condition wanted) {
        auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!wanted() && std::chrono::steady_clock::now() < limit) loop.run_one_for(std::chrono::milliseconds(20));
        return wanted();
    }
    temp_dir dir;
    boost::asio::io_context loop;
    fake_backend backend;
    std::unique_ptr<runtime::admin_server> server;
};

class client {
public:
    explicit client(admin_lab& lab) : lab_(lab), fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        auto path = lab.dir.path + "/admin.sock";
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    ~client() { close(); }
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    // False when the server has ended the connection before it took everything.
    bool send(std::string_view text) {
        return lab_.until([&] {
            auto size = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (size > 0) text.remove_prefix(static_cast<std::size_t>(size));
            broken_ = size < 0 && errno != EAGAIN;
            return text.empty() || broken_;
        }) && !broken_;
    }
    // The next line, or "" when the server has ended the connection.
    std::string line() {
        auto end = std::string::npos;
        lab_.until([&] {
            take();
            end = input_.find('\n');
            return end != std::string::npos || over_;
        });
        if (end == std::string::npos) return {};
        auto text = input_.substr(0, end);
        input_.erase(0, end + 1);
        return text;
    }
    bool ended() {
        return lab_.until([&] {
            take();
            return over_;
        });
    }
    json ask(const std::string& text) {
        REQUIRE(send(text + "\n"));
        return json::parse(line(), nullptr, false);
    }
    json call(const std::string& method, const json& params = json::object()) {
        return ask(json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}}.dump());
    }

private:
    void take() {
        char buffer[65'536];
        auto size = ::recv(fd_, buffer, sizeof buffer, 0);
        if (size > 0) input_.append(buffer, static_cast<std::size_t>(size));
        if (size == 0 || (size < 0 && errno != EAGAIN)) over_ = true;
    }
    admin_lab& lab_;
    int fd_;
    bool broken_ = false;
    bool over_ = false;
    std::string input_;
};

int code_of(const json& answer) { return answer.contains("error") ? answer["error"]["code"].get<int>() : 0; }

node::happened entry(std::uint64_t index, const std::string& package, const std::string& text = "x") {
    node::happened item;
    item.index = log_index{index};
    item.event = "package_running";
    item.severity = "info";
    item.text = text;
    item.package = package;
    return item;
}

}  // namespace

TEST_CASE("the socket is the daemon's own") {
    admin_lab lab;
    struct stat found {};
    REQUIRE(::stat((lab.dir.path + "/admin.sock").c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
    // A socket that a crashed daemon left is no obstacle; a directory that is not there is.
    boost::asio::io_context other;
    CHECK(runtime::admin_server::open(other, lab.dir.path + "/admin.sock", lab.backend));
    auto nowhere = runtime::admin_server::open(other, lab.dir.path + "/nowhere/admin.sock", lab.backend);
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().message.find("nowhere") != std::string::npos);
}

TEST_CASE("lines that are no request are answered with the right code, and the connection goes on") {
    admin_lab lab;
    client item(lab);
    struct row {
        const char* text;
        int code;
    };
    for (const auto& [text, code] :
         {row{"garbage", -32700}, row{"{", -32700}, row{"\x01\xff\xfe", -32700}, row{"[]", -32600}, row{"17", -32600},
          row{"null", -32600}, row{"{}", -32600}, row{R"({"id":1})", -32600}, row{R"({"method":"status"})", -32600},
          row{R"({"id":{},"method":"status"})", -32600}, row{R"({"id":1,"method":7})", -32600},
          row{R"({"id":1,"method":"no.such"})", -32601}, row{R"({"id":1,"method":""})", -32601},
          row{R"({"id":1,"method":"package.what","params":{"package":"web"}})", -32601},
          row{R"({"id":1,"method":"status","params":[1]})", -32602},
          row{R"({"id":1,"method":"status","params":"x"})", -32602}}) {
        CAPTURE(text);
        auto answer = item.ask(text);
        CHECK(code_of(answer) == code);
        CHECK(answer["jsonrpc"] == "2.0");
        CHECK_FALSE(answer["error"]["message"].get<std::string>().empty());
    }
    CHECK(item.ask("garbage")["id"].is_null());
    CHECK(item.ask(R"({"id":"abc","method":"no.such"})")["id"] == "abc");
    CHECK(item.call("status")["result"]["formed"] == true);
}

TEST_CASE("missing or wrong parameters: which one was expected") {
    admin_lab lab;
    client item(lab);
    for (const char* method : {"package.start", "package.halt", "package.move", "package.enable", "package.disable",
                               "node.run", "node.halt", "explain", "plugins.info", "cluster.check", "cluster.apply"}) {
        CAPTURE(method);
        for (const auto& params :
             {json::object(), json{{"package", 5}, {"node", json::array()}, {"files", "x"}, {"name", 1}},
              json{{"files", json::array({json{{"name", "x"}}})}}}) {
            CHECK(code_of(item.call(method, params)) == -32602);
        }
    }
    CHECK(lab.backend.bodies.empty());
    CHECK(code_of(item.call("package.start", {{"package", "wbe"}})) == 6);
    CHECK(item.call("package.start", {{"package", "wbe"}})["error"]["data"]["nearest"] == "web");
    CHECK(code_of(item.call("explain", {{"package", "mail"}})) == 6);
    CHECK(code_of(item.call("plugins.info", {{"name", "heartbeat-ud"}})) == 6);
}

TEST_CASE("programs that a node lacks are found together with everything else, and nothing is applied") {
    std::string text = "cluster_name lab\nfencing none\n";
    for (const char* name : {"n1", "n2", "n3"})
        text += std::string("node_name ") + name + "\n  network_interface eth0\n    heartbeat_ip 10.77.0." + name[1] +
                "/24\n";
    json files = json::array({{{"name", "cluster.conf"}, {"text", text}},
                              {{"name", "web.conf"},
                               {"text",
                                "package_name web\nnode_name n1\nnode_name n2\nrun_script /s/run\n"
                                "halt_script /s/halt\n"}}});
    admin_lab lab;
    client item(lab);
    program_seen good{program_seen::kind::good, 0, true, "x"};
    lab.backend.looks["n1"].seen = {{"/s/run", good}, {"/s/halt", good}};
    lab.backend.looks["n2"].seen = {{"/s/run", {}}, {"/s/halt", good}};
    auto checked = item.call("cluster.check", {{"files", files}, {"remove", {"db"}}})["result"];
    CHECK(lab.backend.looked_at.size() == 2);
    CHECK(lab.backend.looked_at["n2"] == std::vector<std::string>{"/s/halt", "/s/run"});
    CHECK(checked["ok"] == false);
    auto missing = checked["problems"].back();
    CHECK(missing["severity"] == "error");
    CHECK(missing["file"] == "web.conf");
    CHECK(missing["line"] == 4);
    CHECK(missing["message"] == "/s/run is missing on n2; copy it there from n1");
    auto refused = item.call("cluster.apply", {{"files", files}});
    CHECK(code_of(refused) == 8);
    CHECK(refused["error"]["data"]["problems"].back() == missing);
    CHECK(lab.backend.bodies.empty());
    // Not knowing is no error.
    lab.backend.looks["n2"] = {"it is not heard", {}};
    // A package that is in no file: told by check, removed only by name.
    auto told = item.call("cluster.check", {{"files", files}})["result"];
    CHECK(told["ok"] == true);
    CHECK(told["problems"].dump().find("package db (down) is in no file") != std::string::npos);
    auto unnamed = item.call("cluster.apply", {{"files", files}});
    CHECK(code_of(unnamed) == 1);
    CHECK(unnamed["error"]["data"]["problems"][0]["severity"] == "error");
    CHECK(lab.backend.bodies.empty());
    json params{{"files", files}, {"remove", {"db"}}};
    REQUIRE(item.send(json{{"id", 2}, {"method", "cluster.apply"}, {"params", params}}.dump() + "\n"));
    static_cast<void>(item.line());  // progress
    auto applied = json::parse(item.line());
    CHECK(applied["result"]["problems"].dump().find("on n2: it is not heard") != std::string::npos);
    CHECK(lab.backend.bodies.size() == 1);
}

TEST_CASE("what external scripts say to validate is listed with everything else, and nothing is applied") {
    std::string text = "cluster_name lab\nfencing none\n";
    for (const char* name : {"n1", "n2", "n3"})
        text += std::string("node_name ") + name + "\n  network_interface eth0\n    heartbeat_ip 10.77.0." + name[1] +
                "/24\n";
    json files = json::array(
        {{{"name", "cluster.conf"}, {"text", text}},
         {{"name", "web.conf"}, {"text", "package_name web\nnode_name n1\nnode_name n2\nexternal_script /s/ext\n"}}});
    admin_lab lab;
    client item(lab);
    program_seen good{program_seen::kind::good, 0, true, "x"};
    lab.backend.looks["n1"].seen = {{"/s/ext", good}};
    lab.backend.looks["n2"].seen = {{"/s/ext", {}}};
    // A script that can't run anyhow is an error by itself: nothing is called.
    CHECK(item.call("cluster.check", {{"files", files}})["result"]["ok"] == false);
    CHECK(lab.backend.validated.empty());
    lab.backend.looks["n2"].seen = {{"/s/ext", good}};
    lab.backend.said["n2"].seen[{"web", "/s/ext"}] = {1, false, "no table"};
    auto checked = item.call("cluster.check", {{"files", files}})["result"];
    CHECK(lab.backend.validated == std::vector<std::string>{"/s/ext"});
    CHECK(checked["ok"] == false);
    auto wrong = checked["problems"].back();
    CHECK(wrong["file"] == "web.conf");
    CHECK(wrong["line"] == 4);
    CHECK(wrong["message"] == "/s/ext validate on n2: exit 1, said: no table; exit 0 was expected");
    CHECK(code_of(item.call("cluster.apply", {{"files", files}})) == 8);
    CHECK(lab.backend.bodies.empty());
    lab.backend.said.clear();
    CHECK(item.call("cluster.check", {{"files", files}})["result"]["ok"] == true);
}

TEST_CASE("partial starts, their halts and restarts that are counted anew reach the node as they were asked for") {
    admin_lab lab;
    client item(lab);
    auto asked = [&](const std::string& method, json params) {
        params["package"] = "web";
        REQUIRE(item.send(json{{"id", 2}, {"method", method}, {"params", params}}.dump() + "\n"));
        static_cast<void>(item.line());  // progress
        static_cast<void>(item.line());
        return std::get<cluster::command_body>(lab.backend.bodies.back());
    };
    auto start = asked("package.start", {{"to", "address"}, {"without", {"filesystem"}}, {"node", "n1"}});
    CHECK(encode(start) ==
          encode(cluster::command_body{cluster::package_run_partly{"web", "n1", "address", {"filesystem"}}}));
    CHECK(std::holds_alternative<cluster::package_run>(asked("package.start", json::object())));
    CHECK(std::holds_alternative<cluster::package_stop_partly>(asked("package.halt", {{"partial", true}})));
    auto reset = asked("package.reset_restarts", {{"service", "probe"}});
    CHECK(encode(reset) == encode(cluster::command_body{cluster::restarts_reset{"web", "", "probe"}}));
    CHECK(code_of(item.call("package.start", {{"package", "web"}, {"without", "service"}})) == -32602);
    CHECK(code_of(item.call("package.halt", {{"package", "web"}, {"partial", true}, {"node", "n1"}})) == -32602);
}

TEST_CASE("requests reach the node with who asked and how patient he is") {
    admin_lab lab;
    client item(lab);
    REQUIRE(item.send(R"({"id":9,"method":"package.move","params":{"package":"web","node":"n2","wait_ms":1500}})"
                      "\n"));
    auto progress = json::parse(item.line());
    CHECK(progress["method"] == "progress");
    CHECK(progress["params"]["id"] == 9);
    CHECK(progress["params"]["text"] == "step one");
    auto answer = json::parse(item.line());
    CHECK(answer["id"] == 9);
    CHECK(answer["result"]["text"] == "the end");
    REQUIRE(lab.backend.bodies.size() == 1);
    const auto* body = std::get_if<cluster::command_body>(&lab.backend.bodies[0]);
    REQUIRE(body != nullptr);
    CHECK(std::get<cluster::package_move>(*body).node == "n2");
    CHECK(lab.backend.actor.ends_with("@n1"));
    CHECK(lab.backend.waited == duration{1'500'000});
}

TEST_CASE("how the work ends is the error's code") {
    admin_lab lab;
    client item(lab);
    using node::admin_result;
    for (const auto& [result, code] :
         {std::pair{admin_result::refused, 1}, std::pair{admin_result::failed, 2},
          std::pair{admin_result::no_leader, 3}, std::pair{admin_result::unconfirmed, 4}}) {
        lab.backend.result = result;
        REQUIRE(item.send(R"({"id":1,"method":"cluster.halt"})"
                          "\n"));
        item.line();  // progress
        CHECK(code_of(json::parse(item.line())) == code);
    }
    admin_lab unformed(false);
    client other(unformed);
    for (const char* method : {"cluster.run", "cluster.get", "cluster.halt"}) CHECK(code_of(other.call(method)) == 5);
    CHECK(other.call("status")["result"]["formed"] == false);
    CHECK(other.call("status")["result"]["problem"] == "no cluster file");
}

TEST_CASE("an answer whose asker has left goes nowhere and harms nobody") {
    admin_lab lab;
    lab.backend.hold = true;
    {
        client item(lab);
        REQUIRE(item.send(R"({"id":1,"method":"cluster.halt"})"
                          "\n"));
        REQUIRE(lab.until([&] { return lab.backend.held.size() == 1; }));
    }
    client item(lab);
    CHECK(item.call("status").contains("result"));
    lab.backend.held[0]({7, node::admin_result::done, "late"});
    CHECK(item.call("status").contains("result"));
}

TEST_CASE("half a message and then nothing, byte by byte, several in one piece") {
    admin_lab lab;
    {
        client half(lab);
        REQUIRE(half.send(R"({"id":1,"method":"cluster.ha)"));
        half.close();
    }
    client item(lab);
    for (char byte : std::string(R"({"id":5,"method":"status"})"
                                 "\n"))
        REQUIRE(item.send(std::string(1, byte)));
    CHECK(json::parse(item.line())["id"] == 5);
    REQUIRE(item.send("\n\n{\"id\":6,\"method\":\"status\"}\n{\"id\":7,\"method\":\"status\"}\n"));
    CHECK(json::parse(item.line())["id"] == 6);
    CHECK(json::parse(item.line())["id"] == 7);
    CHECK(lab.backend.bodies.empty());
}

TEST_CASE("a line above 8 MiB ends its connection, and no other") {
    admin_lab lab;
    client good(lab);
    client item(lab);
    item.send(std::string(9U << 20, 'x'));
    CHECK(item.ended());
    CHECK(good.call("status").contains("result"));
}

TEST_CASE("a line that nests deeper than any stack is refused") {
    admin_lab lab;
    client item(lab);
    constexpr std::size_t depth = 300'000;
    auto nested = std::string(depth, '[') + std::string(depth, ']');
    CHECK(code_of(item.ask(nested)) == -32600);
    CHECK(code_of(item.ask(R"({"id":1,"method":"no.such","params":)" + nested + "}")) == -32602);
    CHECK(code_of(item.ask(R"({"id":1,"method":"no.such","params":{"a":)" + nested + "}}")) == -32601);
    CHECK(code_of(item.ask(R"({"id":1,"method":"script.x","params":{"a":)" + nested + "}}")) == -32602);
    CHECK(code_of(item.ask(R"({"id":1,"method":"simulate","params":{"happenings":)" + nested + "}}")) == -32602);
    CHECK(item.call("status").contains("result"));
}

TEST_CASE("watchers hear what their filter lets through") {
    admin_lab lab;
    client all(lab), web(lab), deaf(lab);
    CHECK(all.call("watch")["result"].contains("index"));
    CHECK(web.call("watch", {{"package", "web"}})["result"].contains("index"));
    lab.server->happened(entry(5, "db"));
    lab.server->happened(entry(6, "web"));
    CHECK(json::parse(all.line())["params"]["index"] == 5);
    CHECK(json::parse(all.line())["params"]["index"] == 6);
    auto heard = json::parse(web.line());
    CHECK(heard["method"] == "event");
    CHECK(heard["params"]["index"] == 6);
    CHECK(heard["params"]["kind"] == "package_running");
    CHECK(deaf.call("status").contains("result"));  // the first line it gets: no events
}

TEST_CASE("watch since: first what came after it") {
    admin_lab lab;
    client item(lab);
    REQUIRE(item.send(R"({"id":1,"method":"watch","params":{"since":1}})"
                      "\n"));
    CHECK(json::parse(item.line())["result"].contains("index"));
    CHECK(json::parse(item.line())["params"]["index"] == 2);  // the founding entry
}

TEST_CASE("a watcher that does not read is told from where it has to go on, and let go; others hear everything") {
    admin_lab lab;
    client slow(lab), good(lab);
    slow.call("watch");
    good.call("watch");
    std::string text(10'000, 'x');
    for (std::uint64_t i = 1; i <= 1'500; ++i) {
        lab.server->happened(entry(i, "web", text));
        REQUIRE(json::parse(good.line())["params"]["index"] == i);
    }
    std::uint64_t heard = 0;
    json last;
    while (last = json::parse(slow.line()), last["params"]["kind"] != "stream_lagged")
        CHECK(last["params"]["index"] == ++heard);
    CHECK(last["method"] == "event");
    CHECK(last["params"]["index"] == heard);
    CHECK(heard > 0);
    CHECK(heard < 1'500);
    CHECK(slow.ended());
    CHECK(good.call("status").contains("result"));
}

TEST_CASE("many connections at once, and room again when they have left") {
    admin_lab lab;
    for (int round = 0; round < 2; ++round) {
        std::vector<std::unique_ptr<client>> many;
        many.reserve(150);
        for (int i = 0; i < 150; ++i) many.push_back(std::make_unique<client>(lab));
        for (auto& item : many) CHECK(item->call("status").contains("result"));
    }
    std::vector<std::unique_ptr<client>> flood;
    for (int i = 0; i < 300; ++i) {
        flood.push_back(std::make_unique<client>(lab));
        lab.loop.poll();
    }
    CHECK(flood.front()->call("status").contains("result"));
    CHECK(flood.back()->ended());  // one too many
    flood.clear();
    client again(lab);
    CHECK(again.call("status").contains("result"));
}

TEST_CASE("history: newest last, with a limit and a place to go on from") {
    admin_lab lab;
    client item(lab);
    auto whole = item.call("history")["result"];
    CHECK(whole["entries"].size() == 2);
    CHECK(whole["more"] == false);
    auto part = item.call("history", {{"limit", 1}})["result"];
    REQUIRE(part["entries"].size() == 1);
    CHECK(part["more"] == true);
    CHECK(part["entries"][0]["index"] == 2);
    CHECK(item.call("history", {{"before", 2}})["result"]["entries"].size() == 1);
    CHECK(item.call("history", {{"package", "web"}})["result"]["entries"].empty());
    CHECK(item.call("history", {{"limit", -5}})["result"]["entries"].size() == 1);
}
