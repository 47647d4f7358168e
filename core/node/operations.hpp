// What administrators asked through this node and wait for: accepted by the log, then watched
// until it is done or can't be any more.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "cluster/apply.hpp"
#include "cluster/state.hpp"
#include "node/effects.hpp"

namespace mainstay::node {

// The packages that ran on `node` are halted and run elsewhere, or can't.
[[nodiscard]] bool node_is_empty(const cluster::state& state, const std::string& node);

// What has been written down since that entry and may have spoilt a plan made then: the first of it, for whoever asked.
[[nodiscard]] std::string changes_since(const std::deque<happened>& history, log_index entry);

class operations {
public:
    // Submitted under `serial`; refused as unconfirmed when not in the log by `deadline`.
    void add(std::uint64_t id, std::uint64_t serial, cluster::command_body asked, time_point deadline);
    // Our submission was applied.
    void counted(std::uint64_t serial, const cluster::state& state, const cluster::applied& outcome, effects& out);
    // It was counted up to there, and this node has missed how: a snapshot stands in for those entries.
    void overtaken(std::uint64_t serial, effects& out);
    // Another entry was applied; `what` is its text, for the progress of those it concerns.
    void applied(const cluster::state& state, const happened& what, effects& out);
    // Serials given up because nobody wrote them down in time.
    [[nodiscard]] std::vector<std::uint64_t> expire(time_point now, bool has_leader, effects& out);
    [[nodiscard]] time_point deadline() const;

    static void fields(auto& self, auto&& visit) { visit("waiting", self.waiting_); }

private:
    struct operation {
        std::uint64_t serial = 0;
        cluster::command_body asked;
        time_point deadline;
        bool accepted = false;
        generation before;  // of the package when accepted
        static void fields(auto& self, auto&& visit) {
            visit("serial", self.serial);
            visit("asked", self.asked);
            visit("deadline", self.deadline);
            visit("accepted", self.accepted);
            visit("before", self.before);
        }
    };
    void check(std::uint64_t id, const operation& item, const cluster::state& state, effects& out);

    std::map<std::uint64_t, operation> waiting_;
    std::vector<std::uint64_t> finished_;  // within one call
};

}  // namespace mainstay::node
