// Everything that is wrong in one go: what the parser found, and of the checks all that does not rest on what it could
// not read.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "model/check.hpp"

namespace mainstay {

namespace {

// Where a section begins. Parts (the cluster, a package) have sections of their own inside.
struct head {
    source_position where;
    bool part = false;
    bool of_cluster = false;
};

using place = std::pair<std::string, std::uint32_t>;
place key(const source_position& where) { return {where.file, where.line}; }

std::vector<head> heads_of(const configuration& config) {
    std::vector<head> list;
    auto inside = [&list](const auto& items, bool of_cluster) {
        for (const auto& item : items) list.push_back({item.where, false, of_cluster});
    };
    const auto& cluster = config.cluster;
    if (!cluster.where.file.empty()) list.push_back({cluster.where, true, true});
    inside(cluster.nodes, true);
    inside(cluster.heartbeats, true);
    inside(cluster.stonith, true);
    inside(cluster.arbitrators, true);
    inside(cluster.event_sources, true);
    inside(cluster.notifiers, true);
    for (const auto& package : config.packages) {
        list.push_back({package.where, true, false});
        inside(package.dependencies, false);
        inside(package.generic_resources, false);
        inside(package.filesystems, false);
        inside(package.resources, false);
        inside(package.services, false);
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const head& a, const head& b) { return key(a.where) < key(b.where); });
    return list;
}

template <std::size_t Size>
bool is_one_of(const std::array<const char*, Size>& list, const std::string& keyword) {
    return std::find(list.begin(), list.end(), keyword) != list.end();
}

// What packages refer to in the cluster. A misspelt keyword is another one, and was read as the one that was meant.
bool shapes_cluster(const std::string& keyword) {
    constexpr std::array words{
        "",          "cluster_name", "node_name",     "network_interface", "heartbeat_ip", "stationary_ip", "subnet",
        "site_name", "site",         "capacity_name", "capacity_value",    "weight_name",  "weight_default"};
    return is_one_of(words, keyword);
}

bool is_a_time(const std::string& keyword) {
    constexpr std::array words{"member_timeout",  "heartbeat_interval", "daemon_restart_time",
                               "heartbeat_param", "tie_break_delay",    "tie_break_timeout",
                               "watchdog_device", "stonith_timeout",    "lease_halt_timeout"};
    return is_one_of(words, keyword);
}

class unread {
public:
    explicit unread(const parse_outcome& parsed) : heads_(heads_of(parsed.config)) {
        for (const auto& item : parsed.found)
            if (item.severity == problem::level::error) take(item);
        // A cluster part may stand in what could not be read.
        cluster_in_doubt_ = cluster_in_doubt_ || (!parsed.has_cluster && lost_);
    }
    [[nodiscard]] bool cluster_in_doubt() const { return cluster_in_doubt_; }
    // True when `item` would be there because of what could not be read.
    [[nodiscard]] bool explains(const problem& item) const {
        if (lines_.contains(key(item.where))) return true;
        const auto* part = around(item.where, true);
        bool in_cluster = part != nullptr && part->of_cluster;
        if (in_cluster && times_broken_ && is_a_time(item.keyword)) return true;
        if (!item.for_want) return false;
        if (part == nullptr) return false;
        const auto* section = around(item.where, false);
        bool at_head = key(section->where) == key(item.where);
        // About another package, which it names or whose lines it goes by.
        bool condition = item.keyword == "dependency_condition";
        if (condition && !at_head) return lost_package_;
        if (!condition && item.keyword.starts_with("dependency_") && package_broken_) return true;
        return sections_.contains(key((at_head && !in_cluster ? section : part)->where));
    }

private:
    void take(const problem& item) {
        lines_.insert(key(item.where));
        const auto* part = around(item.where, true);
        if (part == nullptr || item.where.line == 0) lost_ = lost_package_ = true;
        if (item.keyword == "package_name" || item.keyword.empty()) lost_package_ = true;
        if (part == nullptr) return;
        sections_.insert(key(part->where));
        sections_.insert(key(around(item.where, false)->where));
        if (!part->of_cluster) package_broken_ = true;
        if (part->of_cluster && shapes_cluster(item.keyword)) cluster_in_doubt_ = true;
        if (part->of_cluster && is_a_time(item.keyword)) times_broken_ = true;
    }
    // The section, or the part, in which it stands.
    [[nodiscard]] const head* around(const source_position& where, bool part) const {
        const head* found = nullptr;
        for (const auto& item : heads_)
            if (item.where.file == where.file && item.where.line <= where.line && (item.part || !part)) found = &item;
        return found;
    }

    std::vector<head> heads_;
    std::set<place> lines_;
    std::set<place> sections_;  // parts too
    bool lost_ = false;
    bool lost_package_ = false;
    bool package_broken_ = false;
    bool cluster_in_doubt_ = false;
    bool times_broken_ = false;
};

}  // namespace

problems examine(const parse_outcome& parsed, std::span<const plugin_schema> schemas) {
    unread rest(parsed);
    auto found = parsed.found;
    auto add = [&](const problems& more) {
        for (const auto& item : more) {
            // Two addresses of one wrong subnet, say.
            bool again = std::any_of(found.begin(), found.end(), [&item](const problem& other) {
                return key(other.where) == key(item.where) && other.keyword == item.keyword &&
                       other.message == item.message;
            });
            if (!again && !rest.explains(item)) found.push_back(item);
        }
    };
    if (!rest.cluster_in_doubt()) {
        add(check_configuration(parsed.config, schemas));
        return found;
    }
    // Packages by themselves: what they say of nodes, subnets and capacities waits.
    configuration alone;
    alone.packages = parsed.config.packages;
    auto more = check_configuration(alone, schemas);
    std::erase_if(more, [](const problem& item) { return item.keyword == "cluster_name"; });
    add(more);
    return found;
}

}  // namespace mainstay
