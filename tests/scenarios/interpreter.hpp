// Scenario transcripts: a text file that reads as a conversation with a simulated cluster.
// Commands, a line `----`, then what the cluster said and did until the next blank line.
// README.md lists the commands.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "policy/forecast.hpp"
#include "sim/world.hpp"

namespace mainstay::scenarios {

struct exchange {
    std::vector<std::string> comments;  // lines above the commands
    std::vector<std::string> commands;
    std::string expected;
};

[[nodiscard]] std::vector<exchange> read_script(const std::string& text);
[[nodiscard]] std::string write_script(const std::vector<exchange>& script);

class interpreter {
public:
    interpreter();
    ~interpreter();
    // What happened while the commands ran, a line each.
    [[nodiscard]] std::string run(const std::vector<std::string>& commands);

private:
    using words = std::vector<std::string>;
    void command(const words& said);
    void split(const words& said);
    void certify(const words& said);
    void voters();
    void cluster(const words& said);
    void package(const words& said);
    void with(const words& said);
    void replace(const words& said);
    void also(const words& said, bool more);
    void exits(const words& said);
    void form();
    void settle();
    void admin(const words& said);
    [[nodiscard]] static cluster::command_body started_partly(const words& said);
    [[nodiscard]] std::optional<cluster::command_body> body_of(const words& said);
    void explain(const words& said);
    // forecast.cpp
    void simulate(const words& said);
    void plan(const words& said);
    void foresee(const std::vector<policy::happening>& happenings);
    void compare();
    void status();
    void heard(const std::string& line);
    void say(const std::string& line);
    sim::world& world();

    std::string text_;  // of the configuration being written
    std::vector<std::string> names_;
    std::unique_ptr<sim::world> world_;
    std::string output_;
    std::string plan_id_;                // of the newest plan
    std::vector<std::string> foreseen_;  // entries of the newest forecast
    std::vector<std::string> logged_;    // since then
    std::set<std::string> told_;         // log entries already shown
    std::size_t lines_ = 0;
    std::set<std::size_t> addresses_;  // last numbers given to packages
};

}  // namespace mainstay::scenarios
