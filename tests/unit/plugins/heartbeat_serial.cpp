// Two links over the lab's cable: pseudo terminals and a relay that throttles and spoils.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <set>

#include "child.hpp"
#include "runtime/plugin/heartbeat_link.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::heartbeat_link;
using send_kind = heartbeat_link::send_kind;

namespace {

time_point now() {
    return time_point{std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

const std::string relay_program = std::string(SOURCE_DIR) + "/tests/endtoend/lab/serial_relay.py";

class cable {
public:
    explicit cable(const std::string& baud, std::vector<std::string> more = {}) : baud_(baud) {
        std::vector<std::string> argv{"/usr/bin/python3", relay_program, dir_ / "a",  dir_ / "b",
                                      "--baud",           baud,          "--control", dir_ / "control"};
        argv.insert(argv.end(), more.begin(), more.end());
        relay_ = test::child(argv);
        REQUIRE(test::eventually([&] { return ::access((dir_ / "control").c_str(), F_OK) == 0; }));
    }
    void command(const std::string& what) {
        test::shell("printf '" + what + "' | socat - UNIX-SENDTO:" + (dir_ / "control"));
    }
    heartbeat_link open(const std::string& end) {
        auto code = plugin::load(PLUGIN_DIR "/heartbeat-serial.so");
        auto link = heartbeat_link::create(
            *code,
            {{}, "cable", end, {{"baud", baud_}}, {{"a", {{"device", dir_ / "a"}}}, {"b", {{"device", dir_ / "b"}}}}},
            {});
        REQUIRE(link.has_value());
        REQUIRE(link->open(now()).has_value());
        return std::move(*link);
    }
    test::child& relay() { return relay_; }

private:
    std::string baud_;
    test::scratch dir_;
    test::child relay_;
};

// Does what the daemon's heartbeat thread does, for both ends, until `done` or 20 s.
bool drive(heartbeat_link& a, heartbeat_link& b, const std::function<bool()>& done,
           const std::function<void(std::string_view)>& arrived_at_b = {}) {
    std::array<char, 2048> buffer{};
    const auto deadline = now() + duration{20'000'000};
    while (now() < deadline) {
        a.tick(now());
        b.tick(now());
        while (!a.receive(now(), buffer).empty()) {
        }
        for (auto got = b.receive(now(), buffer); !got.empty(); got = b.receive(now(), buffer))
            if (arrived_at_b) arrived_at_b(got);
        if (done()) return true;
        std::array<pollfd, 2> wanted{{{a.fd(), POLLIN, 0}, {b.fd(), POLLIN, 0}}};
        ::poll(wanted.data(), wanted.size(), 2);
    }
    return false;
}

}  // namespace

TEST_CASE("heartbeat-serial: arithmetic of the line") {
    cable line("9600");
    auto link = line.open("a");
    CHECK(link.frame_time(60) == duration{68 * 10 * 1'000'000 / 9600});
    CHECK(link.mtu() == 240);
    CHECK(link.is_point_to_point());
    CHECK_FALSE(link.send(now(), 1, send_kind::beat, std::string(241, 'x')));
    CHECK_FALSE(link.send(now(), 0, send_kind::beat, "to myself"));
}

TEST_CASE("heartbeat-serial: datagrams cross as fast as the line, not faster") {
    cable line("9600");
    auto a = line.open("a");
    auto b = line.open("b");
    std::vector<std::string> got;
    const auto began = now();
    for (int i = 0; i < 5; ++i) REQUIRE(a.send(now(), 1, send_kind::log, std::string(192, static_cast<char>('a' + i))));
    REQUIRE(drive(
        a, b, [&] { return got.size() == 5; }, [&](std::string_view what) { got.emplace_back(what); }));
    // 1000 bytes of 10 bits.
    CHECK(now() - began > duration{950'000});
    CHECK(got.front() == std::string(192, 'a'));
    CHECK(got.back() == std::string(192, 'e'));
    CHECK(b.link_state().counters.at("bad_frames") == "0");
}

TEST_CASE("heartbeat-serial: a slow line carries new beats, not old ones") {
    cable line("1200");
    auto a = line.open("a");
    auto b = line.open("b");
    int sent = 0;
    std::vector<int> lag;
    auto next = now();
    const auto work = [&] {
        if (now() >= next) {
            // Far more than the line can carry: 68 bytes take 567 ms.
            auto beat = std::to_string(++sent) + " ";
            beat.resize(60, '.');
            CHECK(a.send(now(), heartbeat_link::all_peers, send_kind::beat, beat));
            next = now() + duration{50'000};
        }
        return lag.size() >= 6;
    };
    REQUIRE(drive(a, b, work, [&](std::string_view what) { lag.push_back(sent - std::stoi(std::string(what))); }));
    // A queue would be some 60 beats behind by now; ours is as old as two frame times at most.
    CHECK(lag.back() < 40);
    CHECK(std::stoi(a.link_state().counters.at("beats_replaced")) > 20);
}

TEST_CASE("heartbeat-serial: beats overtake the log, a full queue drops it") {
    cable line("2400");
    auto a = line.open("a");
    auto b = line.open("b");
    int taken = 0;
    for (int i = 0; i < 50; ++i) taken += a.send(now(), 1, send_kind::log, std::string(100, 'l')) ? 1 : 0;
    CHECK(taken > 2);
    CHECK(taken < 10);
    CHECK(a.link_state().counters.at("log_dropped") == std::to_string(50 - taken));
    REQUIRE(a.send(now(), 1, send_kind::beat, "beat"));
    std::vector<std::string> got;
    REQUIRE(drive(
        a, b, [&] { return static_cast<int>(got.size()) == taken + 1; },
        [&](std::string_view what) { got.emplace_back(what.substr(0, 4)); }));
    // Behind the one frame that was on the line already.
    CHECK(got.at(1) == "beat");
}

TEST_CASE("heartbeat-serial: lost and flipped bytes cost frames, never truth") {
    cable line("115200", {"--loss", "0.003", "--flip", "0.003", "--seed", "7"});
    auto a = line.open("a");
    auto b = line.open("b");
    std::set<std::string> sent;
    int arrived = 0;
    bool lies = false;
    bool clean = false;
    std::string last;
    const auto arrive = [&](std::string_view what) {
        ++arrived;
        last = what;
        lies |= !sent.contains(last);
    };
    const auto work = [&] {
        auto datagram = std::to_string(sent.size()) + std::string(60, '#');
        if ((clean || sent.size() < 500) && a.send(now(), 1, send_kind::log, datagram)) sent.insert(datagram);
        return clean ? arrived >= 50 : sent.size() >= 500;
    };
    REQUIRE(drive(a, b, work, arrive));
    CHECK(arrived > 100);
    CHECK(arrived < 500);
    CHECK(std::stoi(b.link_state().counters.at("bad_frames")) > 0);
    line.command("loss 0\nflip 0\n");
    clean = true;
    arrived = 0;
    CHECK(drive(a, b, work, arrive));
    CHECK_FALSE(lies);
}

TEST_CASE("heartbeat-serial: a dead cable is noticed, and used again when it is back") {
    cable line("115200");
    auto a = line.open("a");
    auto b = line.open("b");
    int got = 0;
    const auto count = [&](std::string_view) { ++got; };
    const auto beat = [&](const std::function<bool()>& done) {
        return [&, done] {
            (void)a.send(now(), 1, send_kind::beat, "x");
            return done();
        };
    };
    REQUIRE(drive(a, b, beat([&] { return got > 0; }), count));
    // A cut cable: nothing arrives, and nobody's device is at fault.
    line.command("cut");
    got = 0;
    const auto until = now() + duration{300'000};
    CHECK(drive(a, b, beat([&] { return now() > until; }), count));
    got = 0;
    line.command("join");
    CHECK(drive(a, b, beat([&] { return got > 0; }), count));
    CHECK_FALSE(a.link_state().local_fault);

    // A device that goes away.
    line.relay().kill(SIGKILL);
    CHECK(drive(a, b, beat([&] { return a.link_state().local_fault && b.link_state().local_fault; })));
    CHECK(a.fd() == -1);
    line.relay() = test::child();
}

TEST_CASE("heartbeat-serial: opens a device that comes later") {
    const test::scratch dir;
    auto code = plugin::load(PLUGIN_DIR "/heartbeat-serial.so");
    auto make = [&](const std::string& own) {
        return heartbeat_link::create(
            *code, {{}, "cable", own, {}, {{"a", {{"device", dir / "a"}}}, {"b", {{"device", dir / "b"}}}}}, {});
    };
    auto a = make("a");
    auto b = make("b");
    CHECK_THAT(a->open(now()).error().message, Contains("can't be opened: No such file"));
    CHECK_FALSE(b->open(now()).has_value());
    CHECK(a->link_state().local_fault);
    test::child relay({"/usr/bin/python3", relay_program, dir / "a", dir / "b", "--baud", "115200"});
    bool arrived = false;
    CHECK(drive(
        *a, *b,
        [&] {
            (void)a->send(now(), 1, send_kind::beat, "x");
            return arrived;
        },
        [&](std::string_view) { arrived = true; }));
}

TEST_CASE("heartbeat-serial: configurations that can't work are refused") {
    auto code = plugin::load(PLUGIN_DIR "/heartbeat-serial.so");
    auto refusal = [&](const plugin::instance_config& config) {
        return heartbeat_link::create(*code, config, {}).error().message;
    };
    CHECK_THAT(refusal({{}, "cable", "a", {{"device", "/dev/ttyS1"}}, {{"a", {}}, {"b", {}}, {"c", {}}}}),
               Contains("a serial cable joins two nodes, this link has 3"));
    CHECK_THAT(refusal({{}, "cable", "a", {{"device", "ttyS1"}}, {{"a", {}}, {"b", {}}}}),
               Contains("'ttyS1' is not an absolute path"));
    CHECK_THAT(refusal({{}, "cable", "a", {{"device", "/dev/x"}, {"baud", "9601"}}, {{"a", {}}, {"b", {}}}}),
               Contains("is not one of 300|600"));
    CHECK_THAT(refusal({{}, "cable", "a", {}, {{"a", {{"device", "/dev/x"}}}, {"b", {}}}}),
               Contains("node b: parameter device is missing"));
}
