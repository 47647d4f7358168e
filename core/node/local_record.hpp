// Durable beside the log: which generations have begun here, so that a restarted daemon knows.
// Written before a generation's first step.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/codec.hpp"
#include "model/ids.hpp"
#include "node/runner.hpp"

namespace mainstay::node {

// Before the first snapshot or entry has come: the cluster that took this empty store in.
struct cluster_membership {
    mainstay::cluster_id cluster;
    node_id self;
    std::vector<std::pair<node_id, std::string>> names;
    static void fields(auto& self, auto&& visit) {
        visit("cluster", self.cluster);
        visit("self", self.self);
        visit("names", self.names);
    }
};

struct local_record {
    struct active {
        mainstay::generation generation;
        std::uint32_t machine = 0;  // of the boot it runs in; dead with it
        runner_phase phase = runner_phase::starting;
        script_parts parts;
        std::optional<own_parts> own;    // nothing: all of the configuration, which can't change while it runs
        std::vector<package_step> only;  // started partly (SG 7.2): these steps; empty = all
        static void fields(auto& self, auto&& visit) {
            visit("generation", self.generation);
            visit("machine", self.machine);
            visit("phase", self.phase);
            visit("parts", self.parts);
            visit("own", self.own);
            visit("only", self.only);
        }
    };
    std::map<std::string, active> packages;
    std::optional<cluster_membership> joined;
    static void fields(auto& self, auto&& visit) {
        visit("packages", self.packages);
        visit("joined", self.joined);
    }
};

// The form on disk. Feature level 1 knew no script_parts, level 2 no own_parts, level 3 no scripts and no storage in
// them and no partial starts; they stand behind what those wrote, and only when there are any: without them all write
// and read the same.
[[nodiscard]] bytes stored_form(const local_record& record);
// Each of the forms; nothing when it is none of them.
[[nodiscard]] std::optional<local_record> read_stored_form(std::string_view stored);

}  // namespace mainstay::node
