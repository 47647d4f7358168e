#include "consensus/types.hpp"

#include "model/assert.hpp"

namespace mainstay::consensus {

void apply_write(durable_state& state, const write& change) {
    MAINSTAY_ASSERT(change.term >= state.term);
    MAINSTAY_ASSERT(change.commit >= state.commit);
    MAINSTAY_ASSERT(change.keep >= state.commit && change.keep.value <= state.log.size());
    state.term = change.term;
    state.commit = change.commit;
    state.log.resize(change.keep.value);
    state.log.insert(state.log.end(), change.append.begin(), change.append.end());
}

}  // namespace mainstay::consensus
