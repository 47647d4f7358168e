// The LVM tools: running them, and what they report.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/run_command.hpp"

namespace mainstay::lvm {

// One row of a report: vg_name -> vg01.
using row = std::map<std::string, std::string, std::less<>>;

// Of what `vgs --nameprefixes` and the like print: LVM2_VG_NAME='vg01' LVM2_VG_TAGS='' ...
// Lines that are no rows are messages, and passed over.
[[nodiscard]] std::vector<row> rows_of(std::string_view output);

// The tool's last words: its messages, each once, the last few of them.
[[nodiscard]] std::string messages_of(std::string_view output);

struct group_report {
    bool found = false;
    std::string uuid;
    std::vector<std::string> tags;
    std::string missing;  // how many physical volumes are not there; empty: none
    std::string physical;
    bool exported = false;
    bool shared = false;  // of lvmlockd
};

struct volume_report {
    std::string name;
    bool active = false;
    bool expected = false;  // is activated with the group: no pool, not marked to be skipped
};

// Nothing of these when the tool told nothing: then `trouble` says why.
template <class Value>
struct told {
    Value value{};
    std::string trouble;
};

class tools {
public:
    using clock = std::chrono::steady_clock;

    // `activation`: the program and the arguments before the group, such as /sbin/vgchange -a y.
    // The other tools are those beside it.
    tools(std::vector<std::string> activation, std::string group);

    // All that follows has to be done until then: a tool at work by then is killed.
    void work_until(clock::time_point deadline) { deadline_ = deadline; }
    [[nodiscard]] clock::time_point deadline() const { return deadline_; }

    [[nodiscard]] told<group_report> group();
    [[nodiscard]] told<std::vector<volume_report>> volumes();

    // What they return: empty, or what went wrong in the tool's own words.
    [[nodiscard]] std::string activate();
    [[nodiscard]] std::string deactivate();
    [[nodiscard]] std::string tag(const std::vector<std::string>& away, const std::string& added);

    // What the last of the above said, though it did not fail.
    [[nodiscard]] const std::string& said() const { return said_; }

private:
    [[nodiscard]] kit::command_end run(std::vector<std::string> argv);
    [[nodiscard]] std::string change(std::vector<std::string> argv);

    std::vector<std::string> activation_;
    std::string folder_;  // with its slash
    std::string group_;
    clock::time_point deadline_{};
    std::string said_;
};

}  // namespace mainstay::lvm
