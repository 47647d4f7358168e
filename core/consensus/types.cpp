#include "consensus/types.hpp"

#include "model/assert.hpp"

namespace mainstay::consensus {

void apply_write(durable_state& state, const write& change) {
    MAINSTAY_ASSERT(change.term >= state.term);
    MAINSTAY_ASSERT(change.commit >= state.commit);
    MAINSTAY_ASSERT(change.keep >= state.commit && change.keep >= state.before);
    MAINSTAY_ASSERT(change.keep <= state.last() || (change.snapshot && change.keep == change.before));
    state.term = change.term;
    state.commit = change.commit;
    if (change.keep < state.last()) state.log.resize(change.keep.value - state.before.value);
    if (change.before > state.before) {
        auto drop = std::min<std::uint64_t>(change.before.value - state.before.value, state.log.size());
        state.log.erase(state.log.begin(), state.log.begin() + static_cast<std::ptrdiff_t>(drop));
        state.before = change.before;
        state.before_term = change.before_term;
    }
    if (change.snapshot) state.snapshot = *change.snapshot;
    state.log.insert(state.log.end(), change.append.begin(), change.append.end());
}

}  // namespace mainstay::consensus
