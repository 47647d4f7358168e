#include "runtime/forecast_json.hpp"

#include <nlohmann/json.hpp>

#include "model/problem.hpp"
#include "runtime/json_text.hpp"

namespace mainstay::runtime {

namespace {

using json = nlohmann::ordered_json;
using kind = forecast_refusal::kind;

tl::unexpected<forecast_refusal> refuse(kind what, std::string message, std::string hint = {}) {
    return tl::make_unexpected(forecast_refusal{what, std::move(message), std::move(hint)});
}

// One of them being read.
class reader {
public:
    reader(const cluster::state& state, const std::vector<std::string>& applied, std::string actor)
        : state_(state), applied_(applied), actor_(std::move(actor)) {}

    forecast_answer<policy::happening> read(const json& item) {
        item_ = &item;
        auto what = text("kind");
        if (what == "fail_node" || what == "return_node") {
            auto node = find_node();
            if (!node) return tl::make_unexpected(node.error());
            if (what == "fail_node") return policy::node_fails{*node};
            return policy::node_returns{*node};
        }
        if (what == "halt_node") return command(cluster::node_admin{text("node"), false});
        if (what == "move") return command(cluster::package_move{text("package"), text("node")});
        if (what == "fail_package") return fail_package();
        if (what == "script") return script();
        if (what == "fail_link") return fail_link();
        if (what == "fail_subnet") return fail_subnet();
        if (what == "resource") return resource();
        if (what == "on_battery") return on_battery();
        if (what == "apply" && next_ < applied_.size()) return command(cluster::configure{applied_[next_++], {}});
        return refuse(kind::nonsense, "'" + what + "' is nothing that can happen",
                      "fail_node, return_node, halt_node, fail_link, fail_package, script, fail_subnet, resource, "
                      "on_battery, move, apply");
    }

private:
    [[nodiscard]] std::string text(const char* name) const {
        auto found = item_->find(name);
        return found != item_->end() && found->is_string() ? found->get<std::string>() : std::string();
    }
    [[nodiscard]] policy::happening command(cluster::command_body body) const {
        return policy::asked{actor_, std::move(body)};
    }
    static tl::unexpected<forecast_refusal> unknown(const std::string& message, const std::string& word,
                                                    const std::vector<std::string>& known) {
        std::vector<std::string_view> words(known.begin(), known.end());
        return refuse(kind::unknown, message, nearest_word(word, words));
    }

    forecast_answer<node_id> find_node() const {
        auto name = text("node");
        if (auto id = state_.find_node(name)) return id;
        std::vector<std::string> known;
        for (const auto& [other, id] : state_.ids) known.push_back(other);
        return unknown("there is no node " + name + " in the configuration", name, known);
    }

    forecast_answer<policy::happening> fail_package() const {
        auto name = text("package");
        if (state_.packages.contains(name)) return policy::package_fails{name};
        std::vector<std::string> known;
        for (const auto& [instance, item] : state_.packages) known.push_back(instance);
        const auto* config = state_.find_package(name);
        if (config != nullptr)
            return refuse(kind::unknown, "package " + name + " runs on several nodes: name one of its instances",
                          state_.instances(*config).front());
        return unknown("there is no package " + name + " in the configuration", name, known);
    }

    forecast_answer<policy::happening> script() const {
        static constexpr std::pair<std::string_view, cluster::report> ends[] = {
            {"run-exit-1", cluster::report::start_exit_1},   {"run-exit-2", cluster::report::start_exit_2},
            {"run-timeout", cluster::report::start_timeout}, {"halt-exit-1", cluster::report::halt_exit_1},
            {"halt-exit-2", cluster::report::halt_exit_2},   {"halt-exit-3", cluster::report::halt_exit_3},
            {"halt-timeout", cluster::report::halt_timeout}};
        auto name = text("package");
        std::vector<std::string> known;
        for (const auto& [instance, item] : state_.packages) known.push_back(instance);
        if (state_.find_package(name) == nullptr)
            return unknown("there is no package " + name + " in the configuration", name, known);
        std::string words;
        for (const auto& [word, how] : ends) {
            if (word == text("ends")) return policy::script_ends{name, how};
            words.append(words.empty() ? "" : ", ").append(word);
        }
        return refuse(kind::nonsense, "'" + text("ends") + "' is no way in which a script ends", words);
    }

    forecast_answer<policy::happening> fail_link() const {
        auto node = find_node();
        if (!node) return tl::make_unexpected(node.error());
        auto name = text("link");
        if (name.empty()) return policy::link_fails{*node, {}};
        std::vector<std::string> known;
        for (const auto& link : effective_links(state_.config.cluster)) {
            if (link.name == name) return policy::link_fails{*node, name};
            known.push_back(link.name);
        }
        return unknown("there is no heartbeat link " + name + " in the configuration", name, known);
    }

    forecast_answer<policy::happening> fail_subnet() const {
        auto node = find_node();
        if (!node) return tl::make_unexpected(node.error());
        auto name = text("subnet");
        auto known = state_.monitored_subnets();
        for (const auto& subnet : known) {
            if (subnet != name && subnet.substr(0, subnet.find('/')) != name) continue;
            return policy::asked{state_.node_name(*node),
                                 cluster::subnet_seen{*node, state_.nodes.at(*node).boot, subnet, false}};
        }
        return unknown("no package monitors a subnet " + name, name, known);
    }

    forecast_answer<policy::happening> resource() const {
        auto node = find_node();
        if (!node) return tl::make_unexpected(node.error());
        auto name = text("resource");
        if (state_.find_resource(name) != nullptr)
            return command(cluster::resource_set{name, text("node"), text("value")});
        std::vector<std::string> known;
        for (const auto& package : state_.config.packages)
            for (const auto& item : package.generic_resources) known.push_back(item.name);
        return unknown("no package has a generic resource " + name, name, known);
    }

    forecast_answer<policy::happening> on_battery() const {
        auto name = text("source");
        std::vector<std::string> known;
        for (const auto& item : state_.config.cluster.event_sources) {
            if (item.name == name)
                return policy::asked{name, cluster::cluster_event{{}, name, "ups_on_battery", "alarm", {}}};
            known.push_back(item.name);
        }
        return unknown("there is no power source " + name + " in the configuration", name, known);
    }

    const cluster::state& state_;
    const std::vector<std::string>& applied_;
    std::string actor_;
    const json* item_ = nullptr;
    std::size_t next_ = 0;
};

json span_json(const policy::span& item) {
    return {{"known_us", item.known.count()}, {"unknown", item.unknown}, {"text", policy::to_text(item)}};
}

json node_or_null(const cluster::state& state, node_id node) {
    return node ? json(state.node_name(node)) : json(nullptr);
}

}  // namespace

forecast_answer<std::vector<policy::happening>> read_happenings(const cluster::state& state,
                                                                const std::string& happenings,
                                                                const std::vector<std::string>& applied,
                                                                const std::string& actor) {
    constexpr std::size_t happenings_max = 100;
    auto list = json::parse(happenings, nullptr, false);
    if (!list.is_array() || list.size() > happenings_max)
        return refuse(kind::nonsense, "happenings is no list of at most " + std::to_string(happenings_max),
                      R"([{"kind":"fail_node","node":"node1"}])");
    std::vector<policy::happening> out;
    reader one(state, applied, actor);
    for (const auto& item : list) {
        if (!item.is_object()) return refuse(kind::nonsense, "each of happenings is an object", R"({"kind":...})");
        auto found = one.read(item);
        if (!found) return tl::make_unexpected(found.error());
        out.push_back(std::move(*found));
    }
    if (out.empty()) out.emplace_back(policy::nothing_new{});
    return out;
}

policy::outset outset_of(const node::node& core, time_point now, wall_time wall) {
    policy::outset out;
    out.now = now;
    out.wall = wall;
    const auto& log = core.log();
    bool fresh =
        log.leads() ? log.quorate(now) : log.leader() && now - log.leader_heard() < 2 * core.times().member_timeout;
    if (fresh) out.leader = log.leader();
    if (!log.active().empty()) out.voters = log.active().back().set;
    return out;
}

std::string forecast_json(const cluster::state& before, const policy::forecast& seen) {
    json out{{"applied_index", before.applied.value}, {"happenings", seen.happenings}};
    out["entries"] = json::array();
    for (const auto& item : seen.entries) {
        json one{{"happening", item.happening},
                 {"after", span_json(item.when)},
                 {"kind", item.event},
                 {"severity", item.severity == "alarm" ? "critical" : item.severity},
                 {"text", item.text}};
        if (!item.node.empty()) one["node"] = item.node;
        if (!item.package.empty()) one["package"] = item.package;
        out["entries"].push_back(std::move(one));
    }
    out["packages"] = json::array();
    for (const auto& item : seen.packages) {
        // A node may be new, or gone.
        const auto& named = before.nodes.contains(item.before) ? before : seen.after;
        json one{{"name", item.name},
                 {"before", node_or_null(named, item.before)},
                 {"after", node_or_null(seen.after, item.after)},
                 {"interrupted", item.interrupted},
                 {"outage", nullptr},
                 {"reason", item.reason}};
        if (item.outage) one["outage"] = span_json(*item.outage);
        out["packages"].push_back(std::move(one));
    }
    out["stopped"] = seen.stopped.empty() ? json(nullptr) : json(seen.stopped);
    return dump(out);
}

forecast_answer<std::string> first_forecast_json(const std::string& canonical, const std::string& happenings) {
    auto first = policy::foresee_first(canonical);
    if (!first) return refuse(kind::refused, first.error().message);
    if (happenings == "[]") return forecast_json(first->after, *first);
    auto list = read_happenings(first->after, happenings, {}, "administrator");
    if (!list) return tl::make_unexpected(list.error());
    auto seen = policy::foresee_first(canonical, *list);
    if (!seen) return refuse(kind::refused, seen.error().message);
    return forecast_json(first->after, *seen);
}

}  // namespace mainstay::runtime
