#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "guard/client.hpp"

using namespace mainstay;
using namespace mainstay::guard;

namespace {

struct pair {
    pair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        ours.emplace(unique_fd(ends[0]));
        theirs.emplace(unique_fd(ends[1]));
    }
    std::optional<client> ours;
    std::optional<daemon_channel> theirs;
};

}  // namespace

TEST_CASE("messages arrive whole and in order") {
    pair sockets;
    start_process start{.request = request_id{7}, .label = "service:web", .package = "web"};
    start.argv = {"/bin/sh", "-c", "echo \"a b\""};
    start.environment = {{"A", "1"}};
    start.timeout = duration{5};
    sockets.ours->send(start);
    sockets.ours->send(set_lease{time_point{duration{123}}, true});
    daemon_channel::arrived got;
    REQUIRE(sockets.theirs->receive(got));
    CHECK(encode(std::get<start_process>(got.message)) == encode(start));
    REQUIRE(sockets.theirs->receive(got));
    CHECK(std::get<set_lease>(got.message).packages);
    CHECK_FALSE(sockets.theirs->receive(got));
    CHECK_FALSE(sockets.theirs->closed());
}

TEST_CASE("a file descriptor travels with its message") {
    pair sockets;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    unique_fd reader(ends[0]);
    sockets.theirs->send(started{request_id{1}, 42}, unique_fd(ends[1]));
    client::arrived arrived;
    REQUIRE(sockets.ours->receive(arrived));
    REQUIRE(arrived.attached);
    CHECK(::write(arrived.attached.get(), "x", 1) == 1);
    char c = 0;
    CHECK(::read(reader.get(), &c, 1) == 1);
    CHECK(c == 'x');
}

TEST_CASE("what the socket does not take is kept and sent later") {
    pair sockets;
    exited big{.request = request_id{1}, .tail = std::string(tail_bytes_max, 'x')};
    constexpr int count = 5'000;
    for (int i = 0; i < count; ++i) {
        big.exit_code = i;
        sockets.theirs->send(big);
    }
    REQUIRE(sockets.theirs->wants_write());
    int expected = 0;
    while (expected < count) {
        sockets.theirs->flush();
        client::arrived arrived;
        while (sockets.ours->receive(arrived)) {
            REQUIRE(std::get<exited>(arrived.message).exit_code == expected);
            ++expected;
        }
        REQUIRE_FALSE(sockets.ours->closed());
    }
    sockets.theirs->flush();
    CHECK_FALSE(sockets.theirs->wants_write());
}

TEST_CASE("nonsense and the end close the channel") {
    pair sockets;
    daemon_channel::arrived nothing;
    SECTION("nonsense") {
        REQUIRE(::send(sockets.ours->fd(), "\xff\xff nonsense", 11, 0) == 11);
        CHECK_FALSE(sockets.theirs->receive(nothing));
    }
    SECTION("the other side is gone") {
        sockets.ours.reset();
        CHECK_FALSE(sockets.theirs->receive(nothing));
    }
    SECTION("a message too large") {
        start_process huge;
        huge.argv = {std::string(message_bytes_max, 'x')};
        sockets.ours->send(huge);
        CHECK(sockets.ours->closed());
        return;
    }
    CHECK(sockets.theirs->closed());
}
