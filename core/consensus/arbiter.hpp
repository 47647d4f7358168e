// R4(a): what an arbitrator remembers of one cluster and what it answers. Pure: the owner stores the
// record durably before it passes an answer on. The arbitrators on a disk and on a server, and the
// simulator's, are all this.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/codec.hpp"
#include "model/ids.hpp"

namespace mainstay::consensus {

// One half of the voter set (version, set_term) asks to stand in for its majority.
struct tie_request {
    cluster_id cluster;
    store_id store;  // the arbitrator's, as the voter set names it
    std::uint64_t version = 0;
    mainstay::term set_term;  // of the voter set's entry
    std::vector<node_id> half;
    static void fields(auto& self, auto&& visit) {
        visit("cluster", self.cluster);
        visit("store", self.store);
        visit("version", self.version);
        visit("set_term", self.set_term);
        visit("half", self.half);
    }
};

struct arbiter_grant {
    std::uint64_t version = 0;
    mainstay::term set_term;    // of the first request
    std::vector<node_id> half;  // ascending
    auto operator<=>(const arbiter_grant&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("version", self.version);
        visit("set_term", self.set_term);
        visit("half", self.half);
    }
};

// All that has to survive. Grants are ascending by version, none below the floor.
struct arbiter_record {
    // More open versions than a cluster ever has: a leader tells each one that it commits.
    static constexpr std::size_t grants_max = 8;
    static constexpr std::size_t half_max = 16;

    cluster_id cluster;
    store_id store;           // random, made with the record; another one = the grants were lost
    std::uint64_t floor = 0;  // the highest version told: nothing below it is ever granted again
    std::vector<arbiter_grant> grants;
    auto operator<=>(const arbiter_record&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("cluster", self.cluster);
        visit("store", self.store);
        visit("floor", self.floor);
        visit("grants", self.grants);
    }
};

// False for what no arbiter would have written: bytes from a disk are looked at before they are used.
[[nodiscard]] bool is_sound(const arbiter_record& record);

struct tie_answer {
    bool granted = false;
    bool changed = false;  // store the record before this answer leaves
    std::string reason;    // of a refusal
    static void fields(auto& self, auto&& visit) {
        visit("granted", self.granted);
        visit("changed", self.changed);
        visit("reason", self.reason);
    }
};

// The first half that asks for a version gets it, now and whenever it asks again; every other half of
// that version is refused, and so is everything below the floor or meant for another store.
[[nodiscard]] tie_answer grant(arbiter_record& record, const tie_request& request);

struct tie_told {
    store_id store;  // the arbitrator's own, whatever was asked
    std::uint64_t floor = 0;
    bool granted = false;  // it holds a grant of exactly this version: a leader renews the set
    bool changed = false;  // store the record before this answer leaves
    auto operator<=>(const tie_told&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("store", self.store);
        visit("floor", self.floor);
        visit("granted", self.granted);
        visit("changed", self.changed);
    }
};

// A leader has committed this version. With another store than the record's nothing is noted.
[[nodiscard]] tie_told told(arbiter_record& record, std::uint64_t version, store_id store);

}  // namespace mainstay::consensus
