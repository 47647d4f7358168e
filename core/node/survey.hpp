// One round of asking nodes what the programs of packages are like there: a few paths at a time, again when nothing
// comes back, and not for ever. Reads no clock and sends nothing: `due` says what is to be sent.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/programs.hpp"
#include "model/time.hpp"

namespace mainstay::node {

// An answer about so many paths is one datagram: before there is a cluster, pieces of answers from several nodes
// could not be told apart.
inline constexpr std::size_t survey_paths_max = 16;
inline constexpr duration survey_repeat{300'000};
inline constexpr duration survey_patience{3'000'000};  // for each question; a disk may have to wake up

class survey {
public:
    struct question {
        std::string node;
        std::uint64_t id = 0;
        std::vector<std::string> paths;
    };

    // `first_id` and those after it are this survey's own, one for each question.
    survey(const std::map<std::string, std::vector<std::string>>& paths_by_node, std::uint64_t first_id);

    // Known to be out of reach: it is not asked.
    void leave_out(const std::string& node, std::string why);
    // What is to be sent now.
    [[nodiscard]] std::vector<question> due(time_point now);
    // False when no such question is open, or the answer does not fit it.
    bool answered(const std::string& node, std::uint64_t id, const std::vector<program_seen>& seen);
    [[nodiscard]] time_point deadline() const;  // `never` when nothing is waited for
    [[nodiscard]] bool over() const;
    [[nodiscard]] program_looks result() const;

private:
    struct respondent {
        std::vector<std::string> paths;
        std::size_t done = 0;      // of paths
        std::uint64_t open = 0;    // id of the question; 0 = none
        time_point since = never;  // first asked
        time_point again = never;
        program_look look;
    };
    [[nodiscard]] static bool over(const respondent& item);
    std::map<std::string, respondent> nodes_;
    std::uint64_t next_id_ = 1;
};

}  // namespace mainstay::node
