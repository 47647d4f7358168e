// What a plugin's constructor is given: its own values, the nodes with theirs, and the host to
// log and post to. Built from the C form, with everything checked against the schema first.
#pragma once

#include <mainstay/plugin.h>
#include <mainstay/values.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mainstay::sdk {

enum class severity : std::uint32_t { debug = 1, info, warning, alarm };
using field_map = std::map<std::string, std::string, std::less<>>;

// The way back to Mainstay. Copyable, usable from any thread, never throws.
class host {
public:
    host() = default;
    explicit host(const mainstay_host* table) : table_(table) {}

    void log(severity level, std::string_view text) const noexcept {
        if (table_ != nullptr) table_->log(table_->context, static_cast<std::uint32_t>(level), to_c(text));
    }
    void post(severity level, std::string_view event, const field_map& fields) const {
        if (table_ == nullptr) return;
        std::vector<mainstay_field> items;
        items.reserve(fields.size());
        for (const auto& [name, value] : fields) items.push_back({to_c(name), to_c(value)});
        table_->post(table_->context, static_cast<std::uint32_t>(level), to_c(event), {items.data(), items.size()});
    }

private:
    const mainstay_host* table_ = nullptr;
};

struct node {
    std::string name;
    values params;
};

struct setup {
    std::string instance;
    std::string own_node;
    std::size_t own_index = 0;  // place of own_node in `nodes`; 0 when it is none of them: see find()
    values params;
    std::vector<node> nodes;
    sdk::host host;

    // The node of that name, or nullptr.
    [[nodiscard]] const node* find(std::string_view name) const {
        for (const auto& candidate : nodes)
            if (candidate.name == name) return &candidate;
        return nullptr;
    }
};

namespace detail {

inline const param* find_rule(std::span<const param> schema, std::string_view name) {
    for (const auto& rule : schema)
        if (rule.name == name) return &rule;
    return nullptr;
}

// One list of given values against the rules that hold in its place.
inline values::map checked(std::span<const param> schema, mainstay_fields given, bool for_node,
                           std::string_view whose) {
    values::map result;
    for (const auto& item : std::span(given.items, given.count)) {
        auto name = std::string(from_c(item.name));
        auto value = std::string(from_c(item.value));
        auto here = std::string(whose).append("parameter ").append(name);
        const auto* rule = find_rule(schema, name);
        if (rule == nullptr) {
            std::string known;
            for (const auto& candidate : schema) (known += known.empty() ? "" : ", ") += candidate.name;
            throw refused(
                std::string(whose).append("unknown parameter ").append(name).append(", known are: ").append(known));
        }
        if (rule->scope == (for_node ? scope::instance : scope::node))
            throw refused(here + (for_node ? " can't differ between nodes" : " has to be given for each node"));
        if (auto problem = value_problem(*rule, value); !problem.empty())
            throw refused(here.append(": '").append(rule->secret ? "..." : value).append("' ").append(problem));
        result.insert_or_assign(std::move(name), std::move(value));
    }
    return result;
}

inline void require(std::span<const param> schema, const values::map& given, scope where, std::string_view whose) {
    for (const auto& rule : schema) {
        if (rule.required && rule.scope == where && !given.contains(rule.name))
            throw refused(std::string(whose) + "parameter " + std::string(rule.name) + " is missing (" +
                          std::string(rule.help) + ")");
    }
}

inline setup make_setup(std::span<const param> schema, const mainstay_config& config, const mainstay_host* table) {
    setup result;
    result.instance = from_c(config.instance);
    result.own_node = from_c(config.own_node);
    result.host = host(table);
    auto given = checked(schema, config.params, false, "");
    require(schema, given, scope::instance, "");
    for (const auto& item : std::span(config.nodes, config.node_count)) {
        node entry;
        entry.name = from_c(item.name);
        auto whose = "node " + entry.name + ": ";
        auto own = checked(schema, item.params, true, whose);
        for (const auto& [name, value] : given) {
            const auto* rule = find_rule(schema, name);
            if (rule != nullptr && rule->scope == scope::either) own.try_emplace(name, value);
        }
        require(schema, own, scope::node, whose);
        require(schema, own, scope::either, whose);
        entry.params = values(schema, std::move(own));
        if (entry.name == result.own_node) result.own_index = result.nodes.size();
        result.nodes.push_back(std::move(entry));
    }
    if (config.node_count == 0) require(schema, given, scope::either, "");
    result.params = values(schema, std::move(given));
    return result;
}

}  // namespace detail

}  // namespace mainstay::sdk
