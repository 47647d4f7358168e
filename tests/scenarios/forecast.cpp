// simulate and plan: what the leader foresees, without times; compare: whether it came so.
#include <algorithm>
#include <map>
#include <regex>

#include "cluster/plan_id.hpp"
#include "interpreter.hpp"

namespace mainstay::scenarios {

namespace {

std::optional<cluster::report> report_named(const std::string& name) {
    for (int i = 0; i < static_cast<int>(cluster::report::count_); ++i)
        if (name == to_string(static_cast<cluster::report>(i))) return static_cast<cluster::report>(i);
    return std::nullopt;
}

// A line of the log that decides or reports something, as far as a forecast can know it: not in which words a part of a
// package ends, who asks, or how a device puts it. And what it is about; empty = it is no such line.
std::pair<std::string, std::string> comparable(const std::string& line) {
    static const std::regex subject("(?:start|halt|fence) ([^ :]+).*|package ([^ ]+) on [^ ]+: .*");
    static const std::regex detail(
        "((?:start|halt)_(?:exit_.|timeout)|service_failed)(?:: | \\()[^();]*\\)?|@n[0-9]+| \\(off\\)$");
    std::smatch found;
    if (!std::regex_match(line, found, subject)) return {};
    // A node that resets itself says so to nobody.
    if (line.find(": failing_fast") != std::string::npos) return {};
    return {found[1].str() + found[2].str(), std::regex_replace(line, detail, "$1")};
}

}  // namespace

// simulate fail-node n1 move web:n2
void interpreter::simulate(const words& said) {
    const auto* leader = world().leader();
    if (leader == nullptr) return say("no leader");
    std::vector<policy::happening> list;
    for (std::size_t i = 1; i + 1 < said.size(); i += 2) {
        const auto& value = said[i + 1];
        auto colon = value.find(':');
        if (said[i] == "fail-node") {
            list.emplace_back(policy::node_fails{leader->state().find_node(value)});
        } else if (said[i] == "return-node") {
            list.emplace_back(policy::node_returns{leader->state().find_node(value)});
        } else if (said[i] == "fail-package") {
            list.emplace_back(policy::package_fails{value});
        } else if (said[i] == "fail-link") {
            auto link = colon == std::string::npos ? std::string() : value.substr(colon + 1);
            list.emplace_back(policy::link_fails{leader->state().find_node(value.substr(0, colon)), link});
        } else if (said[i] == "halt-node") {
            list.emplace_back(policy::asked{"admin", cluster::node_admin{value, false}});
        } else if (said[i] == "fail-subnet" && colon != std::string::npos) {
            auto node = leader->state().find_node(value.substr(0, colon));
            auto life = leader->state().nodes.at(node).boot;
            list.emplace_back(policy::asked{value.substr(0, colon),
                                            cluster::subnet_seen{node, life, value.substr(colon + 1), false}});
        } else if (said[i] == "resource" && colon != std::string::npos) {
            auto equals = value.find('=');
            list.emplace_back(
                policy::asked{"admin", cluster::resource_set{value.substr(colon + 1, equals - colon - 1),
                                                             value.substr(0, colon), value.substr(equals + 1)}});
        } else if (said[i] == "script" && colon != std::string::npos) {
            auto how = report_named(value.substr(colon + 1));
            if (!how) return say("how is " + value + "?");
            list.emplace_back(policy::script_ends{value.substr(0, colon), *how});
        } else if (said[i] == "move" && colon != std::string::npos) {
            list.emplace_back(
                policy::asked{"admin", cluster::package_move{value.substr(0, colon), value.substr(colon + 1)}});
        } else {
            return say("what is " + said[i] + "?");
        }
    }
    foresee(list);
}

// plan N package move web n2
void interpreter::plan(const words& said) {
    const auto* leader = world().leader();
    if (leader == nullptr) return say("no leader");
    auto body = body_of(said);
    if (!body) return say("what is hactl " + said.at(2) + "?");
    plan_id_ = cluster::plan_id_of(leader->state(), *body);
    foresee({policy::asked{"admin@" + said.at(1), *body}});
}

void interpreter::foresee(const std::vector<policy::happening>& happenings) {
    const auto* leader = world().leader();
    policy::outset from;
    from.now = world().time_of(leader->name());
    from.wall = world().wall();
    from.leader = leader->self();
    from.voters = leader->log().active().back().set;
    auto seen = policy::foresee(leader->state(), from, happenings);
    if (!seen) return say("would be refused: " + seen.error().message);
    std::size_t shown = 0;
    for (std::size_t i = 0; i < seen->happenings.size(); ++i) {
        say("if " + seen->happenings[i] + ":");
        for (; shown < seen->entries.size() && seen->entries[shown].happening == i; ++shown)
            say("  " + seen->entries[shown].text);
    }
    foreseen_.clear();
    logged_.clear();
    for (const auto& item : seen->entries) foreseen_.push_back(item.text);
    auto name = [&](node_id node) { return node ? seen->after.node_name(node) : std::string("nowhere"); };
    for (const auto& item : seen->packages)
        say(item.name + ": " + name(item.before) + " -> " + name(item.after) +
            (item.interrupted ? ", interrupted" : "") + (item.after ? "" : ": " + item.reason));
}

// compare: what was decided and reported since the forecast, against it, package by package.
void interpreter::compare() {
    auto sorted = [](const std::vector<std::string>& lines) {
        std::map<std::string, std::vector<std::string>> out;
        for (const auto& line : lines)
            if (auto [of, text] = comparable(line); !of.empty()) out[of].push_back(text);
        return out;
    };
    const auto foreseen = sorted(foreseen_);
    const auto came = sorted(logged_);
    if (foreseen.empty() && came.empty()) return say("nothing came, as foreseen");
    if (foreseen == came) return say("as foreseen");
    auto only_in = [&](const auto& these, auto others, const std::string& how) {
        for (const auto& [of, list] : these)
            for (const auto& text : list) {
                auto& theirs = others[of];
                auto found = std::find(theirs.begin(), theirs.end(), text);
                if (found == theirs.end()) say(how + text);
                if (found != theirs.end()) theirs.erase(found);
            }
    };
    say("not as foreseen:");
    only_in(foreseen, came, "  foreseen, and it did not come: ");
    only_in(came, foreseen, "  came, and was not foreseen: ");
}

}  // namespace mainstay::scenarios
