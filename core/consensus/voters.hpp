// R7, R8: which voter set would survive more than the present one. Shrinks after a loss, grows after a
// return, replaces a lost voter by a learner; a change that gains nothing is not made.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "consensus/types.hpp"

namespace mainstay::consensus {

inline constexpr std::size_t voters_max = 7;

struct candidate_voter {
    voter who;               // the store it has now
    bool alive = false;      // its present life is in the log and heard
    bool caught_up = false;  // and it holds everything committed, answering within T
    bool leaving = false;    // halted by its administrator: it is about to go
};

struct voter_wish {
    tie_break kind = tie_break::none;  // as the configuration wants it
    store_id arbitrator;               // the one that answers now
    bool tie_works = false;            // it would break a tie today
    bool renew = false;                // R4(a): the present set's grant is used up
    node_id leader;                    // stays a voter
    std::vector<candidate_voter> members;
};

// How many more of `alive` members may be lost before `size` voters have no quorum.
[[nodiscard]] int losses_survived(std::size_t size, std::size_t alive, bool tie_works);

// The next set, with the version after `base`; nothing when the present one is as good.
[[nodiscard]] std::optional<voter_set> next_voters(const voter_set& base, const voter_wish& wish);

}  // namespace mainstay::consensus
