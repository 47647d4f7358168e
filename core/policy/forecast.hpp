// What would happen: the cluster as it stands, something that befalls it, and the very decide() and apply() that act,
// on a copy and on virtual time, until nothing is left to do. Nodes and devices are ideal: a start ends in running, a
// halt in halted (but where script_ends says otherwise), a fence in power-off. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/commands.hpp"
#include "cluster/state.hpp"
#include "consensus/types.hpp"
#include "model/result.hpp"
#include "model/time.hpp"

namespace mainstay::policy {

// Its power, or its kernel; or it resets itself.
struct node_fails {
    node_id node;
};
// Its machine boots, or comes to be heard at all, with all its subnets.
struct node_returns {
    node_id node;
};
// A service of it ends for good: no restarts are left.
struct package_fails {
    std::string package;
};
// Its next run or halt script ends so (SG 4.9): start_exit_1, start_exit_2, start_timeout, halt_exit_1, halt_exit_2,
// halt_exit_3 or halt_timeout. By itself nothing happens. Of a multi-node package: that of each instance.
struct script_ends {
    std::string package;
    cluster::report how;
};
// A heartbeat link of the node; without a name all of them. Nodes that hear each other over none are cut off.
struct link_fails {
    node_id node;
    std::string link;
};
// A command of an administrator, or what a node or an event source would have written down.
struct asked {
    std::string actor;
    cluster::command_body body;
};
// What is under way goes on.
struct nothing_new {};
using happening = std::variant<node_fails, node_returns, package_fails, script_ends, link_fails, asked, nothing_new>;

// What nobody can know (the run time of a script that has not run here yet) is a term of its own, never a guess.
struct span {
    duration known{0};
    std::vector<std::string> unknown;  // "start web": to be added, in this order
    bool operator==(const span&) const = default;
};
// `1.20 s + start web`
[[nodiscard]] std::string to_text(const span& item);

// One line of the log as it would be written.
struct forecast_entry {
    std::size_t happening = 0;  // that it follows from; they come one after the other, each when all is at rest
    span when;                  // since that
    std::string event;          // as in history
    std::string severity;
    std::string text;
    std::string package;
    std::string node;
};

struct forecast_package {
    std::string name;
    node_id before;              // where it ran; 0 = it did not
    node_id after;               // where it runs in the end
    bool interrupted = false;    // it did not serve for a while, or does not any more
    std::optional<span> outage;  // how long, in all; nothing = never, or for good
    std::string reason;          // why it is where it is, as `hactl explain` says it
};

struct forecast {
    std::vector<std::string> happenings;  // as titles
    std::vector<forecast_entry> entries;
    std::vector<forecast_package> packages;  // in the order of the configuration
    std::string stopped;                     // why nobody decides any more; empty = somebody does
    cluster::state after;
};

// What is known besides the log.
struct outset {
    time_point now;
    wall_time wall;
    node_id leader;
    consensus::voter_set voters;  // the newest
};

// The error is a sentence: what is asked for would be refused, or makes no sense, or does not come to rest.
[[nodiscard]] result<forecast> foresee(const cluster::state& now, const outset& from,
                                       const std::vector<happening>& happenings);

// A cluster that nobody has formed yet, with all its nodes up and nothing running: where everything would go at first,
// and what would happen `then`.
[[nodiscard]] result<forecast> foresee_first(const std::string& canonical, const std::vector<happening>& then = {});

}  // namespace mainstay::policy
