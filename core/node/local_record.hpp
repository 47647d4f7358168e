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
        static void fields(auto& self, auto&& visit) {
            visit("generation", self.generation);
            visit("machine", self.machine);
            visit("phase", self.phase);
            visit("parts", self.parts);
        }
    };
    std::map<std::string, active> packages;
    std::optional<cluster_membership> joined;
    static void fields(auto& self, auto&& visit) {
        visit("packages", self.packages);
        visit("joined", self.joined);
    }
};

// The form on disk. Feature level 1 knew no script_parts; they stand behind what it wrote, and only when there are any:
// without them both write and read the same.
[[nodiscard]] bytes stored_form(const local_record& record);
// Either form; nothing when it is neither.
[[nodiscard]] std::optional<local_record> read_stored_form(std::string_view stored);

}  // namespace mainstay::node
