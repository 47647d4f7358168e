// A datagram is refused, or it says what it says: written again it is read as the same.
#include "node/wire.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mainstay;
    auto opened = node::open_datagram({reinterpret_cast<const char*>(data), size});
    if (!opened) return 0;
    auto once = encode(opened->message);
    auto again = decode<node::envelope>(once);
    if (!again || encode(*again) != once) std::abort();
    return 0;
}
