// Before there is a cluster: nodes with empty stores say hello; one founds the cluster when every
// node of the configuration has answered with its store's name, and hands the founding entries to
// exactly those stores. A node that lost its store later is not let in this way (R7).
#include <algorithm>

#include "cluster/configuration.hpp"
#include "node/node.hpp"

namespace mainstay::node {

void node::form(const admin_call& call, const form_cluster& asked) {
    auto refuse = [&](std::string why) { out_.add(admin_done{call.id, admin_result::refused, std::move(why)}); };
    if (state_.formed()) return refuse("this node is in a cluster already");
    if (forming_) return refuse("this node is forming a cluster already");
    auto parsed = cluster::parse_canonical(asked.text);
    if (!parsed) return refuse(parsed.error().message);
    forming_cluster item;
    item.admin = call.id;
    item.text = asked.text;
    item.deadline = at_.now + call.patience;
    bool own = false;
    std::string others;
    for (const auto& member : parsed->cluster.nodes) {
        own = own || member.name == name_;
        item.stores[member.name] = member.name == name_ ? store_ : store_id{};
        if (member.name != name_) others += (others.empty() ? "" : ", ") + member.name;
    }
    if (!own) return refuse("this node is called " + name_ + ", which is not in the configuration");
    for (const auto& [name, store] : hellos_) {
        auto found = item.stores.find(name);
        if (found != item.stores.end() && name != name_) found->second = store;
    }
    forming_ = std::move(item);
    if (!others.empty()) out_.add(admin_progress{call.id, "waiting for " + others});
    form_if_complete();
}

void node::on_hello(const form_hello& item, boot_id boot) {
    if (item.name == name_) return;
    if (!state_.formed()) {
        constexpr std::size_t hellos_max = 256;
        if (hellos_.size() < hellos_max) hellos_[item.name] = item.store;
        if (!forming_) return;
        auto found = forming_->stores.find(item.name);
        if (found == forming_->stores.end()) return;
        if (!found->second) out_.add(admin_progress{forming_->admin, item.name + " answered"});
        found->second = item.store;
        form_if_complete();
        return;
    }
    auto id = state_.find_node(item.name);
    bool voter = false;
    for (const auto& set : raft_.active())
        for (const auto& member : set.set.voters) voter = voter || (member.node == id && member.store == item.store);
    if (!id) {
        ++dropped_;
        return;
    }
    if (!voter || raft_.log().before().value > 0) return offer_membership(id, item, boot);
    form_log founding;
    for (std::uint64_t i = 1; i <= 2 && i <= raft_.last_index().value; ++i)
        founding.entries.push_back(raft_.at(log_index{i}));
    transmit(item.name, std::move(founding));
}

void node::form_if_complete() {
    if (!forming_) return;
    for (const auto& [name, store] : forming_->stores)
        if (!store) return;
    auto parsed = cluster::parse_canonical(forming_->text);
    consensus::voter_set voters;
    voters.version = 1;
    cluster::command first;
    first.when = at_.wall;
    first.actor = "founder " + name_;
    cluster::found_cluster founding;
    founding.cluster = cluster_id{seed_ | 1U};
    founding.first.text = forming_->text;
    std::uint32_t next = 1;
    voters.kind = cluster::kind_of(tie_break_of(parsed->cluster));
    voters.when = at_.wall;
    for (const auto& member : parsed->cluster.nodes) {
        node_id id{next++};
        // R8: the rest are learners, taken in one by one.
        if (voters.voters.size() < consensus::voters_max)
            voters.voters.push_back({id, forming_->stores.at(member.name)});
        founding.first.ids.emplace_back(member.name, id);
    }
    first.body = std::move(founding);
    std::vector<consensus::entry> entries;
    entries.push_back({term{}, voters});
    entries.push_back({term{}, consensus::payload{encode(first)}});
    founding_admin_ = forming_->admin;
    forming_.reset();
    adopt_log(std::move(entries));
}

void node::on_form_log(const form_log& item) {
    if (state_.formed() || raft_.last_index().value > 0 || item.entries.size() != 2) return;
    const auto* voters = std::get_if<consensus::voter_set>(&item.entries[0].body);
    const auto* data = std::get_if<consensus::payload>(&item.entries[1].body);
    if (voters == nullptr || data == nullptr) return;
    auto first = decode<cluster::command>(data->data);
    const auto* founding = first ? std::get_if<cluster::found_cluster>(&first->body) : nullptr;
    if (founding == nullptr || !cluster::parse_canonical(founding->first.text)) return;
    for (const auto& [name, id] : founding->first.ids) {
        if (name != name_) continue;
        bool ours = std::any_of(voters->voters.begin(), voters->voters.end(), [this, id = id](const auto& member) {
            return member.node == id && member.store == store_;
        });
        if (ours) adopt_log(item.entries);
        return;
    }
}

void node::adopt_log(std::vector<consensus::entry> entries) {
    const auto* data = std::get_if<consensus::payload>(&entries[1].body);
    auto first = decode<cluster::command>(data->data);
    const auto& founding = std::get<cluster::found_cluster>(first->body);
    for (const auto& [name, id] : founding.first.ids)
        if (name == name_) self_ = id;
    auto parsed = cluster::parse_canonical(founding.first.text);
    times_ = timings_of(parsed->cluster);
    raft_ = consensus::raft({self_, store_}, {}, raft_timing(times_), seed_, at_.now);
    raft_.adopt(std::move(entries), at_.now);
}

std::vector<std::string> node::waiting_to_form() const {
    std::vector<std::string> names;
    if (!forming_) return names;
    for (const auto& [name, store] : forming_->stores)
        if (!store) names.push_back(name);
    return names;
}

}  // namespace mainstay::node
