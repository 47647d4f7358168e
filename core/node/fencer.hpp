// Executes the fence requests that name this node: devices in order, off, state read back (D5).
// Unknown is never taken for off.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cluster/state.hpp"
#include "node/effects.hpp"

namespace mainstay::node {

struct fence_news {
    cluster::fence_result result;
    // After a confirmed off, `fence_action cycle`: what powering on came to. An alarm at most.
    bool power_on = false;
    node_id node;
    static void fields(auto& self, auto&& visit) {
        visit("result", self.result);
        visit("power_on", self.power_on);
        visit("node", self.node);
    }
};

class fencer {
public:
    // A request for us was committed.
    void begin(const cluster::state& state, const cluster::fence_request& request, effects& out);
    // True when the answer was ours.
    bool answered(const cluster::state& state, const plugin_answer& item, effects& out);
    [[nodiscard]] std::vector<fence_news> take_news();

    static void fields(auto& self, auto&& visit) {
        visit("jobs", self.jobs_);
        visit("news", self.news_);
    }

private:
    struct job {
        cluster::fence_request request;
        std::vector<std::string> devices;  // still to be tried; the first is being asked
        std::vector<std::string> failures;
        bool powering_on = false;
        bool unknown = false;
        static void fields(auto& self, auto&& visit) {
            visit("request", self.request);
            visit("devices", self.devices);
            visit("failures", self.failures);
            visit("powering_on", self.powering_on);
            visit("unknown", self.unknown);
        }
    };
    void ask(const cluster::state& state, job item, effects& out);
    void finish(const job& item, cluster::fence_outcome outcome, const std::string& device, const std::string& detail);

    std::map<request_id, job> jobs_;
    std::vector<fence_news> news_;
};

}  // namespace mainstay::node
