// Bytes from the network into a whole node: what is no envelope is dropped and counted, changes
// nothing and breaks nothing, however it was made.
#include <random>

#include "node/node.hpp"
#include "node/wire.hpp"
#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::node;
using namespace mainstay::small;

namespace {

consensus::durable_state founding_log() {
    consensus::voter_set voters;
    voters.version = 1;
    for (node_id id : {n1, n2, n3}) voters.voters.push_back({id, store_id{100 + id.value}});
    cluster::command first;
    first.body = cluster::found_cluster{cluster_id{77}, {configuration_text(), {{"n1", n1}, {"n2", n2}, {"n3", n3}}}};
    consensus::durable_state made;
    made.commit = log_index{2};
    made.log = {{term{}, voters}, {term{}, consensus::payload{encode(first)}}};
    return made;
}

using core = mainstay::node::node;

std::uint64_t stored_count = 0;

core fresh_node(time_point now = time_point{duration{1'000'000}}) {
    start_info info;
    info.name = "n1";
    info.boot = {1, 1};
    info.store = store_id{101};
    info.log = founding_log();
    core made(info, {now, wall_time{1}});
    static_cast<void>(made.take_outputs());
    return made;
}

envelope from_n2(wire_body body) { return {cluster_id{77}, n2, {1, 1}, 0, std::move(body)}; }

// What a leader would say of a snapshot at entry 9.
consensus::snapshot snapshot_about() {
    consensus::snapshot about;
    about.index = log_index{9};
    about.term = term{2, n2};
    about.base = {std::get<consensus::voter_set>(founding_log().log[0].body), term{}, log_index{1}};
    return about;
}

// One of each kind, as n2 would send them.
std::vector<bytes> good_datagrams() {
    std::vector<bytes> list;
    auto now = time_point{duration{1'000'000}};
    term second{2, n2};
    auto timed = [&](const envelope& item) {
        auto data = encode(item);
        append_send_time(data, now);
        list.push_back(std::move(data));
    };
    beat pulse;
    pulse.life = own_life{store_id{102}, 0, duration{0}, 1};
    pulse.term = second;
    pulse.leader = true;
    pulse.acknowledges = true;
    pulse.commit = log_index{2};
    pulse.lease = duration{3'000'000};
    pulse.heard.push_back([&] {
        heard_entry heard;
        heard.node = n1;
        heard.boot = {1, 1};
        heard.echo = now;
        return heard;
    }());
    timed(from_n2(pulse));
    timed({{}, {}, {1, 1}, 0, form_hello{"n2", store_id{102}, 0}});
    for (consensus::message item : std::vector<consensus::message>{
             consensus::vote_request{second, true, log_index{2}, term{}, now, false},
             consensus::vote_request{second, false, log_index{2}, term{}, now, false},
             consensus::vote_answer{term{1, n1}, term{}, true, true, now, store_id{102}, true},
             consensus::append_request{
                 second, log_index{2}, term{}, {{second, consensus::payload{"x"}}}, log_index{2}, now},
             consensus::append_request{second, log_index{0}, term{}, founding_log().log, log_index{2}, now},
             consensus::append_answer{term{1, n1}, true, log_index{2}, now, store_id{102}},
             consensus::snapshot_request{second, snapshot_about(), 5, 0, "state", now},
             consensus::snapshot_request{second, snapshot_about(), 1ULL << 60, 7, "x", now},
             consensus::snapshot_answer{term{1, n1}, log_index{2}, 5, true, now, store_id{102}},
             consensus::stand_now{second}})
        list.push_back(encode(from_n2(item)));
    cluster::command asked;
    asked.origin = n2;
    asked.origin_boot = {1, 1};
    asked.serial = 1;
    asked.body = cluster::package_stop{"web"};
    list.push_back(encode(from_n2(submit{{asked}})));
    list.push_back(encode(envelope{{}, {}, {1, 1}, 0, form_log{founding_log().log}}));
    list.push_back(encode(from_n2(join_offer{cluster_id{77}, n1, store_id{101}, 7, {{n1, "n1"}}, ""})));
    list.push_back(encode(from_n2(fragment{1, 0, 3, "piece"})));
    list.push_back(encode(from_n2(program_question{"n2", 1, {"/s/run", "/s/halt"}})));
    list.push_back(encode(from_n2(program_answer{"n2", 1, {{program_seen::kind::good, 0, true, bytes(32, 'x')}}})));
    // Passed on for n3: to us, to somebody else, and a relay of a relay.
    auto third = encode(envelope{cluster_id{77}, n3, {1, 1}, 0, beat{}});
    append_send_time(third, now);
    list.push_back(encode(from_n2(relay{n1, third})));
    list.push_back(encode(from_n2(relay{n3, third})));
    list.push_back(encode(from_n2(relay{n1, list.back()})));
    return list;
}

std::string whole_state(const core& item) {
    return encode(item.state()) + encode(item.log().log().entries()) + encode(item.log().current_term()) +
           encode(item.log().commit());
}

}  // namespace

TEST_CASE("good datagrams are understood") {
    auto list = good_datagrams();
    for (std::size_t i = 0; i < list.size(); ++i) {
        CAPTURE(i);
        CHECK(open_datagram(list[i]));
        auto item = fresh_node();
        item.step(datagram{"ring0", list[i]}, {time_point{duration{1'010'000}}, wall_time{2}});
        CHECK(item.dropped() == (i + 1 == list.size() ? 1 : 0));  // the last: a relay in a relay
    }
}

TEST_CASE("every truncation and every extension of a datagram is dropped, counted and changes nothing") {
    auto item = fresh_node();
    auto before = whole_state(item);
    moment at{time_point{duration{1'010'000}}, wall_time{2}};
    std::uint64_t count = 0;
    for (const auto& good : good_datagrams()) {
        for (std::size_t size = 0; size < good.size(); ++size) {
            item.step(datagram{"ring0", good.substr(0, size)}, at);
            ++count;
        }
        item.step(datagram{"ring0", good + "x"}, at);
        ++count;
    }
    CHECK(item.dropped() == count);
    CHECK(whole_state(item) == before);
}

TEST_CASE("random bytes change nothing") {
    std::mt19937_64 random(42);
    auto item = fresh_node();
    auto before = whole_state(item);
    moment at{time_point{duration{1'010'000}}, wall_time{2}};
    std::uint64_t dropped = 0;
    for (int i = 0; i < 200'000; ++i) {
        bytes data(random() % 80, '\0');
        for (auto& byte : data) byte = static_cast<char>(random());
        bool opens = open_datagram(data).has_value();
        item.step(datagram{"ring0", data}, at);
        if (i % 100 == 0) static_cast<void>(item.take_outputs());
        if (!opens) ++dropped;
    }
    CHECK(dropped > 190'000);
    CHECK(item.dropped() >= dropped);
    CHECK(whole_state(item) == before);
}

// With the key in hand a peer can still be wrong. Whatever it says: no crash, and what is committed
// stays what it was.
TEST_CASE("good datagrams with bytes changed break nothing") {
    std::mt19937_64 random(7);
    auto good = good_datagrams();
    auto origin = fresh_node();
    auto saved = origin.save();
    auto committed = encode(std::vector<consensus::entry>(founding_log().log));
    for (int round = 0; round < 400; ++round) {
        auto loaded = core::load(saved);
        REQUIRE(loaded);
        auto& item = *loaded;
        time_point now{duration{1'000'000}};
        for (int i = 0; i < 250; ++i) {
            auto data = good[random() % good.size()];
            for (auto changes = random() % 3; changes > 0; --changes) {
                auto where = random() % data.size();
                switch (random() % 4) {
                    case 0:
                        data[where] = static_cast<char>(random());
                        break;
                    case 1:
                        data[where] = static_cast<char>(data[where] ^ (1 << random() % 8));
                        break;
                    case 2:
                        data.insert(where, 1, static_cast<char>(random()));
                        break;
                    default:
                        data.erase(where, 1);
                        break;
                }
                if (data.empty()) break;
            }
            now += duration{static_cast<std::int64_t>(random() % 30'000)};
            item.step(datagram{"ring0", std::move(data)}, {now, wall_time{2}});
            std::uint64_t stores = 0;
            for (const auto& effect : item.take_outputs())
                stores += std::holds_alternative<mainstay::node::store>(effect) ? 1 : 0;
            stored_count += stores;
            if (stores > 0 && random() % 2 == 0) item.step(stored{stored_count}, {now, wall_time{2}});
        }
        REQUIRE(item.log().last_index().value >= 2);
        REQUIRE(encode(std::vector<consensus::entry>(item.log().log().entries().begin(),
                                                     item.log().log().entries().begin() + 2)) == committed);
        CHECK(item.state().cluster == cluster_id{77});
        stored_count = 0;
    }
}

TEST_CASE("strangers are dropped: another cluster, an unknown node, an older life, ourselves") {
    auto item = fresh_node();
    moment at{time_point{duration{1'010'000}}, wall_time{2}};
    auto pulse = [&](const envelope& from) {
        auto data = encode(from);
        append_send_time(data, at.now);
        auto before = item.dropped();
        item.step(datagram{"ring0", data}, at);
        return item.dropped() - before;
    };
    beat empty;
    CHECK(pulse({cluster_id{77}, n2, {2, 5}, 0, empty}) == 0);
    CHECK(pulse({cluster_id{78}, n2, {2, 5}, 0, empty}) == 1);
    CHECK(pulse({cluster_id{}, n2, {2, 5}, 0, empty}) == 1);
    CHECK(pulse({cluster_id{77}, node_id{9}, {2, 5}, 0, empty}) == 1);
    CHECK(pulse({cluster_id{77}, n1, {2, 5}, 0, empty}) == 1);
    CHECK(pulse({cluster_id{77}, n2, {2, 4}, 0, empty}) == 1);
    CHECK(pulse({cluster_id{77}, n2, {1, 9}, 0, empty}) == 1);
    CHECK(pulse({cluster_id{77}, n2, {2, 6}, 0, empty}) == 0);
    CHECK(item.heard().find(n2)->boot == (boot_id{2, 6}));
}

TEST_CASE("a node without a cluster survives the same") {
    std::mt19937_64 random(3);
    start_info info;
    info.name = "n1";
    info.boot = {1, 1};
    info.store = store_id{999};
    core item(info, {time_point{}, wall_time{1}});
    auto good = good_datagrams();
    for (int i = 0; i < 50'000; ++i) {
        auto data = good[random() % good.size()];
        data[random() % data.size()] = static_cast<char>(random());
        item.step(datagram{"ring0", data}, {time_point{duration{i * 10}}, wall_time{2}});
        static_cast<void>(item.take_outputs());
    }
    CHECK_FALSE(item.state().formed());  // the founding entries name another store for n1
    CHECK(item.log().last_index() == log_index{0});
}

TEST_CASE("a saved node is refused when its bytes are damaged, and never breaks anything") {
    auto saved = fresh_node().save();
    CHECK(core::load(saved));
    CHECK_FALSE(core::load(saved + "x"));
    CHECK_FALSE(core::load(""));
    for (std::size_t size = 1; size < saved.size(); size += 11) CHECK_FALSE(core::load(saved.substr(0, size)));
}

TEST_CASE("a beat that is sent later than it was made says how old its news are by then", "[node]") {
    beat made;
    heard_entry seen;
    seen.node = n3;
    seen.boot = {1, 1};
    seen.age_ms = 40;
    made.heard.push_back(seen);
    seen.age_ms = static_cast<std::uint32_t>(age_max_ms - 5);
    made.heard.push_back(seen);
    auto published = encode(from_n2(made));
    auto sent = time_point{duration{5'000'000}};

    auto late = open_datagram(beat_to_send(published, duration{110'400}, sent));
    REQUIRE(late);
    CHECK(late->sent == sent);
    const auto* told = std::get_if<beat>(&late->message.body);
    REQUIRE(told != nullptr);
    REQUIRE(told->heard.size() == 2);
    CHECK(told->heard[0].age_ms == 150);
    CHECK(told->heard[1].age_ms == age_max_ms);

    auto hello = encode(envelope{{}, {}, {1, 1}, 0, form_hello{"n2", store_id{102}, 0, 1}});
    auto greeted = open_datagram(beat_to_send(hello, duration{110'400}, sent));
    REQUIRE(greeted);
    CHECK(std::holds_alternative<form_hello>(greeted->message.body));
}
