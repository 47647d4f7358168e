// The state in a snapshot is refused, or can be read again as it was written and decided about.
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
    seen.self = node_id{1};
    static_cast<void>(policy::decide(*state, seen));
    return 0;
}
