// Where packages would go if their present nodes were lost: planned as it will be then.
#pragma once

#include <map>
#include <string>

#include "policy/plan.hpp"

namespace mainstay::policy {

class next_nodes {
public:
    // Both outlive it. A plan is made for each node that is asked about, once.
    next_nodes(const cluster::state& state, const plan& made) : state_(state), made_(made) {}

    // Of what is down: where it would be started now. 0 = nowhere.
    [[nodiscard]] node_id of(const std::string& package);

private:
    const cluster::state& state_;
    const plan& made_;
    std::map<node_id, plan> without_;
};

}  // namespace mainstay::policy
