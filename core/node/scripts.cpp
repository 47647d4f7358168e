// cmrunserv, cmhaltserv, cmmodnet: what the control script of a package under way here asks for (SG 4.5). What begins
// is on record before it does: a daemon that starts in the middle of it knows what to end.
#include <algorithm>

#include "model/address.hpp"
#include "model/assert.hpp"
#include "node/node.hpp"

namespace mainstay::node {

void node::script_asks(const admin_call& call, script_call asked) {
    auto refuse = [&](std::string why) { out_.add(admin_done{call.id, admin_result::refused, std::move(why)}); };
    auto found = runners_.find(asked.package);
    if (found == runners_.end()) return refuse("no script of package " + asked.package + " is under way on " + name_);
    // D2: an older version could not read the record. A new cluster's level rises when its packages start already.
    bool old_node = std::any_of(state_.nodes.begin(), state_.nodes.end(), [](const auto& item) {
        return item.second.boot && item.second.feature_level < cluster::script_services_level;
    });
    if (old_node && state_.feature_level < cluster::script_services_level)
        return refuse("not every node runs a version that knows what control scripts start: upgrade them first");
    bool address = asked.verb == script_verb::add_address || asked.verb == script_verb::remove_address;
    if (address)
        if (auto wrong = against_address(asked); !wrong.empty()) return refuse(wrong);
    auto record = local_.packages.find(asked.package);
    bool known = record != local_.packages.end() && record->second.generation == found->second.generation();
    if (!found->second.script_asks(asked, call.id, out_)) return;
    MAINSTAY_ASSERT(known);
    record->second.parts = found->second.parts();
    persist_local();
    script_calls_.push_back({stores_made_, call.id, std::move(asked)});
}

void node::scripts_stored() {
    while (!script_calls_.empty() && script_calls_.front().after <= stores_done_) {
        auto item = std::move(script_calls_.front());
        script_calls_.erase(script_calls_.begin());
        auto found = runners_.find(item.asked.package);
        if (found != runners_.end()) {
            found->second.script_recorded(item.asked, item.admin, out_);
        } else {
            out_.add(admin_done{item.admin, admin_result::refused, "package " + item.asked.package + " is halted"});
        }
    }
}

// Makes address and subnet canonical. Empty: the package may have it.
std::string node::against_address(script_call& asked) const {
    const auto* owner = state_.find_package(asked.package);
    if (owner != nullptr && owner->everywhere())
        return "package " + asked.package + " runs on several nodes: an address can be on one only";
    auto address = parse_address(asked.name);
    if (!address || is_special(*address)) return "'" + asked.name + "' is no address that a package can carry";
    asked.name = to_string(*address);
    std::optional<ip_subnet> subnet;
    for (const auto& text : state_.config.cluster.subnets) {
        auto known = parse_subnet(text);
        auto same = known && (parse_subnet(asked.text) == known || parse_address(asked.text) == known->network);
        if (same) subnet = known;
    }
    if (!subnet) return "'" + asked.text + "' is no subnet of the cluster";
    asked.text = to_string(*subnet);
    if (!contains(*subnet, *address) || is_reserved_in(*subnet, *address))
        return asked.name + " is no address of a host in " + asked.text;
    for (const auto& each : state_.config.cluster.nodes)
        for (const auto& interface : each.interfaces)
            for (const auto* list : {&interface.heartbeat_ip, &interface.stationary_ip})
                for (const auto& text : *list)
                    if (auto own = parse_subnet(text); own && own->network == *address)
                        return asked.name + " is an address of node " + each.name;
    for (const auto& package : state_.config.packages)
        for (const auto& item : package.addresses)
            if (parse_address(item.address) == address)
                return asked.name + " is an ip_address of package " + package.name;
    for (const auto& [name, item] : runners_)
        if (name != asked.package && item.parts().addresses.contains(asked.name))
            return "package " + name + " has added " + asked.name + " here";
    return {};
}

}  // namespace mainstay::node
