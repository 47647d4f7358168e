// The real mainstay-arbitrator, asked by the real plugin in its host, on loopback.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <thread>

#include "arbitrator/client.hpp"
#include "arbitrator/service.hpp"
#include "host_process.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::outcome;
using plugin::verb;

namespace {

struct loopback_socket {
    kit::unique_fd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    std::uint16_t port = 0;
    loopback_socket() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port = ntohs(address.sin_port);
    }
};

void make_key(const std::string& path) {
    test::write_file(path, secret::new_key_text());
    ::chmod(path.c_str(), 0600);
}

struct real_server {
    explicit real_server(const test::scratch& dir) : place(dir) {
        REQUIRE(sodium_init() >= 0);
        port = std::to_string(loopback_socket().port);
        ::mkdir((dir / "keys").c_str(), 0700);
        make_key(dir / "keys/lab.key");
        start();
    }
    void start() {
        process = test::child({ARBITRATOR_PROGRAM, "--key-dir", place / "keys", "--state-dir", place / "state",
                               "--listen", "127.0.0.1", "--port", port});
    }
    [[nodiscard]] plugin::instance_config asker(const std::string& timeout = "30s") const {
        return {.file = "arbitrator-server",
                .instance = "tie",
                .params = {{"host", "127.0.0.1"},
                           {"port", port},
                           {"key", place / "keys/lab.key"},
                           {"resend", "20ms"},
                           {"timeout", timeout}}};
    }
    const test::scratch& place;
    std::string port;
    test::child process;
};

plugin::field_map question(const std::string& version, const std::string& half, const std::string& store) {
    return {{"cluster", "ab"},  {"store", store}, {"version", version}, {"term_round", "3"},
            {"term_node", "1"}, {"half", half},   {"node", "1"}};
}

std::string store_of(const plugin::answer& told) {
    INFO(told.text);
    REQUIRE(told.outcome == outcome::ok);
    REQUIRE(told.text.starts_with("store="));
    return told.text.substr(6, told.text.find(' ') - 6);
}

}  // namespace

TEST_CASE("arbitrator-server: grants once, remembers across its death, refuses the other half") {
    const test::scratch dir;
    real_server server(dir);
    test::host_process host(server.asker());
    auto store = store_of(host.call(verb::told, {}, question("1", "", "0")));
    CHECK(host.call(verb::told, {}, question("1", "", store)).text == "store=" + store + " floor=1 granted=0");
    CHECK(host.call(verb::grant, {}, question("1", "1", store)).outcome == outcome::ok);
    server.process.kill(SIGKILL);
    server.process.wait();
    server.start();
    auto other = host.call(verb::grant, {}, question("1", "2", store));
    CHECK(other.outcome == outcome::failed);
    CHECK_THAT(other.text, Contains("was granted to the half with the nodes 1"));
    CHECK(host.call(verb::told, {}, question("2", "", store)).text == "store=" + store + " floor=2 granted=0");
    CHECK_THAT(host.call(verb::grant, {}, question("1", "1", store)).text, Contains("out of date"));
    server.process.kill(SIGTERM);
    CHECK(server.process.wait() == 0);
}

TEST_CASE("arbitrator-server: no answer is unknown, and so is a key that is not there") {
    const test::scratch dir;
    real_server server(dir);
    test::host_process host(server.asker("300ms"));
    server.process.kill(SIGKILL);
    server.process.wait();
    auto silent = host.call(verb::grant, {}, question("1", "1", "5"));
    CHECK(silent.outcome == outcome::unknown);
    CHECK_THAT(silent.text, Contains("arbitrator 127.0.0.1 port"));
    auto config = server.asker();
    config.params["key"] = dir / "nowhere";
    CHECK_THAT(test::host_process(config).refusal(), Contains("hactl key new"));
    make_key(dir / "open.key");
    ::chmod((dir / "open.key").c_str(), 0644);
    config.params["key"] = dir / "open.key";
    CHECK_THAT(test::host_process(config).refusal(), Contains("chmod 600"));
}

TEST_CASE("arbitrator-server: a lost datagram is sent again") {
    REQUIRE(sodium_init() >= 0);
    loopback_socket socket;
    secret::key key{};
    key[0] = 1;
    arbitrator::server_place where{"127.0.0.1", socket.port, key, std::chrono::milliseconds(20)};
    result<arbitrator::reply> got = fail("nothing yet");
    std::thread asker([&] { got = arbitrator::ask(where, {}, std::chrono::seconds(60)); });
    std::string first;
    for (int round = 0; round < 2; ++round) {
        char buffer[2000];
        sockaddr_in from{};
        socklen_t size = sizeof from;
        auto length = ::recvfrom(socket.fd.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
        REQUIRE(length > 0);
        auto body =
            arbitrator::unseal(key, arbitrator::direction::to_server, {buffer, static_cast<std::size_t>(length)});
        REQUIRE(body);
        if (round == 0) {
            first = *body;  // lost
            continue;
        }
        CHECK(*body == first);  // the same question, so that both answers would do
        auto asked = decode<arbitrator::question>(*body);
        arbitrator::reply answer;
        answer.id = {1, 2};  // a forged or late answer to another question counts for nothing
        auto wrong = arbitrator::seal(key, arbitrator::direction::to_node, encode(answer));
        ::sendto(socket.fd.get(), wrong.data(), wrong.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
        answer.id = asked->id;
        answer.told.floor = 7;
        auto right = arbitrator::seal(key, arbitrator::direction::to_node, encode(answer));
        ::sendto(socket.fd.get(), right.data(), right.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
    asker.join();
    REQUIRE(got);
    CHECK(got->told.floor == 7);
}
