// What random clusters of the policy's tests have in common: dice, and entries written down one after the other.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "cluster/apply.hpp"
#include "policy/decide.hpp"

namespace mainstay::small {

class random_base {
protected:
    explicit random_base(std::uint32_t seed) : dice_(seed) {}

    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(dice_() % limit); }
    bool chance(std::uint32_t percent) { return below(100) < percent; }
    std::string any_package() { return "p" + std::to_string(1 + below(packages_)); }
    std::string any_node() { return "n" + std::to_string(1 + below(nodes_)); }

    // node_name lines of some of the nodes, in any order.
    std::string node_list() {
        std::vector<std::string> list;
        for (std::uint32_t i = 1; i <= nodes_; ++i) list.push_back("n" + std::to_string(i));
        std::shuffle(list.begin(), list.end(), dice_);
        list.resize(1 + below(nodes_));
        std::string out;
        for (const auto& node : list) out += "node_name " + node + "\n";
        return out;
    }
    // Each of two packages of which only one may be up; the first is the more important one.
    static std::string excludes(std::uint32_t index) {
        return "priority " + std::to_string(index) + "\ndependency_name d\ndependency_condition p" +
               std::to_string(3 - index) + " = DOWN\n";
    }
    // Of a package before it, somewhere; whether on the same node.
    std::pair<std::string, bool> needs(std::uint32_t index) {
        static const char* places[] = {"same_node", "any_node", "different_node"};
        auto where = below(3);
        auto text = "dependency_name d\ndependency_condition p" + std::to_string(1 + below(index - 1)) +
                    " = UP\ndependency_location " + places[where] + "\n";
        return {std::move(text), where == 0};
    }

    cluster::applied say(cluster::command_body body) {
        cluster::command item;
        index_.value += 1;
        item.when = wall_time{static_cast<std::int64_t>(index_.value) * 1'000};
        item.actor = "test";
        item.body = std::move(body);
        return cluster::apply(state_, index_, {term{1, node_id{1}}, consensus::payload{encode(item)}});
    }
    void boot(node_id node) {
        index_.value += 1;
        auto life = boot_id{state_.nodes[node].boot.machine + 1, 1};
        cluster::apply(state_, index_,
                       {term{1, node_id{1}},
                        consensus::boot_entry{node, life, store_id{node.value}, level_, duration{0}, wall_time{1}}});
    }
    // site lines: of the cluster, of a node, of a failover package.
    std::string site_names() {
        if (!sited_) return {};
        return "site_name east\nsite_name west\n";
    }
    std::string site_of_node() { return !sited_ ? "" : chance(50) ? "site east\n" : "site west\n"; }
    std::string site_policy() {
        if (!sited_ || !chance(60)) return {};
        return chance(50) ? "failover_policy site_preferred\n" : "failover_policy site_preferred_manual\n";
    }
    void draw_level() {
        sited_ = chance(50);
        level_ = cluster::own_feature_level;
    }

    std::mt19937 dice_;
    std::uint32_t nodes_ = 0;
    std::uint32_t packages_ = 0;
    bool sited_ = false;
    std::uint32_t level_ = 1;
    cluster::state state_;
    log_index index_;
    policy::view view_{time_point{duration{1'000'000}}, wall_time{1'000'000}, node_id{1}, {}, {}, {}, {}, {}, {}};
};

}  // namespace mainstay::small
