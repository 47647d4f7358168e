// Sealing: who gets in, what is a copy, what a restarted receiver believes.
#include <sodium.h>

#include <catch2/catch.hpp>

#include "model/timing.hpp"
#include "node/wire.hpp"
#include "runtime/seal.hpp"

using namespace mainstay;
using namespace mainstay::runtime;
using secret::parse_key;

namespace {

seal_key key_of(unsigned char first) {
    seal_key key{};
    key[0] = first;
    return key;
}
session_id session_of(unsigned char first) {
    session_id session{};
    session[0] = first;
    return session;
}

// A sender and what a receiver needs to know of its link.
struct pair_of {
    sealer sender{key_of(1), session_of(10), "n2"};
    unsealer receiver{key_of(1)};
    std::optional<session_id> link;

    std::optional<unsealer::opened> open(const bytes& datagram) { return receiver.open(datagram, link); }
    // The receiver asks, the sender's session echoes.
    void trust(unsigned char random = 7) {
        auto hello = open(sealer::long_form(sender.seal(frame_kind::data, "hello")));
        REQUIRE(hello);
        REQUIRE_FALSE(hello->trusted);
        auto challenge = receiver.challenge_for(hello->session, {random});
        auto echo = open(sealer::long_form(sender.seal(frame_kind::echo, challenge)));
        REQUIRE(echo);
        REQUIRE(receiver.echoed(*echo));
    }
};

// A sealed datagram with any counter, as the sender would make it after so many others.
bytes sealed_at(const seal_key& key, const session_id& session, std::uint64_t counter, const std::string& body) {
    auto plain = encode(frame{frame_kind::data, "n2", body});
    bytes nonce(reinterpret_cast<const char*>(session.data()), session.size());
    for (int i = 0; i < 8; ++i) nonce.push_back(static_cast<char>(counter >> (8 * i)));
    bytes out = nonce;
    out.resize(nonce.size() + plain.size() + tag_bytes);
    unsigned long long size = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(out.data()) + nonce.size(), &size,
                                               reinterpret_cast<const unsigned char*>(plain.data()), plain.size(),
                                               nullptr, 0, nullptr,
                                               reinterpret_cast<const unsigned char*>(nonce.data()), key.data());
    return out;
}

}  // namespace

TEST_CASE("keys: 64 hexadecimal digits or base64 of 32 bytes, and nothing else") {
    std::string hex(62, '0');
    CHECK(parse_key(hex + "fF"));
    CHECK(parse_key(hex + "ff")->back() == 0xff);
    CHECK(parse_key(hex + "ff\n"));
    CHECK(parse_key(hex + "ff \r\n"));
    CHECK(parse_key("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")->front() == 1);
    for (const std::string& bad :
         {std::string(), std::string("\n"), hex, hex + "f", hex + "fff", hex + "fg", hex + "ff0",
          std::string("AQEBAQE="), std::string(64, 'z'), std::string(10'000, 'a')}) {
        CAPTURE(bad);
        auto found = parse_key(bad);
        REQUIRE_FALSE(found);
        CHECK(found.error().message.find("hactl key new") != std::string::npos);
    }
}

TEST_CASE("a challenge that is echoed makes a session trusted; its frames count once") {
    pair_of line;
    line.trust();
    auto data = sealer::long_form(line.sender.seal(frame_kind::beat, "one"));
    auto first = line.open(data);
    REQUIRE(first);
    CHECK(first->content.body == "one");
    CHECK(first->content.sender == "n2");
    CHECK(first->content.kind == frame_kind::beat);
    CHECK(first->trusted);
    CHECK(first->first_copy);
    auto again = line.open(data);
    REQUIRE(again);
    CHECK(again->trusted);
    CHECK_FALSE(again->first_copy);
    CHECK(line.receiver.failures() == 0);
}

TEST_CASE("without the key nothing opens, and it is counted") {
    pair_of line;
    line.trust();
    sealer stranger(key_of(2), session_of(10), "n2");
    CHECK_FALSE(line.open(sealer::long_form(stranger.seal(frame_kind::data, "x"))));
    CHECK(line.receiver.failures() == 1);
}

TEST_CASE("every byte matters: changed, cut or longer, nothing opens") {
    pair_of line;
    line.trust();
    auto good = sealer::long_form(line.sender.seal(frame_kind::data, "payload"));
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < good.size(); ++i)
        for (unsigned char change : {0x01, 0x80}) {
            auto bad = good;
            bad[i] = static_cast<char>(bad[i] ^ change);
            auto found = line.open(bad);
            CHECK_FALSE(found);
            ++count;
        }
    for (std::size_t size = 0; size < good.size(); ++size) {
        CHECK_FALSE(line.open(good.substr(0, size)));
        ++count;
    }
    CHECK_FALSE(line.open(good + "x"));
    CHECK(line.receiver.failures() == count + 1);
    CHECK(line.open(good)->first_copy);  // none of it used up its counter
}

TEST_CASE("order does not matter within a window, copies and what is far behind do") {
    pair_of line;
    line.trust();
    std::vector<bytes> sent;
    for (int i = 0; i < 1'500; ++i)
        sent.push_back(sealer::long_form(line.sender.seal(frame_kind::data, std::to_string(i))));
    for (int i : {5, 3, 4, 1'000, 999, 0}) CHECK(line.open(sent[static_cast<std::size_t>(i)])->first_copy);
    for (int i : {5, 3, 4, 1'000, 999, 0}) CHECK_FALSE(line.open(sent[static_cast<std::size_t>(i)])->first_copy);
    CHECK(line.open(sent[1'499])->first_copy);
    CHECK_FALSE(line.open(sent[6])->first_copy);  // never seen, but too old to know
    CHECK(line.open(sent[1'498])->first_copy);
}

TEST_CASE("an old session replayed to a fresh receiver is refused") {
    pair_of line;
    // Everything that an eavesdropper could keep.
    std::vector<bytes> kept{sealer::long_form(line.sender.seal(frame_kind::data, "hello"))};
    auto challenge = line.receiver.challenge_for(session_of(10), {1, 2, 3});
    kept.push_back(sealer::long_form(line.sender.seal(frame_kind::echo, challenge)));
    for (int i = 0; i < 20; ++i) kept.push_back(sealer::long_form(line.sender.seal(frame_kind::data, "old order")));
    REQUIRE(line.receiver.echoed(*line.open(kept[1])));

    pair_of restarted;
    auto fresh = restarted.receiver.challenge_for(session_of(10), {9, 9, 9});
    CHECK(fresh != challenge);
    for (const auto& item : kept) {
        auto found = restarted.open(item);
        REQUIRE(found);                                  // the key is right ...
        CHECK_FALSE(restarted.receiver.echoed(*found));  // ... the echo is of another challenge
        CHECK_FALSE(restarted.open(item)->trusted);
    }
}

TEST_CASE("an echo counts once, for its own session, and a new session replaces the former one") {
    pair_of line;
    line.trust();
    sealer reborn(key_of(1), session_of(11), "n2");
    auto challenge = line.receiver.challenge_for(session_of(11), {5});
    auto crossed = line.open(sealer::long_form(line.sender.seal(frame_kind::echo, challenge)));
    CHECK_FALSE(line.receiver.echoed(*crossed));  // the old session repeats the new one's challenge
    auto echo = line.open(sealer::long_form(reborn.seal(frame_kind::echo, challenge)));
    CHECK(line.receiver.echoed(*echo));
    CHECK_FALSE(line.receiver.echoed(*echo));
    CHECK(line.open(sealer::long_form(reborn.seal(frame_kind::data, "x")))->trusted);
    CHECK_FALSE(line.open(sealer::long_form(line.sender.seal(frame_kind::data, "x")))->trusted);
}

TEST_CASE("challenges to sessions that never answer do not grow for ever") {
    unsealer receiver(key_of(1));
    for (int i = 0; i < 10'000; ++i) {
        session_id session{};
        session[0] = static_cast<unsigned char>(i), session[1] = static_cast<unsigned char>(i >> 8);
        CHECK(receiver.challenge_for(session, {1}).size() == session_bytes + 8);
    }
}

TEST_CASE("short forms need a session known on the link") {
    pair_of line;
    auto sealed = line.sender.seal(frame_kind::data, "x");
    CHECK_FALSE(line.open(sealer::short_form(sealed)));
    line.trust();
    auto next = line.sender.seal(frame_kind::data, "short");
    CHECK(sealer::short_form(next).size() + session_bytes + 4 == sealer::long_form(next).size());
    auto found = line.open(sealer::short_form(next));
    REQUIRE(found);
    CHECK(found->content.body == "short");
    CHECK(found->first_copy);
    CHECK_FALSE(line.open(sealer::long_form(next))->first_copy);  // the same counter
    line.link = session_of(99);
    CHECK_FALSE(line.open(sealer::short_form(line.sender.seal(frame_kind::data, "y"))));
}

TEST_CASE("a short counter goes on across 32 bits, in either order") {
    pair_of line;
    line.trust();
    constexpr std::uint64_t wrap = std::uint64_t{1} << 32;
    auto at = [&](std::uint64_t counter) { return sealed_at(key_of(1), session_of(10), counter, "x"); };
    REQUIRE(line.open(sealer::long_form(at(wrap - 10)))->first_copy);
    for (std::uint64_t counter : {wrap - 5, wrap - 1, wrap + 3, wrap, wrap - 2, wrap + 4}) {
        CAPTURE(counter);
        auto found = line.open(sealer::short_form(at(counter)));
        REQUIRE(found);
        CHECK(found->counter == counter);
        CHECK(found->first_copy);
    }
    CHECK(line.receiver.failures() == 0);
}

TEST_CASE("a beat on a serial line is about as long as the timing says") {
    for (std::uint32_t nodes = 2; nodes <= 7; ++nodes) {
        // A year after boot, a thousand elections and a million entries later.
        node::beat item;
        item.term = {1'000, node_id{nodes}};
        item.commit = item.newest_package_entry = log_index{1'000'000};
        item.lease = duration{3'000'000};
        constexpr std::int64_t year_us = 31'536'000'000'000;
        for (std::uint32_t other = 2; other <= nodes; ++other)
            item.heard.push_back({node_id{other}, {200, 3}, time_point{duration{year_us}}, 130, true});
        node::envelope whole;
        whole.cluster = cluster_id{~std::uint64_t{0}};
        whole.from = node_id{1};
        whole.boot = {200, 3};
        whole.body = item;
        auto data = encode(whole);
        node::append_send_time(data, time_point{duration{year_us}});
        sealer sender(key_of(1), session_of(10), "n1");
        constexpr std::size_t serial_frame = 8;
        auto size = sealer::short_form(sender.seal(frame_kind::beat, data)).size() + serial_frame;
        INFO(nodes << " nodes: " << size);
        CHECK(size <= serial_beat_bytes(nodes));
        CHECK(size + 10 >= serial_beat_bytes(nodes));
    }
}
