// Cuts, pauses, slow disks and restarts from a seed: the network's checks hold after every step,
// and once everything is healed the cluster works again.
#include <catch2/catch.hpp>

#include "network.hpp"

using namespace mainstay;
using namespace mainstay::consensus;

namespace {

void disturb(network& net, std::uint32_t nodes, const std::function<std::uint64_t(std::uint64_t)>& next) {
    auto id = static_cast<std::uint32_t>(next(nodes)) + 1;
    auto other = static_cast<std::uint32_t>(next(nodes)) + 1;
    switch (next(9)) {
        case 0:
            net.isolate(id);
            break;
        case 1:
            net.cut(id, other);
            break;
        case 2:
            net.heal();
            break;
        case 3:
            net.of(id).hold_disk = !net.of(id).hold_disk;
            net.drain(id);
            break;
        case 4:
            net.of(id).paused = !net.of(id).paused;
            break;
        case 5:
            net.restart(id);
            break;
        case 6:
            if (auto leader = net.leader(); leader != 0) {
                std::vector<std::uint32_t> voters;
                for (std::uint32_t i = 1; i <= nodes; ++i)
                    if (next(4) != 0) voters.push_back(i);
                if (!voters.empty())
                    net.propose(leader, set_of(net.at(leader).active().back().set.version + 1, voters));
            }
            break;
        default:
            if (auto leader = net.leader(); leader != 0) net.propose(leader, "entry " + std::to_string(next(1000)));
    }
}

}  // namespace

TEST_CASE("random weather never breaks a promise, and calm weather brings a leader") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        std::uint64_t random = seed * 0x9e3779b97f4a7c15ULL;
        auto next = [&random](std::uint64_t below) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            return (random >> 16) % below;
        };
        auto nodes = static_cast<std::uint32_t>(seed % 4 + 2);
        std::vector<std::uint32_t> voters;
        for (std::uint32_t i = 1; i <= nodes; ++i) voters.push_back(i);
        network net(voters);
        for (int i = 0; i < 60; ++i) {
            net.run(ms * static_cast<int>(next(80) + 1));
            disturb(net, nodes, next);
        }
        net.heal();
        for (auto id : voters) {
            net.of(id).paused = false;
            net.release_disk(id);
        }
        // A voter set that only one knew may bring another leader first: a few tries.
        auto works = [&] {
            auto id = net.leader();
            if (id == 0) return false;
            if (!net.at(id).may_decide() && net.at(id).at(net.at(id).last_index()).term != net.at(id).current_term())
                net.propose(id, "took over");
            return net.at(id).may_decide() && net.at(id).commit() == net.at(id).last_index();
        };
        REQUIRE(net.run_until(works, 10'000 * ms));
    }
}
