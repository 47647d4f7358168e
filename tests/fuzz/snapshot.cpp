// The state in a snapshot is refused, or can be read again as it was written, and any node of it can decide about it.
#include <cstdint>
#include <cstdlib>

#include "cluster/state.hpp"
#include "policy/decide.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mainstay;
    auto state = cluster::decode_state({reinterpret_cast<const char*>(data), size});
    if (!state) return 0;
    auto once = encode(*state);
    auto again = cluster::decode_state(once);
    if (!again || encode(*again) != once) std::abort();
    policy::view seen;
    if (!state->nodes.empty()) seen.self = state->nodes.begin()->first;
    static_cast<void>(policy::decide(*state, seen));
    return 0;
}
