// mainstay-arbitrator between its sockets and its records: who is heard, what is kept, what a restart
// and a lost directory change.
#include "arbitrator/service.hpp"

#include <sodium.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace mainstay;
using namespace mainstay::arbitrator;

namespace {

struct directory {
    directory() {
        std::string name = (std::filesystem::temp_directory_path() / "mainstay-arbitrator-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~directory() { std::filesystem::remove_all(path); }
    directory(const directory&) = delete;
    directory& operator=(const directory&) = delete;
    std::string path;
};

secret::key key_of(unsigned char first) {
    secret::key out{};
    out[0] = first;
    return out;
}

constexpr cluster_id lab{77};

question asks(question::kind what, std::uint64_t version, std::vector<std::uint32_t> half = {}, store_id store = {},
              cluster_id cluster = lab) {
    question out{what, {1, version}, {node_id{1}, {cluster, store, version, {version, node_id{1}}, {}}}};
    for (auto node : half) out.call.request.half.push_back(node_id{node});
    return out;
}

struct server {
    explicit server(const std::string& path) : one(records::open(path).value(), ring()) { REQUIRE(sodium_init() >= 0); }
    static key_ring ring() { return {{id_of(key_of(1)), key_of(1)}, {id_of(key_of(2)), key_of(2)}}; }

    std::optional<bytes> raw(const bytes& datagram) {
        auto out = one.handle(datagram, service::clock::time_point{});
        REQUIRE(out);
        return *out;
    }
    reply ask(const question& asked, const secret::key& key = key_of(1)) {
        auto out = raw(seal(key, direction::to_server, encode(asked)));
        REQUIRE(out);
        auto body = unseal(key, direction::to_node, *out);
        REQUIRE(body);
        auto read = decode<reply>(*body);
        REQUIRE(read);
        CHECK(read->id == asked.id);
        return *read;
    }
    service one;
};

}  // namespace

TEST_CASE("a seal opens with its key, in its direction, untouched") {
    REQUIRE(sodium_init() >= 0);
    auto datagram = seal(key_of(1), direction::to_server, "hello");
    CHECK(unseal(key_of(1), direction::to_server, datagram) == "hello");
    CHECK_FALSE(unseal(key_of(2), direction::to_server, datagram));
    CHECK_FALSE(unseal(key_of(1), direction::to_node, datagram));
    CHECK(seal(key_of(1), direction::to_server, "hello") != datagram);
    for (std::size_t i = 0; i < datagram.size() * 8; ++i) {
        auto bad = datagram;
        bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
        CHECK_FALSE(unseal(key_of(1), direction::to_server, bad));
    }
    for (std::size_t size = 0; size < datagram.size(); ++size)
        CHECK_FALSE(unseal(key_of(1), direction::to_server, datagram.substr(0, size)));
}

TEST_CASE("a grant outlives the program; a lost directory is a new store") {
    directory dir;
    store_id store;
    {
        server first(dir.path);
        CHECK(first.ask(asks(question::kind::grant, 1, {1})).problem.find("not told of any voter set") !=
              std::string::npos);
        store = first.ask(asks(question::kind::told, 1)).told.store;
        CHECK(store);
    }
    {
        server second(dir.path);
        auto told = second.ask(asks(question::kind::told, 1, {}, store)).told;
        CHECK(told.store == store);
        CHECK(told.floor == 1);
        CHECK(second.ask(asks(question::kind::grant, 1, {1}, store)).granted.granted);
    }
    server third(dir.path);
    auto other = third.ask(asks(question::kind::grant, 1, {2}, store));
    CHECK_FALSE(other.granted.granted);
    CHECK(other.granted.reason == "voter set 1 was granted to the half with the nodes 1");
    CHECK(third.ask(asks(question::kind::grant, 1, {1}, store)).granted.granted);
    CHECK(third.ask(asks(question::kind::told, 1, {}, store)).told.granted);

    for (const auto& entry : std::filesystem::directory_iterator(dir.path)) std::filesystem::remove(entry.path());
    server lost(dir.path);
    CHECK_FALSE(lost.ask(asks(question::kind::grant, 1, {2}, store)).granted.granted);
    auto fresh = lost.ask(asks(question::kind::told, 1, {}, store)).told;
    CHECK(fresh.store != store);
    CHECK(fresh.floor == 0);
    CHECK_FALSE(lost.ask(asks(question::kind::grant, 1, {2}, store)).granted.granted);
    CHECK(lost.ask(asks(question::kind::told, 2, {}, fresh.store)).told.floor == 2);
    CHECK(lost.ask(asks(question::kind::grant, 2, {2}, fresh.store)).granted.granted);
}

TEST_CASE("what is played back gets what it got, and nothing else") {
    directory dir;
    server one(dir.path);
    auto store = one.ask(asks(question::kind::told, 1)).told.store;
    auto tell = seal(key_of(1), direction::to_server, encode(asks(question::kind::told, 1, {}, store)));
    auto claim = seal(key_of(1), direction::to_server, encode(asks(question::kind::grant, 1, {1}, store)));
    one.raw(tell);
    one.raw(claim);
    one.ask(asks(question::kind::told, 2, {}, store));
    one.raw(tell);
    one.raw(claim);
    auto now = one.ask(asks(question::kind::told, 2, {}, store)).told;
    CHECK(now.floor == 2);
    CHECK_FALSE(now.granted);
}

TEST_CASE("bad datagrams get no answer and are counted") {
    directory dir;
    server one(dir.path);
    CHECK_FALSE(one.raw("nonsense"));
    CHECK_FALSE(one.raw({}));
    CHECK_FALSE(one.raw(seal(key_of(9), direction::to_server, encode(asks(question::kind::told, 1)))));
    auto bent = seal(key_of(1), direction::to_server, encode(asks(question::kind::told, 1)));
    bent.back() = static_cast<char>(bent.back() ^ 1);
    CHECK_FALSE(one.raw(bent));
    CHECK_FALSE(one.raw(seal(key_of(1), direction::to_server, "understands nobody")));
    CHECK(one.one.counts().received == 5);
    CHECK(one.one.counts().unknown_key == 3);
    CHECK(one.one.counts().forged == 1);
    CHECK(one.one.counts().senseless == 1);
    CHECK(std::filesystem::is_empty(dir.path));
}

TEST_CASE("each key sees its own clusters, and no other key may speak for them") {
    directory dir;
    server one(dir.path);
    auto store = one.ask(asks(question::kind::told, 1)).told.store;
    one.ask(asks(question::kind::told, 1, {}, store));
    one.ask(asks(question::kind::grant, 1, {1}, store));
    CHECK(one.ask(asks(question::kind::told, 9, {}, store), key_of(2)).problem.find("another key") !=
          std::string::npos);
    auto mine = one.ask(asks(question::kind::status, 0));
    REQUIRE(mine.clusters.size() == 1);
    CHECK(mine.clusters[0].record.floor == 1);
    CHECK(mine.clusters[0].record.grants.size() == 1);
    CHECK(mine.clusters[0].last_node == node_id{1});
    CHECK(mine.counts.granted == 1);
    CHECK(one.ask(asks(question::kind::status, 0), key_of(2)).clusters.empty());
    // Many clusters: as many as a datagram holds, the rest counted; and an end to them.
    for (std::uint64_t i = 100; i < 200; ++i) {
        auto known = one.ask(asks(question::kind::told, 1, {}, {}, cluster_id{i})).told.store;
        one.ask(asks(question::kind::grant, 1, {1, 2, 3}, known, cluster_id{i}));
    }
    auto many = one.ask(asks(question::kind::status, 0));
    CHECK(many.clusters.size() + many.left_out == 64);
    CHECK(many.left_out > 0);
}

TEST_CASE("a damaged record is named and not guessed") {
    directory dir;
    {
        server one(dir.path);
        one.ask(asks(question::kind::told, 1));
    }
    auto file = std::filesystem::directory_iterator(dir.path)->path();
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(3).put('?');
    auto opened = records::open(dir.path);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().message.find(file.string()) == 0);
    CHECK(opened.error().message.find("Remove it") != std::string::npos);
}
