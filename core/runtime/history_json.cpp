#include "runtime/history_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/json_text.hpp"

namespace mainstay::runtime {

namespace {

using json = nlohmann::ordered_json;

std::string severity_of(const std::string& word) { return word == "alarm" ? "critical" : word; }

json entry(const node::happened& item) {
    json out{{"index", item.index.value},
             {"time", item.when.us},
             {"kind", item.event},
             {"severity", severity_of(item.severity)}};
    if (!item.node.empty()) out["node"] = item.node;
    if (!item.package.empty()) out["package"] = item.package;
    out["text"] = item.text;
    if (!item.actor.empty()) out["actor"] = item.actor;
    if (item.refused) out["refused"] = true;
    for (const auto& [name, value] : item.details) out["details"][name] = value;
    return out;
}

}  // namespace

bool is_about(const node::happened& item, const std::string& package, const std::string& node) {
    return (package.empty() || item.package == package) && (node.empty() || item.node == node);
}

std::string entry_json(const node::happened& item) { return dump(entry(item)); }

std::string history_json(const std::deque<node::happened>& all, const history_question& asked) {
    json list = json::array();
    bool more = false;
    for (auto item = all.rbegin(); item != all.rend() && !more; ++item) {
        bool wanted = !asked.before || item->index.value < asked.before->value;
        if (!wanted || !is_about(*item, asked.package, asked.node)) continue;
        more = list.size() == asked.limit;
        if (!more) list.push_back(entry(*item));
    }
    std::reverse(list.begin(), list.end());
    return dump({{"entries", std::move(list)}, {"more", more}});
}

}  // namespace mainstay::runtime
