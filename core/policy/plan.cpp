#include "policy/plan.hpp"

#include <algorithm>

#include "model/assert.hpp"
#include "policy/decide.hpp"

namespace mainstay::policy {

using cluster::node_status;
using cluster::package_phase;
using place = dependency_config::place;

// For one package on one node, with all that it takes along: with nothing against it a handful is enough. A need that
// can't be met must not cost the leader its time on every node of every list: what goes beyond that is limited for all.
constexpr std::size_t tries_each = 256;
constexpr std::size_t more_tries_each = 4096;
constexpr std::size_t more_tries_all = 65536;

bool wanted(const cluster::state& state, const cluster::package_state& item) {
    if (state.halted || !item.stop_asked_by.empty()) return false;
    if (item.maintained) return item.target || item.target_any;  // by command only
    return item.switching || item.target || item.target_any;
}

std::string why_leave(const cluster::state& state, const cluster::package_state& item) {
    auto owner = state.nodes.find(item.owner);
    // SG 7.4: left alone, but for who asks for it there.
    if (state.is_detached(item.owner))
        return item.stop_asked_by.empty() ? std::string() : "package halt by " + item.stop_asked_by;
    if (state.halted) return "cluster halt by " + state.halted_by.actor;
    if (owner == state.nodes.end()) return "its node is gone";
    if (owner->second.halted) return "node halt by " + owner->second.halted_by.actor;
    if (owner->second.power_away && !item.maintained) return "node " + owner->second.name + " is on battery";
    if (!item.stop_asked_by.empty()) return "package halt by " + item.stop_asked_by;
    if (item.failing) return item.phase_by.reason;
    return {};
}

plan planner::look(const cluster::state& state) {
    auto now = layout_ ? layout_->read(state) : std::nullopt;
    if (now) return {state, layout_, *now};
    layout_ = std::make_shared<const layout>(state);
    now = layout_->read(state);
    MAINSTAY_ASSERT(now.has_value());  // a layout is that of the state it was made of
    return {state, layout_, *now};
}

plan::plan(const cluster::state& state) : plan(planner().look(state)) {}

plan::plan(const cluster::state& state, std::shared_ptr<const layout> of, const package_states& now)
    : state_(&state), layout_(std::move(of)), used_(*layout_) {
    look_at_nodes();
    const auto& units = layout_->units();
    all_.resize(units.size());
    for (std::size_t i = 0; i < units.size(); ++i) {
        auto& item = all_[i];
        item.of = &units[i];
        item.config = &state.config.packages[units[i].package];
        item.now = now[i];
        item.wanted = policy::wanted(state, *item.now);
        item.held = item.now->failed && state.failover_waits_until(*item.config, *item.now) &&
                    state.alarms.contains(item.name() + " failover_limit");
        if (!state.pins.empty() && !item.of->everywhere) item.pinned = state.find_pin(item.name());
        if (!item.now->active()) continue;
        any_unproven_ = any_unproven_ || unproven(item);
        // why_leave() looks at nothing else, and mostly there is nothing.
        const auto& owner = hosts_[layout_->slot(item.now->owner)];
        bool troubled = !owner.open || state.halted || !item.now->stop_asked_by.empty() || item.now->failing;
        item.goes = troubled && !why_leave(state, *item.now).empty();
        bool runs = item.now->phase == package_phase::starting || item.now->phase == package_phase::running;
        if (runs && owner.up) item.here = item.now->owner;
    }
    for (auto& item : all_)
        if (item.of->prefers_site) item.site = current_site(item);
    place(false);
}

plan plan::without_unproven() const {
    auto other = *this;
    for (std::size_t i = 0; i < all_.size(); ++i) other.all_[i].only_at = all_[i].where;
    other.start_over();
    other.place(true);
    return other;
}

plan plan::without(node_id lost) const {
    auto other = *this;
    other.lost_ = lost;
    auto& gone = other.hosts_[layout_->slot(lost)];
    gone.up = gone.open = false;
    for (auto& item : other.all_)
        if (item.here == lost) item.here = node_id{};
    other.start_over();
    other.place(false);
    return other;
}

void plan::start_over() {
    used_ = load(*layout_);
    refused_.clear();
    for (auto& item : all_) {
        item.where = item.waits_for = node_id{};
        item.settled = item.leaving = false;
        item.why = subject::choice::none;
        item.refused = 0;
    }
}

const subject* plan::find(const std::string& name) const {
    auto found = layout_->find(name);
    return found ? &all_[*found] : nullptr;
}

load plan::used_now() const {
    load used(*layout_);
    for (const auto& item : all_)
        if (item.now->active()) used.add(item.now->owner, *item.of);
    return used;
}

// As judge() does; the last slot stays closed.
void plan::look_at_nodes() {
    hosts_.resize(layout_->slots());
    for (const auto& [id, node] : state_->nodes) {
        auto& found = hosts_[layout_->slot(id)];
        bool detached = state_->is_detached(id);
        found.up = node.status == node_status::up || detached;
        found.open = found.up && !detached && !node.halted && !node.power_away && !state_->too_old(id);
    }
    for (const auto& node : state_->config.cluster.nodes) {
        auto id = state_->find_node(node.name);
        if (!node.power_source.empty() && on_battery(*state_, id))
            hosts_[layout_->slot(id)].battery = any_battery_ = true;
    }
}

void plan::place(bool leave_out_unproven) {
    leave_out_unproven_ = leave_out_unproven;
    more_tries_ = more_tries_all;
    trial_.at.assign(all_.size(), node_id{});
    for (auto& item : hosts_) item.packages = 0;
    for (const auto& item : all_) hosts_[layout_->slot(item.here)].packages += 1;
    // A halt that failed holds what it holds; nothing is planned for it.
    for (std::size_t i = 0; i < all_.size(); ++i) {
        if (all_[i].now->phase != package_phase::halt_failed) continue;
        all_[i].why = subject::choice::halt_failed;
        put(i, all_[i].now->owner);
    }
    // SG 7.2, 7.4: in maintenance or detached it stays where it is, whatever else there is.
    for (std::size_t i = 0; i < all_.size(); ++i) {
        bool detached = state_->is_detached(all_[i].here);
        if (all_[i].settled || !(detached || all_[i].now->maintained) || !all_[i].may_stay()) continue;
        all_[i].why = detached ? subject::choice::detached : subject::choice::maintained;
        put(i, all_[i].here);
    }
    for (std::size_t i = 0; i < all_.size(); ++i)
        if (leave_out_unproven && !all_[i].settled && unproven(all_[i])) put(i, node_id{});
    const auto& ranked = layout_->by_rank();
    rests_.resize(all_.size());
    for (auto begin = ranked.begin(); begin != ranked.end();) {
        auto end = std::find_if(begin, ranked.end(), [&](auto i) { return all_[i].of->rank != all_[*begin].of->rank; });
        settle_equals(std::span(begin, end));
        begin = end;
    }
}

// SG 5.10: what runs is never halted for an equal that is down. One that moves may need something that is down: so
// those come first that can stay as they are.
void plan::settle_equals(std::span<const std::size_t> equals) {
    ++round_;
    for (auto i : equals) static_cast<void>(at_rest(i));
    for (auto i : equals)
        if (rests_[i].found) settle(i);
    for (auto i : equals)
        if (all_[i].here) settle(i);
    for (auto i : equals) settle(i);
}

bool plan::at_rest(std::size_t index) {
    const auto& item = all_[index];
    if (item.settled) return item.here && item.where == item.here;
    auto& known = rests_[index];
    if (known.asked == round_) return known.found;
    known = {round_, false};
    const auto& now = *item.now;
    bool wishes = now.target || now.target_any || now.avoid;
    if (!item.may_stay() || wishes || (may_fail_back(index) && item.of->list.front() != item.here)) return false;
    for (const auto& link : item.of->needs) {
        for (auto target : link.targets) static_cast<void>(at_rest(target));
        if (!served(link, item.here)) return false;
    }
    rests_[index].found = true;
    return true;
}

// By what is settled, or will stay where it runs.
bool plan::served(const need& item, node_id node) const {
    return std::any_of(item.targets.begin(), item.targets.end(), [&](std::size_t target) {
        const auto& other = all_[target];
        if (other.now->phase == package_phase::halt_failed) return false;
        bool rests = rests_[target].asked == round_ && rests_[target].found;
        auto where = other.settled ? other.where : rests ? other.here : node_id{};
        return where && at_place(item.location, where, node);
    });
}

void plan::put(std::size_t index, node_id node) {
    auto& item = all_[index];
    item.where = node;
    item.settled = true;
    hosts_[layout_->slot(item.here)].packages -= 1;
    hosts_[layout_->slot(node)].packages += 1;
    if (node) used_.add(node, *item.of);
}

void plan::settle(std::size_t index) {
    auto& item = all_[index];
    if (item.settled) return;
    auto before = [&](bool resting) {
        for (const auto& link : item.of->needs)
            for (auto target : link.targets) {
                const auto& other = *all_[target].of;
                bool rests = rests_[target].asked == round_ && rests_[target].found;
                if (other.rank <= item.of->rank && (rests || !resting)) settle(target);
            }
    };
    before(true);
    const auto& needs = item.of->needs;
    bool rests = rests_[index].asked == round_ && rests_[index].found;
    if (!rests || !std::all_of(needs.begin(), needs.end(), [&](const auto& link) { return served(link, item.here); }))
        before(false);
    if (settle_somewhere(index)) return;
    item.why = item.wanted && item.held ? subject::choice::limited : subject::choice::nowhere;
    put(index, node_id{});
}

// Its wishes, one after the other.
bool plan::settle_somewhere(std::size_t index) {
    using enum subject::choice;
    const auto& item = all_[index];
    const auto& now = *item.now;
    if (!item.wanted) return item.may_stay() && attempt(index, item.here, runs_there);
    if (item.held) return false;
    if (attempt(index, now.target, asked_for)) return true;
    bool back = may_fail_back(index);
    if (item.may_stay() && now.avoid != item.here) {
        if (back && attempt(index, item.of->list.front(), back_to_first)) return true;
        if (attempt(index, item.here, runs_there)) return true;
    }
    if (back && attempt(index, item.of->list.front(), first_again)) return true;
    // Asked for on one node and otherwise switched off: nobody asked for it anywhere else.
    bool anywhere = now.switching || now.target_any || now.avoid;
    std::vector<node_id> sorted;
    for (auto node : by_policy(index, sorted)) {
        if (!anywhere || node == now.avoid || (node == item.here && !item.may_stay())) continue;
        if (attempt(index, node, weak(node) ? no_better : by_list)) return true;
    }
    if (item.may_stay() && attempt(index, item.here, no_other)) return true;
    return now.avoid != item.here && attempt(index, now.avoid, no_better);
}

bool plan::attempt(std::size_t index, node_id node, subject::choice why) {
    auto& item = all_[index];
    auto tried = refused(item);
    bool known = std::any_of(tried.begin(), tried.end(), [node](const auto& one) { return one.node == node; });
    if (!node || known) return false;
    auto more = std::min(more_tries_, more_tries_each);
    tries_left_ = tries_each + more;
    bool taken = fits(index, node);
    more_tries_ -= more - std::min(more, tries_left_);
    if (taken) {
        item.why = why;
        for (auto other : trial_.order) {
            if (other != index && all_[other].of->everywhere) {
                all_[other].why = all_[other].here ? subject::choice::runs_there : subject::choice::by_list;
            } else if (other != index) {
                all_[other].why = subject::choice::taken_along;
                all_[other].taken_by = index;
            }
            put(other, trial_.at[other]);
        }
    } else {
        refusal_.node = node;
        if (item.refused++ == 0) item.first_refused = refused_.size();
        refused_.push_back(refusal_);
        bool untold = item.of->conditions && judge(*state_, *item.config, *item.now, node).untold;
        if (!item.waits_for && untold) item.waits_for = node;
    }
    trial_.back_to(0);
    return taken;
}

// ---- which node first ----------------------------------------------------------------------------

std::size_t plan::packages_on(node_id node, std::size_t except) const {
    const auto& item = all_[except];
    auto count = hosts_[layout_->slot(node)].packages;
    return count - ((item.settled ? item.where : item.here) == node ? 1 : 0);
}

const std::vector<node_id>& plan::by_policy(std::size_t index, std::vector<node_id>& sorted) const {
    const auto& item = *all_[index].of;
    auto site = all_[index].site;
    if (const auto* pinned = all_[index].pinned) return sorted = {pinned->node};
    if (!item.balances && site == 0 && !any_battery_) return item.list;
    sorted = item.list;
    if (site != 0)
        std::stable_partition(sorted.begin(), sorted.end(), [&](node_id node) { return layout_->site(node) == site; });
    if (item.balances)
        std::stable_sort(sorted.begin(), sorted.end(),
                         [&](auto a, auto b) { return packages_on(a, index) < packages_on(b, index); });
    std::stable_partition(sorted.begin(), sorted.end(), [this](node_id node) { return !weak(node); });
    return sorted;
}

std::uint32_t plan::current_site(const subject& item) const {
    if (auto last = layout_->site(item.now->owner)) return last;
    std::uint32_t on_battery = 0;
    for (auto node : item.of->list) {
        // One that is about to say what its subnets are like is waited for.
        bool may =
            node_takes(item, node) || (item.of->conditions && judge(*state_, *item.config, *item.now, node).untold);
        if (may && !weak(node)) return layout_->site(node);
        if (may && on_battery == 0) on_battery = layout_->site(node);
    }
    return on_battery;
}

bool plan::strays(const subject& item, node_id node) const {
    if (!item.of->keeps_site || item.site == 0 || layout_->site(node) == item.site) return false;
    return node != item.now->target && (item.pinned == nullptr || item.pinned->node != node);
}

// SG 5.5 and 5.7: to the first node of its list, unless that halts something as important that needs it.
bool plan::may_fail_back(std::size_t index) const {
    const auto& item = all_[index];
    if (!item.of->fails_back || !item.now->switching || item.of->list.empty() || weak(item.of->list.front()))
        return false;
    if (item.pinned != nullptr || strays(item, item.of->list.front())) return false;
    return std::all_of(item.of->dependents.begin(), item.of->dependents.end(), [&](std::size_t other) {
        return !all_[other].now->active() || all_[other].of->rank > item.of->rank;
    });
}

// ---- what stands against a node --------------------------------------------------------------------

void plan::trial::put(std::size_t index, node_id node) {
    at[index] = node;
    order.push_back(index);
}

void plan::trial::back_to(std::size_t size) {
    for (; order.size() > size; order.pop_back()) at[order.back()] = node_id{};
}

node_id plan::place_of(std::size_t index) const {
    if (trial_.at[index]) return trial_.at[index];
    return all_[index].settled ? all_[index].where : node_id{};
}

bool plan::refuse(std::size_t index, node_id node, refusal::kind what, std::size_t which) {
    refusal_ = {};
    refusal_.what = what;
    refusal_.subject = index;
    refusal_.at = node;
    refusal_.which = which;
    return false;
}

bool plan::fits(std::size_t index, node_id node) {
    // What stood against it last is what is told.
    if (tries_left_ == 0) return false;
    --tries_left_;
    const auto& item = all_[index];
    const auto& list = item.of->list;
    bool stays = item.may_stay() && item.here == node;
    if (!stays && !item.wanted) return refuse(index, node, refusal::kind::switching);
    if (!stays && item.held) return refuse(index, node, refusal::kind::limited);
    // What is down is started where it is to be when all is proven, or not at all.
    bool elsewhere = leave_out_unproven_ && !item.now->active() && item.only_at != node;
    if (elsewhere) return refuse(index, node, refusal::kind::not_listed);
    if (std::find(list.begin(), list.end(), node) == list.end()) return refuse(index, node, refusal::kind::not_listed);
    if (!stays && strays(item, node)) return refuse(index, node, refusal::kind::site);
    if (!node_takes(item, node)) return refuse(index, node, refusal::kind::node);
    trial_.put(index, node);
    return !excluded(index, node) && has_room(index, node) && !would_disturb(index, node) && needs_hold();
}

bool plan::node_takes(const subject& item, node_id node) const {
    if (node == lost_) return false;
    bool stays = item.may_stay() && item.here == node;
    // What judge() could find is only looked for where there may be something.
    bool flags = !item.now->node_off.empty() || item.of->conditions || item.pinned != nullptr;
    if (hosts_[layout_->slot(node)].open && !item.now->maintained && (stays || !flags)) return true;
    auto found = judge(*state_, *item.config, *item.now, node);
    return found.eligible || (found.flag_only && stays);  // a flag says where it may start, not where it may stay
}

// Every way is tried, so that one that is needed anywhere takes no room from one that is needed here.
bool plan::needs_hold() {
    for (auto k = trial_.order.size(); k-- > 0;) {
        auto index = trial_.order[k];
        auto node = trial_.at[index];
        const auto& needs = all_[index].of->needs;
        for (std::size_t i = 0; i < needs.size(); ++i) {
            const auto& item = needs[i];
            bool met = std::any_of(item.targets.begin(), item.targets.end(), [&](std::size_t target) {
                if (all_[target].now->phase == package_phase::halt_failed) return false;
                auto where = place_of(target);
                return where && at_place(item.location, where, node);
            });
            if (!met) return take_along(index, i, node);
        }
    }
    return true;
}

// A package that is needed and not settled yet is less important: it goes where it is needed.
bool plan::take_along(std::size_t index, std::size_t which, node_id node) {
    const auto& item = all_[index].of->needs[which];
    bool tried = false;
    auto targets = item.targets;  // what runs serves as well as what does not
    std::stable_partition(targets.begin(), targets.end(), [this](auto target) { return bool(all_[target].here); });
    for (auto target : targets) {
        if (all_[target].settled || trial_.at[target]) continue;
        std::vector<node_id> sorted;
        auto nodes = item.location == place::same_node ? std::vector<node_id>{node} : by_policy(target, sorted);
        // Where it runs it serves as well as anywhere: being needed is no reason to move.
        auto present = all_[target].here;
        if (item.location != place::same_node && present) nodes.insert(nodes.begin(), present);
        for (auto other : nodes) {
            if (item.location == place::different_node && other == node) continue;
            auto size = trial_.order.size();
            if (fits(target, other)) return true;
            trial_.back_to(size);
            const auto& through = refusal_.through;
            if ((through.empty() ? refusal_.subject : through.back().first) == target)
                refusal_.through.emplace_back(index, which);
            tried = true;
        }
    }
    if (tried) return false;  // as the last of them said
    refuse(index, node, refusal::kind::unmet, which);
    for (auto target : item.targets)
        if (auto at = place_of(target)) refusal_.placed = at;
    return false;
}

bool plan::excluded(std::size_t index, node_id node) {
    const auto& excludes = all_[index].of->excludes;
    for (std::size_t i = 0; i < excludes.size(); ++i) {
        for (auto target : excludes[i].targets) {
            auto where = place_of(target);
            // As long as nothing proves the contrary it runs there.
            if (leave_out_unproven_ && unproven(all_[target])) where = all_[target].now->owner;
            if (!where || (excludes[i].location == place::same_node && where != node)) continue;
            refuse(index, node, refusal::kind::excluded, i);
            return true;
        }
    }
    return false;
}

bool plan::has_room(std::size_t index, node_id node) {
    const auto& weights = all_[index].of->weights;
    auto slot = layout_->slot(node);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (weights[i] == 0 || layout_->limit(slot, i) == layout::unlimited) continue;
        auto taken = used_.taken(node, i);
        for (auto other : trial_.order) {
            const auto& theirs = all_[other].of->weights;
            if (other != index && trial_.at[other] == node && !theirs.empty()) taken += theirs[i];
        }
        if (weights[i] + taken <= layout_->limit(slot, i)) continue;
        refuse(index, node, refusal::kind::no_room, i);
        refusal_.taken = taken;
        return false;
    }
    return true;
}

bool plan::would_disturb(std::size_t index, node_id node) {
    const auto& item = all_[index];
    const auto& now = *item.now;
    if (!now.target_any || (now.switching && !now.avoid) || item.here == node) return false;
    if (state_->against_start(item.name(), node).empty()) return false;
    refuse(index, node, refusal::kind::disturbs);
    return true;
}

// ---- as things stand now ---------------------------------------------------------------------------

bool plan::stays(const subject& item) const {
    return item.now->phase == package_phase::running && !item.leaving && item.here && item.where == item.now->owner;
}

bool plan::met_now(const need& item, node_id node, const subject* without) const {
    return std::any_of(item.targets.begin(), item.targets.end(), [&](std::size_t target) {
        const auto& other = all_[target];
        return &other != without && stays(other) && at_place(item.location, other.where, node);
    });
}

std::string plan::in_the_way_now(const subject& item, node_id node) const {
    for (const auto& link : item.of->excludes)
        for (auto target : link.targets) {
            const auto& other = all_[target];
            if (other.now->active() && (link.location == place::all_nodes || other.now->owner == node))
                return other.name();
        }
    return {};
}

}  // namespace mainstay::policy
