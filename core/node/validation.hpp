// One round of having external scripts called with `validate` on several nodes: one after the other on each node, asked
// again when nothing comes back, and not for ever. Reads no clock and sends nothing: `due` says what is to be sent.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/time.hpp"
#include "model/validations.hpp"

namespace mainstay::node {

inline constexpr duration validation_repeat{1'000'000};
inline constexpr duration validation_limit{30'000'000};     // of one script, which is killed then
inline constexpr duration validation_patience{37'000'000};  // for each question: that, the killing, and the way
inline constexpr duration validation_longest{120'000'000};  // of all that one node is asked

class validation_round {
public:
    struct question {
        std::string node;
        std::uint64_t id = 0;
        std::string package;
        std::string path;
        std::vector<std::pair<std::string, std::string>> environment;
    };

    // `first_id` and those after it are this round's own, one for each script and node.
    validation_round(const std::vector<script_to_validate>& scripts, std::uint64_t first_id);

    void leave_out(const std::string& node, std::string why);
    // What is to be sent now.
    [[nodiscard]] std::vector<question> due(time_point now);
    // False when no such question is open.
    bool answered(const std::string& node, std::uint64_t id, const validation_seen& seen);
    [[nodiscard]] time_point deadline() const;  // `never` when nothing is waited for
    [[nodiscard]] bool over() const;
    [[nodiscard]] const validation_results& result() const { return results_; }
    [[nodiscard]] std::uint64_t questions() const { return count_; }

private:
    struct respondent {
        std::vector<question> scripts;
        std::size_t done = 0;
        time_point begun = never;  // the first of them
        time_point since = never;  // asked; never = the next one was not asked yet
        time_point again = never;
    };
    [[nodiscard]] bool over(const std::string& node, const respondent& item) const;

    std::map<std::string, respondent> nodes_;
    validation_results results_;
    std::uint64_t count_ = 0;
};

}  // namespace mainstay::node
