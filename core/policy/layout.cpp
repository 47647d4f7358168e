#include "policy/layout.hpp"

#include <algorithm>
#include <set>

#include "model/limits.hpp"
#include "model/mutation.hpp"
#include "model/weight.hpp"

namespace mainstay::policy {

layout::layout(const cluster::state& state) : text_(state.configuration_text), ids_(state.ids) {
    take_nodes(state);
    take_units(state);
    connect(state);
    for (std::size_t i = 0; i < units_.size(); ++i) by_rank_.push_back(i);
    std::stable_sort(by_rank_.begin(), by_rank_.end(),
                     [this](auto a, auto b) { return units_[a].rank < units_[b].rank; });
}

std::optional<package_states> layout::read(const cluster::state& state) const {
    if (state.nodes.size() != nodes_.size() || state.packages.size() != entries_.size()) return {};
    if (state.configuration_text != text_ || state.ids != ids_) return {};
    auto node = nodes_.begin();
    for (const auto& item : state.nodes)
        if (item.first != *node++) return {};
    package_states found(units_.size());
    auto own = entries_.begin();
    for (const auto& [name, item] : state.packages) {
        bool other = item.maintained.has_value() != own->maintained && !mutated(mutation::plan_with_old_links);
        if (other || name != own->name) return {};
        if (own->unit) found[*own->unit] = &item;
        ++own;
    }
    return found;
}

std::optional<std::size_t> layout::find(const std::string& name) const {
    auto found = std::lower_bound(entries_.begin(), entries_.end(), name,
                                  [](const entry& item, const std::string& wanted) { return item.name < wanted; });
    return found != entries_.end() && found->name == name ? found->unit : std::nullopt;
}

std::size_t layout::slot(node_id node) const {
    // Ids are given once, from 1: mostly each node is where the guess is.
    auto guess = static_cast<std::size_t>(node.value) - 1;
    if (guess < nodes_.size() && nodes_[guess] == node) return guess;
    auto found = std::lower_bound(nodes_.begin(), nodes_.end(), node);
    return found != nodes_.end() && *found == node ? static_cast<std::size_t>(found - nodes_.begin()) : nodes_.size();
}

void layout::take_nodes(const cluster::state& state) {
    for (const auto& item : state.nodes) nodes_.push_back(item.first);
    site_.resize(slots());
    const auto& sites = state.config.cluster.sites;
    for (const auto& node : state.config.cluster.nodes) {
        auto found = std::find(sites.begin(), sites.end(), node.site);
        if (found != sites.end())
            site_[slot(state.find_node(node.name))] = static_cast<std::uint32_t>(found - sites.begin()) + 1;
    }
    std::set<std::string> names;
    for (const auto& node : state.config.cluster.nodes)
        for (const auto& item : node.capacities) names.insert(item.first);
    capacities_.assign(names.begin(), names.end());
    limits_.assign(slots() * capacities_.size(), unlimited);
    for (const auto& node : state.config.cluster.nodes) {
        auto first = slot(state.find_node(node.name)) * capacities_.size();
        for (std::size_t i = 0; i < capacities_.size(); ++i) {
            auto found = node.capacities.find(capacities_[i]);
            if (found != node.capacities.end()) limits_[first + i] = found->second;
        }
    }
}

void layout::take_units(const cluster::state& state) {
    for (const auto& [name, item] : state.packages) entries_.push_back({name, {}, item.maintained.has_value()});
    for (std::size_t i = 0; i < state.config.packages.size(); ++i) {
        const auto& config = state.config.packages[i];
        for (auto& name : state.instances(config)) {
            auto known = std::lower_bound(entries_.begin(), entries_.end(), name,
                                          [](const entry& item, const auto& wanted) { return item.name < wanted; });
            if (known == entries_.end() || known->name != name || known->unit) continue;
            known->unit = units_.size();
            unit item;
            item.list = state.candidates(name, config);
            item.name = std::move(name);
            item.package = i;
            item.everywhere = config.everywhere();
            item.fails_back = config.failback_policy == package_config::failback::automatic;
            item.balances = config.failover_policy == package_config::failover::min_package_node;
            item.prefers_site = config.by_site();
            item.keeps_site = config.failover_policy == package_config::failover::site_preferred_manual;
            item.conditions = !config.monitored_subnets.empty() || !config.generic_resources.empty();
            item.rank = config.priority.value_or(limits::priority_max + 1);
            item.weights = weigh(state, config);
            units_.push_back(std::move(item));
        }
    }
}

std::vector<std::uint64_t> layout::weigh(const cluster::state& state, const package_config& config) const {
    std::vector<std::uint64_t> out;
    bool any = false;
    for (const auto& name : capacities_) {
        out.push_back(weight_of(state.config.cluster, config, name));
        any = any || out.back() > 0;
    }
    return any ? out : std::vector<std::uint64_t>{};
}

void layout::connect(const cluster::state& state) {
    std::map<std::string, std::vector<std::size_t>> by_package;
    std::vector<bool> maintained(units_.size());
    for (std::size_t i = 0; i < units_.size(); ++i)
        by_package[state.config.packages[units_[i].package].name].push_back(i);
    for (const auto& item : entries_)
        if (item.unit) maintained[*item.unit] = item.maintained;
    for (std::size_t i = 0; i < units_.size(); ++i) {
        for (const auto& item : state.config.packages[units_[i].package].dependencies) {
            auto targets = by_package.find(item.package);
            if (targets == by_package.end()) continue;
            // SG 7.2: what it needs is bypassed; nothing else may rely on it.
            if (maintained[i] && item.up) continue;
            need link{item.package, item.location, targets->second};
            std::erase_if(link.targets, [&](auto target) { return maintained[target] && (item.up || maintained[i]); });
            if (item.up)
                for (auto target : link.targets) units_[target].dependents.push_back(i);
            (item.up ? units_[i].needs : units_[i].excludes).push_back(std::move(link));
        }
    }
}

void load::add(node_id node, const unit& item) {
    auto first = layout_->slot(node) * layout_->capacities().size();
    for (std::size_t i = 0; i < item.weights.size(); ++i) taken_[first + i] += item.weights[i];
}

std::uint64_t load::taken(node_id node, std::size_t capacity) const {
    return taken_[layout_->slot(node) * layout_->capacities().size() + capacity];
}

bool load::too_heavy(node_id node, const unit& item) const {
    auto slot = layout_->slot(node);
    for (std::size_t i = 0; i < item.weights.size(); ++i)
        if (item.weights[i] > 0 && item.weights[i] + taken(node, i) > layout_->limit(slot, i)) return true;
    return false;
}

}  // namespace mainstay::policy
