// `simulate`, and `plan` of every method that changes something: what would happen, as policy::foresee() says. JSON
// stays in the .cpp: these take and return its text.
#pragma once

#include <string>
#include <vector>

#include "model/result.hpp"
#include "node/node.hpp"
#include "policy/forecast.hpp"

namespace mainstay::runtime {

struct forecast_refusal {
    enum class kind { nonsense, unknown, refused };
    kind what = kind::refused;
    std::string message;
    std::string hint;  // what was expected, or the nearest known word
};
template <class T>
using forecast_answer = tl::expected<T, forecast_refusal>;

// The `happenings` of a request, in order. `applied` are the canonical texts of those of kind `apply`.
[[nodiscard]] forecast_answer<std::vector<policy::happening>> read_happenings(const cluster::state& state,
                                                                              const std::string& happenings,
                                                                              const std::vector<std::string>& applied,
                                                                              const std::string& actor);
// How the cluster stands, as this node knows it.
[[nodiscard]] policy::outset outset_of(const node::node& core, time_point now, wall_time wall);
// `before`: of the state that was asked about.
[[nodiscard]] std::string forecast_json(const cluster::state& before, const policy::forecast& seen);

// Of a cluster that nobody has formed yet, and of what happens to it then.
[[nodiscard]] forecast_answer<std::string> first_forecast_json(const std::string& canonical,
                                                               const std::string& happenings);

}  // namespace mainstay::runtime
