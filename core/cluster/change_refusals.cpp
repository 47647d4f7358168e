#include "cluster/change_refusals.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cluster/newer_keywords.hpp"
#include "model/online_change.hpp"

namespace mainstay::cluster {

namespace {

// What of the package can't change as it is, the first difference first.
std::vector<std::string> held_keywords(const state& now, const package_state& item, const package_config& from,
                                       const package_config& to) {
    // SG 7.2
    if (item.maintained) return differing(from, to);
    return needs_down(from, to, {now.parts_may_change(item), now.scripts_may_change(item), now.storage_may_come(item)});
}

std::string against_addresses(const package_config& to, const part_changes& parts, const state& after) {
    for (const auto& other : after.config.packages)
        for (const auto& address : other.addresses)
            if (std::count(parts.addresses_removed.begin(), parts.addresses_removed.end(), address.address) > 0 &&
                other.name != to.name)
                return "take ip_address " + address.address + " from it first, and give it to package " + other.name +
                       " when it is gone";
    return {};
}

// A mount is not moved from under another: its users would go on with what nobody sees any more.
std::string against_hiding(const package_config& from, const package_config& to) {
    auto found = hides_mounted(from, to);
    if (found.added == nullptr) return {};
    return "halt it before fs_directory " + found.added->directory + " is added: it would hide " +
           found.mounted->directory + ", which is mounted already";
}

std::string against_restarts(const std::string& instance, const package_state& item, const package_config& to,
                             const part_changes& parts) {
    for (const auto& service : to.services) {
        auto count = item.restarts.find(service.name);
        if (service.by_script()) continue;  // its script says how often
        bool fresh = std::count(parts.services_started.begin(), parts.services_started.end(), service.name) > 0;
        if (fresh) continue;
        if (count != item.restarts.end() && service.restart_max && count->second > *service.restart_max)
            return std::to_string(count->second) + " restarts of service " + service.name +
                   " have been counted, more than its new service_restart: hactl package reset-restarts " +
                   package_of(instance) + ' ' + service.name + " forgets them";
    }
    return {};
}

// The first of `to` that is not like its counterpart in `from` and has such a line, else of all that have one.
template <class Item>
const source_position* line_among(const std::vector<Item>& from, const std::vector<Item>& to,
                                  const std::string& keyword, bool (*same)(const Item&, const Item&)) {
    const source_position* any = nullptr;
    for (std::size_t i = 0; i < to.size(); ++i) {
        auto line = std::find_if(to[i].lines.begin(), to[i].lines.end(), [&keyword](const auto& entry) {
            return entry.first == keyword || entry.first.starts_with(keyword + " ");
        });
        if (line == to[i].lines.end()) continue;
        if (i >= from.size() || !same(from[i], to[i])) return &line->second;
        if (any == nullptr) any = &line->second;
    }
    return any;
}

bool same_dependency(const dependency_config& a, const dependency_config& b) {
    return a.name == b.name && a.package == b.package && a.up == b.up && a.location == b.location;
}

bool same_generic(const generic_resource_config& a, const generic_resource_config& b) {
    bool criterion = a.up_when.has_value() == b.up_when.has_value() &&
                     (!a.up_when || (a.up_when->how == b.up_when->how && a.up_when->value == b.up_when->value));
    return a.name == b.name && a.before_start == b.before_start && criterion;
}

bool same_mount(const filesystem_config& a, const filesystem_config& b) {
    return a.name == b.name && a.server == b.server && a.directory == b.directory && a.type == b.type &&
           a.mount_options == b.mount_options && a.umount_options == b.umount_options &&
           a.fsck_options == b.fsck_options;
}

bool same_params(const std::vector<parameter>& a, const std::vector<parameter>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return x.name == y.name && x.value == y.value; });
}

bool same_resource(const plugin_instance& a, const plugin_instance& b) {
    bool on_nodes =
        std::equal(a.node_params.begin(), a.node_params.end(), b.node_params.begin(), b.node_params.end(),
                   [](const auto& x, const auto& y) { return x.first == y.first && same_params(x.second, y.second); });
    return a.name == b.name && a.plugin == b.plugin && same_params(a.params, b.params) && on_nodes;
}

bool same_service(const service_config& a, const service_config& b) {
    return same_process(a, b) && a.restart_max == b.restart_max && a.fail_fast == b.fail_fast &&
           a.halt_timeout == b.halt_timeout && a.restart_heal == b.restart_heal;
}

source_position place_of(const package_config& from, const package_config& to, const std::string& keyword) {
    if (keyword == "vg") {
        for (const auto& item : to.volume_groups)
            if (std::none_of(from.volume_groups.begin(), from.volume_groups.end(),
                             [&item](const auto& other) { return other.name == item.name; }))
                return item.where;
        return to.volume_groups.empty() ? to.where : to.volume_groups.front().where;
    }
    if (keyword == "ip_address" || keyword == "ip_subnet") {
        for (const auto& item : to.addresses)
            if (std::none_of(from.addresses.begin(), from.addresses.end(), [&item](const auto& other) {
                    return other.address == item.address && other.subnet == item.subnet;
                }))
                return item.where;
    }
    for (const auto* found : {line_among(from.dependencies, to.dependencies, keyword, same_dependency),
                              line_among(from.generic_resources, to.generic_resources, keyword, same_generic),
                              line_among(from.filesystems, to.filesystems, keyword, same_mount),
                              line_among(from.resources, to.resources, keyword, same_resource),
                              line_among(from.services, to.services, keyword, same_service)})
        if (found != nullptr) return *found;
    // A keyword that may repeat stands there with its value.
    for (const auto& [key, where] : to.lines)
        if (key == keyword || key.starts_with(keyword + " ")) return where;
    return to.where;
}

// Sections that came or went differ in all their lines: the line that opens them is named, and what the files say.
std::vector<std::string> worth_naming(const std::vector<std::string>& keywords) {
    static const std::vector<std::pair<std::string, std::string>> sections{
        {"fs_name", "fs_"},
        {"resource_name", "resource_"},
        {"service_name", "service_"},
        {"ip_subnet", "ip_address"},
        {"dependency_name", "dependency_"},
        {"weight_name", "weight_"},
        {"vg", "vgchange_cmd"},
        {"generic_resource_name", "generic_resource_"}};
    std::vector<std::string> list;
    for (const auto& keyword : keywords) {
        bool inside = std::any_of(sections.begin(), sections.end(), [&](const auto& section) {
            return keyword != section.first && keyword.starts_with(section.second) &&
                   std::find(keywords.begin(), keywords.end(), section.first) != keywords.end();
        });
        if (!inside) list.push_back(keyword);
    }
    return list;
}

problem told(source_position where, std::string keyword, const std::string& text) {
    problem wrong;
    wrong.where = std::move(where);
    wrong.keyword = std::move(keyword);
    wrong.message = "can't be applied now: " + text;
    return wrong;
}

// No keyword of it can't change, but together they can't.
problem told_of_whole(const package_config& from, const package_config& to, const std::string& text) {
    const auto* added = hides_mounted(from, to).added;
    if (added == nullptr) return told(to.where, "package_name", text);
    for (const auto& [keyword, where] : added->lines)
        if (keyword == "fs_directory") return told(where, keyword, text);
    return told(added->where, "fs_name", text);
}

void say_of_package(const state& now, const std::string& name, const package_state& item, const state& after,
                    problems& found) {
    auto wrong = against_change(now, name, item, after);
    if (wrong.empty()) return;
    const auto& from = *now.find_package(name);
    const auto* to = after.find_package(name);
    auto keywords = to == nullptr ? std::vector<std::string>() : held_keywords(now, item, from, *to);
    if (keywords.empty()) {
        found.push_back(to == nullptr ? told({}, {}, wrong) : told_of_whole(from, *to, wrong));
        return;
    }
    auto text = "package " + name + " is " +
                (item.maintained ? std::string("in maintenance: hactl package maintenance off ")
                                 : std::string(to_string(item.phase)) + " on " + now.node_name(item.owner) +
                                       ": hactl package halt ") +
                package_of(name) + " first";
    auto differs = now.storage_may_come(item) ? without_added_storage(*to, from) : *to;
    for (const auto& keyword : worth_naming(keywords))
        found.push_back(told(place_of(from, differs, keyword), keyword, text));
}

const package_config* find(const configuration& in, const std::string& name) {
    for (const auto& item : in.packages)
        if (item.name == name) return &item;
    return nullptr;
}

// `running on n1, n2`, or `down`.
std::string whereabouts(const state& now, const package_config& package) {
    std::string text;
    for (const auto& name : now.instances(package)) {
        auto item = now.packages.find(name);
        if (item == now.packages.end() || !item->second.active()) continue;
        text += text.empty() ? std::string(to_string(item->second.phase)) + " on " : ", ";
        text += now.node_name(item->second.owner);
    }
    return text.empty() ? "down" : text;
}

}  // namespace

problems left_out(const state& now, const configuration& wanted, const std::vector<std::string>& meant) {
    problems found;
    auto is_meant = [&meant](const std::string& name) {
        return std::find(meant.begin(), meant.end(), name) != meant.end();
    };
    for (const auto& item : now.config.packages) {
        if (find(wanted, item.name) != nullptr || is_meant(item.name) || is_meant("all")) continue;
        problem gone;
        gone.severity = problem::level::warning;
        gone.message = "package " + item.name + " (" + whereabouts(now, item) +
                       ") is in no file and would be removed; if that is meant: --remove " + item.name;
        found.push_back(std::move(gone));
    }
    for (const auto& name : meant) {
        bool kept = find(wanted, name) != nullptr;
        if (name == "all" || (!kept && find(now.config, name) != nullptr)) continue;
        problem wrong;
        wrong.message = "--remove " + name + ": " +
                        (kept ? "it is in the files; take it out of them to remove it" : "there is no such package");
        found.push_back(std::move(wrong));
    }
    return found;
}

std::string against_detached(const state& now) {
    if (now.detached.empty()) return {};
    return "node " + now.node_name(now.detached.begin()->first) +
           " is detached: hactl node attach first, the configuration stays as it is until then";
}

std::string against_nodes_going(const state& now, const cluster_config& wanted) {
    for (const auto& [name, id] : now.ids) {
        bool stays = std::any_of(wanted.nodes.begin(), wanted.nodes.end(),
                                 [&name = name](const auto& item) { return item.name == name; });
        if (stays) continue;
        for (const auto& [package, item] : now.packages)
            if (item.active() && item.owner == id)
                return fmt::format("node {} has package {}: hactl node halt {} before it is removed", name, package,
                                   name);
    }
    return {};
}

std::string against_change(const state& now, const std::string& instance, const package_state& item,
                           const state& after) {
    const auto& from = *now.find_package(instance);
    const auto* to = after.find_package(instance);
    auto head = "package " + instance + (item.active() ? " is active: " : " is in maintenance: ");
    auto first = item.maintained ? "hactl package maintenance off " + instance : "halt it";
    if (to == nullptr) return head + first + " before it is removed";
    auto keywords = held_keywords(now, item, from, *to);
    if (!keywords.empty()) return head + first + " before " + keywords.front() + " is changed";
    if (!item.active()) return {};
    if (auto wrong = against_hiding(from, *to); !wrong.empty()) return head + wrong;
    auto parts = changes_of_parts(from, *to);
    if (auto wrong = against_addresses(*to, parts, after); !wrong.empty()) return head + wrong;
    auto list = after.node_list(*to);
    if (std::find(list.begin(), list.end(), item.owner) == list.end())
        return head + "move it before node " + now.node_name(item.owner) + " leaves its node list";
    if (auto wrong = against_restarts(instance, item, *to, parts); !wrong.empty()) return head + wrong;
    auto wrong = after.against_staying(instance, now);
    return wrong.empty() ? wrong : head + "the change would fail it: " + wrong;
}

problems against_now(const state& now, const configuration& wanted) {
    problems found;
    const auto& cluster = wanted.cluster;
    if (auto wrong = against_newer_keywords(now, wanted); !wrong.empty())
        found.push_back(told(cluster.where, {}, wrong));
    if (auto wrong = against_detached(now); !wrong.empty()) found.push_back(told(cluster.where, {}, wrong));
    if (auto wrong = against_nodes_going(now, cluster); !wrong.empty())
        found.push_back(told(cluster.where, "node_name", wrong));
    auto after = now;
    after.config = wanted;
    for (const auto& [name, item] : now.packages)
        if (item.active() || item.maintained) say_of_package(now, name, item, after, found);
    return found;
}

}  // namespace mainstay::cluster
