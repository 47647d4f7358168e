// What a plan found, in sentences.
#include <algorithm>

#include "model/value.hpp"
#include "policy/decide.hpp"
#include "policy/plan.hpp"

namespace mainstay::policy {

using place = dependency_config::place;

namespace {

std::string there(place location) { return location == place::same_node ? " there" : ""; }

const char* text_of_place(place location) {
    return location == place::same_node ? "the same node" : location == place::any_node ? "any node" : "another node";
}

}  // namespace

std::string plan::reason(const subject& item) const {
    switch (item.why) {
        case subject::choice::none:
            return {};
        case subject::choice::halt_failed:
            return "its halt has failed";
        case subject::choice::maintained:
            return "in maintenance";
        case subject::choice::detached:
            return "detached there";
        case subject::choice::runs_there:
            return "runs there" + skipped(item);
        case subject::choice::asked_for:
            return "asked for by " + item.now->asked_by + skipped(item);
        case subject::choice::back_to_first:
            return "back to the first of its node list (failback automatic)" + skipped(item);
        case subject::choice::first_again:
            return "first of its node list (failback automatic)" + skipped(item);
        case subject::choice::by_list:
            return by_list_text(item) + skipped(item);
        case subject::choice::no_better:
            if (item.pinned != nullptr && item.pinned->node == item.where) return by_list_text(item) + skipped(item);
            return "no better node can run it" + skipped(item);
        case subject::choice::no_other:
            return "runs there, and no other node can run it" + skipped(item);
        case subject::choice::taken_along:
            return "taken along by " + all_[item.taken_by].name() + ", which needs it and is more important";
        case subject::choice::limited:
            return "it has failed over " + std::to_string(item.config->failover_limit) + " times within " +
                   duration_text(item.config->failover_limit_time) +
                   " (failover_limit): see why, then hactl package enable " + item.name() +
                   " starts it; else it starts when the first of them is that long ago";
        default:
            return nowhere_text(item);
    }
}

std::string plan::by_list_text(const subject& item) const {
    if (item.pinned != nullptr && item.pinned->node == item.where) return pin_text(*state_, *item.pinned);
    std::string better;  // nodes that come last
    for (auto node : item.of->list)
        if (weak(node)) better += "; " + state_->node_name(node) + ": on battery";
    if (item.of->balances) return "fewest packages of the nodes of its list (min_package_node)" + better;
    if (item.site == 0) return "first of its node list that can run it (configured_node)" + better;
    auto policy = " (" + std::string(to_string(item.config->failover_policy)) + ")";
    auto own = site_name(item.site);
    auto there = layout_->site(item.where);
    if (there == item.site) return "first of its node list at site " + own + " that can run it" + policy + better;
    return "first of its node list at another site, " + site_name(there) + ": no node of site " + own + " can run it" +
           policy + better;
}

const std::string& plan::site_name(std::uint32_t site) const {
    static const std::string none = "none";
    return site == 0 ? none : state_->config.cluster.sites[site - 1];
}

std::string plan::site_text(const subject& item, node_id node) const {
    return "at site " + site_name(layout_->site(node)) + ", and it is at home at site " + site_name(item.site) + " (" +
           std::string(to_string(item.config->failover_policy)) + ")";
}

std::string plan::nowhere_text(const subject& item) const {
    auto leave = item.now->active() ? why_leave(*state_, *item.now) : std::string();
    if (state_->halted) return "the cluster is halted by " + state_->halted_by.actor;
    if (item.wanted && item.pinned != nullptr)
        return "it is " + pin_text(*state_, *item.pinned) + ", which can't run it" + skipped(item) +
               "; hactl package unpin " + item.name() + " lets it start elsewhere";
    if (item.wanted && item.of->keeps_site && item.site != 0) {
        std::string remedy;
        for (auto node : item.of->list)
            if (remedy.empty() && strays(item, node) && node_takes(item, node))
                remedy = "; hactl package start " + item.name() + " --node " + state_->node_name(node) +
                         " starts it at site " + site_name(layout_->site(node));
        return "no node of its list at site " + site_name(item.site) + " can run it" + skipped(item) + remedy;
    }
    if (item.wanted) return "no node of its list can run it" + skipped(item);
    if (!leave.empty()) return leave;
    return item.now->maintained ? "in maintenance" : "switching is off";
}

std::string plan::skipped(const subject& item) const {
    std::string text;
    for (const auto& one : refused(item)) text += "; " + state_->node_name(one.node) + ": " + text_of(one);
    return text;
}

std::string plan::text_of(const refusal& item) const {
    std::string text;
    for (auto need = item.through.rbegin(); need != item.through.rend(); ++need)
        text += "needs " + all_[need->first].of->needs[need->second].package + " there: ";
    const auto& subject = all_[item.subject];
    switch (item.what) {
        case refusal::kind::switching:
            return text + "switching of " + subject.name() + " is off";
        case refusal::kind::limited:
            return text + subject.name() + " has used up its failover_limit";
        case refusal::kind::disturbs:
            return text + state_->against_start(subject.name(), item.at);
        case refusal::kind::not_listed:
            return text + "not in its node list";
        case refusal::kind::site:
            return text + site_text(subject, item.at);
        case refusal::kind::node:
            return text + judge(*state_, *subject.config, *subject.now, item.at).reason;
        case refusal::kind::excluded: {
            const auto& link = subject.of->excludes[item.which];
            return text + link.package + " excludes it" + there(link.location);
        }
        case refusal::kind::no_room:
            return text + "no room: it needs " + weight_text(subject.of->weights[item.which]) + " of " +
                   layout_->capacities()[item.which] + ", " + weight_text(item.taken) + " of " +
                   weight_text(layout_->limit(layout_->slot(item.at), item.which)) + " are taken";
        default:
            return text + unmet_text(item);
    }
}

std::string plan::unmet_text(const refusal& item) const {
    const auto& link = all_[item.subject].of->needs[item.which];
    auto where = item.placed ? "is on " + state_->node_name(item.placed) : std::string("is down");
    if (link.targets.size() > 1) where = "is not to be there";
    if (link.targets.empty()) where = "is in maintenance";
    return "needs " + link.package + " on " + text_of_place(link.location) + ", which " + where;
}

}  // namespace mainstay::policy
