// Inside of foresee(): one forecast being made. forecast.cpp has the loop and the results, forecast_nodes.cpp what
// nodes, devices and voters do, forecast_faults.cpp what befalls them. Not for other folders.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cluster/apply.hpp"
#include "model/timing.hpp"
#include "policy/decide.hpp"
#include "policy/forecast.hpp"

namespace mainstay::policy {

class forecaster {
public:
    forecaster(const cluster::state& now, const outset& from);

    result<forecast> run(const std::vector<happening>& happenings);

private:
    // Something that will have ended at a time that is known as far as `when` says.
    struct pending {
        enum class kind { node_silent, lease_over, start_done, halt_done, start_timeout, fence_done };
        kind what = kind::node_silent;
        span when;
        node_id node;
        std::string package;
        generation number;
        std::uint64_t fence = 0;
    };

    // ---- forecast.cpp: time, the log, the results ----
    // Empty, or why it can't happen.
    std::string begin(const happening& item);
    std::string settle();
    bool decide();
    // The next of what is under way, or of what becomes due by time alone; false when there is nothing.
    bool go_on();
    cluster::applied say(cluster::command_body body, const std::string& actor);
    cluster::applied write(consensus::entry_body body);
    void tell(std::string text, std::string event, std::string severity, node_id node = {});
    void follow_services();
    void to(span when);
    [[nodiscard]] span later(duration known) const;
    [[nodiscard]] span later(std::string unknown) const;
    [[nodiscard]] span later(const std::optional<duration>& took, std::string otherwise) const;
    void schedule(pending item);
    void conclude();

    // ---- forecast_nodes.cpp: what the others do ----
    void nodes_act();
    bool report_lacks();
    void attach();
    void work(const std::string& name, const cluster::package_state& item);
    void fences();
    void happens(const pending& item);
    void work_ends(const pending& item);
    void ends(const std::string& package, cluster::report as_it_should);
    void silent(node_id node);
    // R4: the voters that are left go on, or exactly half of them with a tie-break, or nobody does.
    void recount();
    bool break_tie(const std::vector<consensus::voter>& here);
    // R7, R8: the set that survives most, by the very code of consensus.
    void tend_voters();
    [[nodiscard]] bool tie_works(consensus::tie_break kind) const;
    void no_quorum(std::size_t here);
    void lead(node_id node);
    void set_lost_for_sure(node_id node, time_point acknowledged);

    // ---- forecast_faults.cpp: what befalls them ----
    std::string fail(node_id node);
    std::string come_back(node_id node);
    std::string fail(const std::string& package);
    std::string end_script(const script_ends& item);
    std::string fail_link(const link_fails& item);
    void die(node_id node, const std::string& resets_because = {});
    // It goes on, and nobody hears it.
    void cut_off(node_id node);
    // When its links are gone: it, or the others.
    [[nodiscard]] std::vector<node_id> losers(node_id node) const;

    [[nodiscard]] bool alive(node_id node) const;
    [[nodiscard]] bool serves(const cluster::package_state& item) const;
    void says(const std::string& name, cluster::report what, std::string detail);

    cluster::state state_;
    outset from_;
    view seen_;
    planner planner_;
    timings times_;
    consensus::voter_set voters_;
    std::set<node_id> dead_;     // whatever the log says yet
    std::set<node_id> cut_off_;  // of the dead, those that go on until they are fenced, or their lease ends
    std::map<node_id, std::set<std::string>> links_gone_;
    std::map<std::pair<std::string, bool>, cluster::report> script_ends_;  // by instance, and whether it is a start
    bool stopped_ = false;

    time_point origin_;  // of the happening
    span at_;            // since then
    time_point look_again_ = never;
    std::map<std::pair<time_point, std::uint64_t>, pending> queue_;
    std::uint64_t queued_ = 0;
    std::set<std::tuple<std::string, generation, cluster::package_phase>> begun_;
    std::set<std::uint64_t> fences_begun_;

    struct gap {
        bool serving = false;
        bool interrupted = false;
        std::size_t since_happening = 0;
        span since;
        span total;
    };
    std::map<std::string, gap> gaps_;
    std::map<std::string, node_id> before_;
    forecast out_;
};

}  // namespace mainstay::policy
