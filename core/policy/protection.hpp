// Which single faults the cluster survives as it stands now: its packages go on, or start elsewhere with a proof, and
// a leader with a quorum is left. Pure; what one node knows in, the answer for people out. Nothing is decided by it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "cluster/state.hpp"

namespace mainstay::policy {

// What the answering node knows besides the log.
struct standing {
    node_id self;
    std::set<node_id> present;                            // heard now, and itself
    std::set<node_id> voters;                             // of the newest set
    cluster_config::tie tie = cluster_config::tie::none;  // never automatic
    std::string arbitrator;  // whose store the newest set names (R4a); empty = not known here
    // Of each link that it is on: whom it hears there, and itself unless its own end is faulty.
    std::map<std::string, std::set<node_id>> heard_on;
};

struct fault {
    enum class kind { node, link, network_switch, stonith, arbitrator, power };
    kind what = kind::node;
    std::string name;
    std::string why;  // it is not survived; empty = it is
};
[[nodiscard]] const char* to_string(fault::kind what);

// Of what is there now: a node that is off already is not asked about. A device that must work at the next fault
// counts as not survived where nothing stands in for it.
[[nodiscard]] std::vector<fault> single_faults(const cluster::state& state, const standing& now);

}  // namespace mainstay::policy
