// The state in a snapshot is refused, or can be read again as it was written.
#include <cstdint>
#include <cstdlib>

#include "cluster/state.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mainstay;
    auto state = cluster::decode_state({reinterpret_cast<const char*>(data), size});
    if (!state) return 0;
    auto once = encode(*state);
    auto again = cluster::decode_state(once);
    if (!again || encode(*again) != once) std::abort();
    return 0;
}
