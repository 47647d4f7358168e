// R3 to R5: what a candidate's votes amount to in one active set, and what may break a tie.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "consensus/types.hpp"

namespace mainstay::consensus {

// A vote that came in.
struct ballot {
    store_id store;
    bool settled = false;
    static void fields(auto& self, auto&& visit) {
        visit("store", self.store);
        visit("settled", self.settled);
    }
};
using ballots = std::map<node_id, ballot>;

// R4(a): what an arbitrator granted, to exactly this half of exactly this set.
struct tie_grant {
    std::uint64_t version = 0;
    mainstay::term set_term;
    std::vector<node_id> half;  // ascending
    auto operator<=>(const tie_grant&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("version", self.version);
        visit("set_term", self.set_term);
        visit("half", self.half);
    }
};

// R4(b): a proof that this candidate obtained in its present life. Good only for a term that began
// after it: later than `obtained_in`.
struct tie_proof {
    death_proof proof;
    mainstay::term obtained_in;
    static void fields(auto& self, auto&& visit) {
        visit("proof", self.proof);
        visit("obtained_in", self.obtained_in);
    }
};

// All that a candidate holds besides its votes. In memory only.
struct tie_means {
    std::vector<tie_grant> grants;
    std::vector<tie_proof> proofs;  // the newest of each node
    std::optional<consensus::certificate> certificate;
    static void fields(auto& self, auto&& visit) {
        visit("grants", self.grants);
        visit("proofs", self.proofs);
        visit("certificate", self.certificate);
    }
};

// Exactly half of a set stands behind the candidate, all of them settled: only a tie-break is missing.
struct tie_wanted {
    std::uint64_t version = 0;
    mainstay::term set_term;
    tie_break kind = tie_break::none;
    store_id arbitrator;
    std::vector<node_id> half;    // ascending
    std::vector<node_id> silent;  // the other half
    auto operator<=>(const tie_wanted&) const = default;
    static void fields(auto& self, auto&& visit) {
        visit("version", self.version);
        visit("set_term", self.set_term);
        visit("kind", self.kind);
        visit("arbitrator", self.arbitrator);
        visit("half", self.half);
        visit("silent", self.silent);
    }
};

enum class weight : std::uint8_t {
    lost,       // less than needed
    tie,        // exactly half, and nothing to break the tie with
    broken,     // exactly half with a tie-break
    certified,  // all that are not certified down
    majority,
    count_
};

struct weighed {
    weight value = weight::lost;
    tie_wanted wanted;                  // with weight::tie
    std::optional<death_proof> used{};  // with weight::broken, kind proof
};

// `standing` is the term stood for; `newest_boot` the newest life of a node in the candidate's log.
[[nodiscard]] weighed weigh(const active_set& active, const ballots& votes, const tie_means& means,
                            const mainstay::term& standing, const std::function<boot_id(node_id)>& newest_boot);

}  // namespace mainstay::consensus
