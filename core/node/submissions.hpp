// What this node asks the leader to write down. Each is repeated until it shows in our own log; the
// serial makes sure that it counts once.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "cluster/commands.hpp"

namespace mainstay::node {

class submissions {
public:
    std::uint64_t add(cluster::command item);
    // Shows in the log: no need to ask any more.
    void counted(std::uint64_t serial);
    void withdraw(std::uint64_t serial) { counted(serial); }
    [[nodiscard]] bool empty() const { return waiting_.empty(); }
    [[nodiscard]] std::size_t size() const { return waiting_.size(); }
    // The oldest ones, as many as a message takes.
    [[nodiscard]] std::vector<cluster::command> oldest() const;

    static void fields(auto& self, auto&& visit) {
        visit("waiting", self.waiting_);
        visit("next_serial", self.next_serial_);
    }

private:
    std::map<std::uint64_t, cluster::command> waiting_;
    std::uint64_t next_serial_ = 1;
};

}  // namespace mainstay::node
