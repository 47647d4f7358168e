#include "consensus/arbiter.hpp"

#include <algorithm>

#include "model/mutation.hpp"

namespace mainstay::consensus {

namespace {

std::vector<node_id> ascending(std::vector<node_id> nodes) {
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    return nodes;
}

std::string list_of(const std::vector<node_id>& nodes) {
    std::string text;
    for (auto node : nodes) text += (text.empty() ? "" : " ") + std::to_string(node.value);
    return text;
}

tie_answer refuse(std::string reason) { return {false, false, std::move(reason)}; }

std::string version_text(std::uint64_t version) { return "voter set " + std::to_string(version); }

}  // namespace

bool is_sound(const arbiter_record& record) {
    if (!record.store || record.grants.size() > arbiter_record::grants_max) return false;
    std::uint64_t before = 0;
    for (const auto& item : record.grants) {
        bool whole = item.version > before && item.version >= record.floor && !item.half.empty() &&
                     item.half.size() <= arbiter_record::half_max && item.half.front() &&
                     item.half == ascending(item.half);
        if (!whole) return false;
        before = item.version;
    }
    return true;
}

tie_answer grant(arbiter_record& record, const tie_request& request) {
    auto half = ascending(request.half);
    bool whole = request.version > 0 && !half.empty() && half.front() && half.size() <= arbiter_record::half_max;
    if (!whole) return refuse("the request names no version or no nodes");
    if (request.cluster != record.cluster) return refuse("the request is another cluster's");
    if (request.store != record.store)
        return refuse(
            "the voter set names another store of the arbitrator: its grants were lost, or it was replaced; "
            "the next committed voter set names the present one");
    if (request.version < record.floor && !mutated(mutation::arbitrator_forgets_floor))
        return refuse(version_text(request.version) + " is out of date: " + version_text(record.floor) +
                      " is committed");
    auto at = std::lower_bound(record.grants.begin(), record.grants.end(), request.version,
                               [](const arbiter_grant& item, std::uint64_t version) { return item.version < version; });
    if (at != record.grants.end() && at->version == request.version) {
        // Two sets of one version can exist, uncommitted both: a grant is for the one that asked first.
        bool same = at->half == half && at->set_term == request.set_term;
        if (same || mutated(mutation::arbitrator_forgets_grant)) return {true, false, {}};
        return refuse(version_text(request.version) + " was granted to the half with the nodes " + list_of(at->half));
    }
    if (record.grants.size() == arbiter_record::grants_max)
        return refuse("grants of " + std::to_string(record.grants.size()) +
                      " voter sets are open and none of them was committed");
    record.grants.insert(at, {request.version, request.set_term, std::move(half)});
    return {true, true, {}};
}

tie_told told(arbiter_record& record, std::uint64_t version, store_id store) {
    bool changed = store == record.store && version > record.floor;
    if (changed) {
        record.floor = version;
        std::erase_if(record.grants, [version](const arbiter_grant& item) { return item.version < version; });
    }
    bool granted = std::any_of(record.grants.begin(), record.grants.end(),
                               [version](const arbiter_grant& item) { return item.version == version; });
    return {record.store, record.floor, granted, changed};
}

}  // namespace mainstay::consensus
