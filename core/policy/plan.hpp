// Where each package should be, all packages considered together (SG 5.4 to 5.10), with the reasons.
// A pure function of the replicated state. What only depends on the configuration comes from a layout, which may have
// been made before; whether it was makes no difference to the answer. Reasons are kept as numbers and put into words
// for whoever asks (plan_text.cpp).
//
// Packages are settled one after another, the most important first; among equals those that can stay as they are before
// those that have to move, and these before those that are down; what is depended on before what depends on it. Each
// takes the first node of its wish list on which it can be with all that has been settled before it. A less important
// package that it needs is taken along (SG 5.7, case B); a more important one decides.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cluster/state.hpp"
#include "policy/layout.hpp"

namespace mainstay::policy {

// What stood against a node that was tried.
struct refusal {
    enum class kind : std::uint8_t { switching, limited, not_listed, site, node, excluded, no_room, disturbs, unmet };
    node_id node;  // that was tried
    kind what = kind::switching;
    // It stands against this one, on that node: the package itself, or one that it would have taken along.
    std::size_t subject = 0;
    node_id at;
    node_id placed;           // unmet: where what it needs is to be
    std::size_t which = 0;    // of its exclusions, of the capacities, or of its needs
    std::uint64_t taken = 0;  // no_room: by others
    // The needs by which it comes to that: of which unit and which of its needs, the innermost first.
    std::vector<std::pair<std::size_t, std::size_t>> through;
};

// A unit as it stands, and where it is to be.
struct subject {
    enum class choice : std::uint8_t {
        none,
        halt_failed,
        maintained,
        detached,
        runs_there,
        asked_for,
        back_to_first,
        first_again,
        by_list,
        no_better,
        no_other,
        taken_along,
        limited,
        nowhere
    };

    const unit* of = nullptr;
    const package_config* config = nullptr;
    const cluster::package_state* now = nullptr;
    const cluster::pin* pinned = nullptr;  // to that node, if it is
    std::uint32_t site = 0;  // of layout::site(): where it is at home now, if its policy asks for that; else 0
    node_id where;           // the answer; 0 = nowhere
    // A better node that has not said yet what its subnets are like; it will at once.
    node_id waits_for;
    node_id only_at;      // without_unproven(): where it is to be when all is proven
    node_id here;         // it runs or starts on this node, which is in the cluster; or 0
    bool wanted = false;  // it is to run if it can
    bool held = false;    // its failover_limit is used up: it is left down, and nothing gives way to it
    bool goes = false;    // active, and something apart from other packages stands against its staying
    bool settled = false;
    bool leaving = false;  // has to halt where it runs: see decide()
    choice why = choice::none;
    std::size_t taken_by = 0;       // why taken_along
    std::size_t first_refused = 0;  // see plan::refused()
    std::size_t refused = 0;

    [[nodiscard]] const std::string& name() const { return of->name; }
    // Nothing but other packages stands against its staying where it is.
    [[nodiscard]] bool may_stay() const { return here && !goes; }
};

class plan {
public:
    explicit plan(const cluster::state& state);
    // As long as nothing proves that the lost nodes are dead: what they run is planned nowhere.
    [[nodiscard]] plan without_unproven() const;
    // As it will be when the node is proven dead.
    [[nodiscard]] plan without(node_id lost) const;
    [[nodiscard]] bool any_unproven() const { return any_unproven_; }

    [[nodiscard]] const std::vector<subject>& all() const { return all_; }
    [[nodiscard]] const subject* find(const std::string& name) const;
    // Nodes tried before, and what stood against each.
    [[nodiscard]] std::span<const refusal> refused(const subject& item) const {
        return std::span(refused_).subspan(item.first_refused, item.refused);
    }
    // Why there, or why nowhere.
    [[nodiscard]] std::string reason(const subject& item) const;
    [[nodiscard]] std::string text_of(const refusal& item) const;
    // What needs it finds it gone from now on.
    void mark_leaving(std::size_t index) { all_[index].leaving = true; }
    // The node is in the cluster.
    [[nodiscard]] bool alive(node_id node) const { return hosts_[layout_->slot(node)].up; }
    // Runs now, on a node that is in the cluster, and is to stay there.
    [[nodiscard]] bool stays(const subject& item) const;
    // The need is met now by something that stays, for a dependent on `node`; `without` counts as gone.
    [[nodiscard]] bool met_now(const need& item, node_id node, const subject* without = nullptr) const;
    // Something that may not be beside it is still active; its name, or empty.
    [[nodiscard]] std::string in_the_way_now(const subject& item, node_id node) const;
    // What all that is active weighs, where it is.
    [[nodiscard]] load used_now() const;

private:
    friend class planner;
    // `now` as layout::read() of that state returns it.
    plan(const cluster::state& state, std::shared_ptr<const layout> of, const package_states& now);

    struct host {
        bool up = false;       // in the cluster
        bool open = false;     // nothing about the node itself stands against a start
        bool battery = false;  // mains first, battery rather than nowhere
        std::size_t packages = 0;
    };
    // Where some would be, if the node that is being tried were taken: as on a stack.
    struct trial {
        std::vector<node_id> at;  // by unit; 0 = not tried
        std::vector<std::size_t> order;
        void put(std::size_t index, node_id node);
        void back_to(std::size_t size);
    };

    void look_at_nodes();
    void start_over();
    void place(bool leave_out_unproven);
    void settle_equals(std::span<const std::size_t> equals);
    [[nodiscard]] bool unproven(const subject& item) const { return item.now->active() && !alive(item.now->owner); }
    // It stays where it is if it is let alone, and so does what it needs; asked before its rank is settled.
    [[nodiscard]] bool at_rest(std::size_t index);
    [[nodiscard]] bool served(const need& item, node_id node) const;
    void settle(std::size_t index);
    [[nodiscard]] bool settle_somewhere(std::size_t index);
    // Takes the node if it can be there.
    bool attempt(std::size_t index, node_id node, subject::choice why);
    void put(std::size_t index, node_id node);
    // Its node list in the order in which policy tries it; `sorted` is for when that is another one.
    [[nodiscard]] const std::vector<node_id>& by_policy(std::size_t index, std::vector<node_id>& sorted) const;
    // SG: where it was last started; nowhere yet: the site of the first node of its list that can run it.
    [[nodiscard]] std::uint32_t current_site(const subject& item) const;
    // At another site than its own, where nobody has asked for it.
    [[nodiscard]] bool strays(const subject& item, node_id node) const;
    [[nodiscard]] bool may_fail_back(std::size_t index) const;
    [[nodiscard]] std::size_t packages_on(node_id node, std::size_t except) const;
    // It can be on the node with what is settled and what is tried; else refusal_ says what stands against it.
    [[nodiscard]] bool fits(std::size_t index, node_id node);
    [[nodiscard]] bool node_takes(const subject& item, node_id node) const;
    [[nodiscard]] bool needs_hold();
    [[nodiscard]] bool take_along(std::size_t index, std::size_t which, node_id node);
    [[nodiscard]] bool excluded(std::size_t index, node_id node);
    // SG 5.2: by command and without a node it goes only where it is in nobody's way.
    [[nodiscard]] bool would_disturb(std::size_t index, node_id node);
    [[nodiscard]] bool has_room(std::size_t index, node_id node);
    bool refuse(std::size_t index, node_id node, refusal::kind what, std::size_t which = 0);
    [[nodiscard]] node_id place_of(std::size_t index) const;
    [[nodiscard]] bool weak(node_id node) const { return hosts_[layout_->slot(node)].battery; }
    [[nodiscard]] std::string by_list_text(const subject& item) const;
    [[nodiscard]] std::string site_text(const subject& item, node_id node) const;
    [[nodiscard]] const std::string& site_name(std::uint32_t site) const;
    [[nodiscard]] std::string nowhere_text(const subject& item) const;
    [[nodiscard]] std::string skipped(const subject& item) const;
    [[nodiscard]] std::string unmet_text(const refusal& item) const;

    const cluster::state* state_;
    std::shared_ptr<const layout> layout_;
    std::vector<subject> all_;
    std::vector<host> hosts_;  // by slot
    load used_;                // by what is settled
    trial trial_;
    std::vector<refusal> refused_;  // of one after the other
    struct rest {
        std::uint32_t asked = 0;  // in which round
        bool found = false;
    };
    std::vector<rest> rests_;  // by unit
    std::uint32_t round_ = 0;
    node_id lost_;  // without()
    bool any_unproven_ = false;
    bool leave_out_unproven_ = false;
    std::size_t tries_left_ = 0;  // of the search under way: each more need multiplies it
    std::size_t more_tries_ = 0;  // for all searches of the plan, beyond the few that each has
    bool any_battery_ = false;
    refusal refusal_;
};

// Makes one plan after the other, of states that mostly differ in little: what only depends on the configuration is
// made once. The plan is the same as of a new planner.
class planner {
public:
    [[nodiscard]] plan look(const cluster::state& state);

private:
    std::shared_ptr<const layout> layout_;
};

// True when the package is to run if it can: switched on, or asked for.
[[nodiscard]] bool wanted(const cluster::state& state, const cluster::package_state& item);
// What stands against the package staying on its node, apart from other packages; empty = nothing.
[[nodiscard]] std::string why_leave(const cluster::state& state, const cluster::package_state& item);

}  // namespace mainstay::policy
