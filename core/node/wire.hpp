// What nodes say to each other. One datagram = one envelope; large ones travel as fragments
// (fragment.hpp). Sealing is the edge's (D7): what arrives here was made by somebody with the key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/commands.hpp"
#include "consensus/types.hpp"
#include "model/codec.hpp"
#include "model/programs.hpp"

namespace mainstay::node {

// "I heard this life of that node": the send time of its newest beat, and how long ago it came in
// when this is sent. Beats have to stay small enough for a serial cable (D7).
inline constexpr std::int64_t age_max_ms = 3'600'000;
struct heard_entry {
    node_id node;
    boot_id boot;
    time_point echo;
    std::uint32_t age_ms = 0;
    bool direct = false;  // not only through another node
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("boot", self.boot);
        visit("echo", self.echo);
        visit("age_ms", self.age_ms);
        visit("direct", self.direct);
    }
};

// What the cluster writes down of a node's life.
struct own_life {
    store_id store;
    std::uint64_t kernel = 0;         // random name of the machine's life
    duration watchdog{0};             // W, as read back; 0 = none armed
    std::uint32_t feature_level = 0;  // the newest that its software reads (D2)
    static void fields(auto& self, auto&& visit) {
        visit("store", self.store);
        visit("kernel", self.kernel);
        visit("watchdog", self.watchdog);
        visit("feature_level", self.feature_level);
    }
};

struct beat {
    static constexpr const char* name_ = "beat";
    std::optional<own_life> life;  // until it is in the log as it is (R7)
    mainstay::term term;           // durable
    bool leader = false;
    bool acknowledges = false;  // leader with a quorum and an entry of its term committed: `heard`
                                // acknowledges leases (R6), up to `newest_package_entry`
    log_index commit;
    log_index newest_package_entry;
    duration lease{0};  // L
    std::vector<heard_entry> heard;
    static void fields(auto& self, auto&& visit) {
        visit("life", self.life);
        visit("term", self.term);
        visit("leader", self.leader);
        visit("acknowledges", self.acknowledges);
        visit("commit", self.commit);
        visit("newest_package_entry", self.newest_package_entry);
        visit("lease", self.lease);
        visit("heard", self.heard);
    }
};

// Asks the leader to write commands down; repeated until they show in the sender's own log.
struct submit {
    static constexpr const char* name_ = "submit";
    std::vector<cluster::command> commands;  // ascending serials, oldest first
    static void fields(auto& self, auto&& visit) { visit("commands", self.commands); }
};

// ---- before a cluster exists: nodes are known by name only ---------------------------------------

struct form_hello {  // an empty store says that it is there
    static constexpr const char* name_ = "form_hello";
    std::string name;
    store_id store;
    std::uint64_t kernel = 0;
    std::uint32_t feature_level = 0;
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("store", self.store);
        visit("kernel", self.kernel);
        visit("feature_level", self.feature_level);
    }
};

// A leader takes a node with an empty store in, as a learner (R7). "Two lives": its machine counter goes on
// above any in the log.
struct join_offer {
    static constexpr const char* name_ = "join_offer";
    mainstay::cluster_id cluster;
    node_id node;
    store_id store;  // whom it is meant for
    std::uint32_t machine = 0;
    std::vector<std::pair<node_id, std::string>> names;
    std::string refusal;  // not empty: why it may not join
    static void fields(auto& self, auto&& visit) {
        visit("cluster", self.cluster);
        visit("node", self.node);
        visit("store", self.store);
        visit("machine", self.machine);
        visit("names", self.names);
        visit("refusal", self.refusal);
    }
};

struct form_log {  // the founding entries, for the stores named in them
    static constexpr const char* name_ = "form_log";
    std::vector<consensus::entry> entries;
    static void fields(auto& self, auto&& visit) { visit("entries", self.entries); }
};

struct fragment {
    static constexpr const char* name_ = "fragment";
    std::uint64_t whole = 0;  // names the message, per sender's life
    std::uint32_t index = 0;
    std::uint32_t count = 0;
    bytes data;
    static void fields(auto& self, auto&& visit) {
        visit("whole", self.whole);
        visit("index", self.index);
        visit("count", self.count);
        visit("data", self.data);
    }
};

// D5: a node that hears both sides of a broken path passes on what one sends to the other, one hop.
struct relay {
    static constexpr const char* name_ = "relay";
    node_id to;
    bytes data;  // a whole datagram
    static void fields(auto& self, auto&& visit) {
        visit("to", self.to);
        visit("data", self.data);
    }
};

// What are these files like there? Between the edges of two nodes; names, because ids come with a cluster only.
struct program_question {
    static constexpr const char* name_ = "program_question";
    std::string asker;
    std::uint64_t id = 0;
    std::vector<std::string> paths;
    static void fields(auto& self, auto&& visit) {
        visit("asker", self.asker);
        visit("id", self.id);
        visit("paths", self.paths);
    }
};

struct program_answer {
    static constexpr const char* name_ = "program_answer";
    std::string node;
    std::uint64_t id = 0;
    std::vector<program_seen> seen;  // as in the question
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("id", self.id);
        visit("seen", self.seen);
    }
};

// What does this external script say to `validate` there? As program_question; from validations_level on.
struct validation_question {
    static constexpr const char* name_ = "validation_question";
    std::string asker;
    std::uint64_t id = 0;
    std::string package;
    std::string path;
    std::vector<std::pair<std::string, std::string>> environment;
    static void fields(auto& self, auto&& visit) {
        visit("asker", self.asker);
        visit("id", self.id);
        visit("package", self.package);
        visit("path", self.path);
        visit("environment", self.environment);
    }
};

struct validation_answer {
    static constexpr const char* name_ = "validation_answer";
    std::string node;
    std::uint64_t id = 0;
    validation_seen seen;
    static void fields(auto& self, auto&& visit) {
        visit("node", self.node);
        visit("id", self.id);
        visit("seen", self.seen);
    }
};

using wire_body = std::variant<beat, consensus::message, submit, form_hello, form_log, fragment, relay, join_offer,
                               program_question, program_answer, validation_question, validation_answer>;

struct envelope {
    mainstay::cluster_id cluster;  // 0 = not formed
    node_id from;                  // 0 = not formed
    boot_id boot;
    std::uint64_t lineage = 0;  // R5: the newest certified history the sender's contains
    wire_body body;
    static void fields(auto& self, auto&& visit) {
        visit("cluster", self.cluster);
        visit("from", self.from);
        visit("boot", self.boot);
        visit("lineage", self.lineage);
        visit("body", self.body);
    }
};

// A beat's datagram is its envelope followed by the heartbeat thread's send time.
inline constexpr std::size_t send_time_size = 8;
void append_send_time(bytes& data, time_point sent);
// What a node published, as it is sent `waited` later: what it had heard then is older by so much. Without that, its
// word about a silent node would count for up to a beat's period longer than it should.
[[nodiscard]] bytes beat_to_send(const bytes& published, duration waited, time_point sent);

struct opened {
    envelope message;
    time_point sent = time_point::min();  // of beats and hellos
};
// Nothing when the bytes are not exactly one envelope.
[[nodiscard]] std::optional<opened> open_datagram(std::string_view data);

}  // namespace mainstay::node
