// What stands on an arbitrator's disk, and what is said to an arbitrator: refused with a reason, or read.
#include "arbitrator/sectors.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "arbitrator/message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mainstay;
    std::string text(reinterpret_cast<const char*>(data), size);
    static_cast<void>(decode<arbitrator::question>(text));
    static_cast<void>(decode<arbitrator::reply>(text));
    static_cast<void>(arbitrator::sealed_with(text, arbitrator::direction::to_server));
    auto block = text;
    block.resize(arbitrator::block_bytes);
    auto head = arbitrator::read_head(block);
    const arbitrator::disk_head usual{cluster_id{7}, store_id{5}, 4};
    auto slot = arbitrator::read_slot(block, head ? *head : usual, 2);
    if (slot) {
        auto written = arbitrator::slot_block(*slot);
        if (written && arbitrator::read_slot(*written, head ? *head : usual, 2).value() != *slot) std::abort();
    }
    // A whole device: a good one, its blocks overwritten by what is given.
    auto image = arbitrator::format_image(usual);
    std::copy_n(text.begin(), std::min(text.size(), image.size()), image.begin());
    static_cast<void>(arbitrator::read_record(image));
    return 0;
}
