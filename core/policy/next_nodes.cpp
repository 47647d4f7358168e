#include "policy/next_nodes.hpp"

namespace mainstay::policy {

node_id next_nodes::of(const std::string& package) {
    const auto* item = made_.find(package);
    if (item == nullptr || !item->now->switching) return {};
    if (!item->now->active()) return item->where;
    auto owner = item->now->owner;
    auto known = without_.find(owner);
    if (known == without_.end()) known = without_.emplace(owner, made_.without(owner)).first;
    return known->second.find(package)->where;
}

}  // namespace mainstay::policy
