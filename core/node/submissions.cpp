#include "node/submissions.hpp"

namespace mainstay::node {

std::uint64_t submissions::add(cluster::command item) {
    auto serial = next_serial_++;
    item.serial = serial;
    waiting_.emplace(serial, std::move(item));
    return serial;
}

void submissions::counted(std::uint64_t serial) { waiting_.erase(serial); }

std::vector<cluster::command> submissions::oldest() const {
    constexpr std::size_t commands_max = 32;
    std::vector<cluster::command> list;
    for (const auto& [serial, item] : waiting_) {
        list.push_back(item);
        if (list.size() == commands_max) break;
    }
    return list;
}

}  // namespace mainstay::node
