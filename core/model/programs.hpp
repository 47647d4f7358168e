// The files that packages run, as the nodes have them: what to look at on which node, and what is wrong with what
// was seen there. Pure; looking is the edge's (runtime/program_files.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/codec.hpp"
#include "model/config.hpp"
#include "model/problem.hpp"

namespace mainstay {

// One file as one node sees it.
struct program_seen {
    enum class kind : std::uint8_t { missing, no_file, not_executable, unreadable, good, count_ } what = kind::missing;
    std::int32_t error = 0;  // of unreadable: errno
    bool script = false;     // of good: begins with #!
    bytes digest;            // of good: SHA-256 of the contents; empty = too large to be compared
    static void fields(auto& self, auto&& visit) {
        visit("what", self.what);
        visit("error", self.error);
        visit("script", self.script);
        visit("digest", self.digest);
    }
};

// What a node told, by path; or why it told nothing.
struct program_look {
    std::string silence;
    std::map<std::string, program_seen> seen;
};
using program_looks = std::map<std::string, program_look>;  // by node

// How an external script ended that was called with `validate` (SG 3.10).
struct validation_seen {
    std::int32_t code = 0;   // exit status, -signal, or 127 when it could not be started
    bool timed_out = false;  // it was killed
    std::string line;        // the last that it wrote
    [[nodiscard]] bool good() const { return code == 0 && !timed_out; }
    static void fields(auto& self, auto&& visit) {
        visit("code", self.code);
        visit("timed_out", self.timed_out);
        visit("line", self.line);
    }
};

struct named_program {
    std::string path;  // absolute
    std::string package;
    std::string keyword;  // where it is named
    source_position where;
    std::vector<std::string> nodes;  // where the package may run
    // False: that it can't run is no error. Something else of the package may bring it (service_cmd), or nothing of
    // the package is about to change.
    bool required = true;
    bool of_system = false;  // a tool that is installed, not copied, and differs between releases
};

// All files that the packages name by an absolute path, each once per package, in the order of the configuration.
// Left out is what lies on a file system that a package mounts: it is there only while that package runs.
[[nodiscard]] std::vector<named_program> programs_of(const configuration& config);

// A package that stays as it is in force neither is held up nor holds up another's change.
void spare_unchanged(std::vector<named_program>& programs, const configuration& in_force, const configuration& wanted);

// By node: the paths to look at, each once.
[[nodiscard]] std::map<std::string, std::vector<std::string>> where_to_look(const std::vector<named_program>& programs);

// Errors for what can't run; warnings for what is not the same on all nodes, what may still come, and for nodes that
// told nothing. A node that is not in `looks` was not asked, and nothing is said of it.
[[nodiscard]] problems judge_programs(const configuration& config, const std::vector<named_program>& programs,
                                      const program_looks& looks);

}  // namespace mainstay
