// Executes fence requests (D5): the levels of a node in order, all devices of a level at once, off, state
// read back. Unknown is never taken for off; a level has confirmed when each of its devices has.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cluster/state.hpp"
#include "node/effects.hpp"

namespace mainstay::node {

struct fence_news {
    cluster::fence_result result;  // id 0: of a tied candidate's own fence
    // After a confirmed off, `fence_action cycle`: what powering on came to. An alarm at most.
    bool power_on = false;
    node_id node;
    boot_id boot;  // of it, known when the request was made
    static void fields(auto& self, auto&& visit) {
        visit("result", self.result);
        visit("power_on", self.power_on);
        visit("node", self.node);
        visit("boot", self.boot);
    }
};

class fencer {
public:
    // Is the node of this request still to be switched off? Asked again before every further try: in between
    // it may have been heard.
    using still_wanted = std::function<bool(const cluster::fence_request&)>;

    // A request for us was committed; or, with id 0, a tied candidate's own (R3).
    void begin(const cluster::state& state, const cluster::fence_request& request, effects& out);
    // True when the answer was ours.
    bool answered(const cluster::state& state, const plugin_answer& item, const still_wanted& wanted, time_point now,
                  effects& out);
    void tick(const cluster::state& state, const still_wanted& wanted, time_point now, effects& out);
    [[nodiscard]] time_point deadline() const;
    [[nodiscard]] std::vector<fence_news> take_news();

    static void fields(auto& self, auto&& visit) {
        visit("jobs", self.jobs_);
        visit("calls", self.calls_);
        visit("news", self.news_);
        visit("next_job", self.next_job_);
    }

private:
    struct device {
        std::uint32_t tries_left = 0;
        std::uint32_t failed = 0;
        bool confirmed = false;
        time_point again = never;  // asked once more then
        static void fields(auto& self, auto&& visit) {
            visit("tries_left", self.tries_left);
            visit("failed", self.failed);
            visit("confirmed", self.confirmed);
            visit("again", self.again);
        }
    };
    struct job {
        cluster::fence_request request;
        std::vector<std::vector<std::string>> levels;  // still to be tried; the first is at work
        std::map<std::string, device> devices;         // of that level
        std::string failure;                           // the newest
        bool unknown = false;
        bool powering_on = false;
        static void fields(auto& self, auto&& visit) {
            visit("request", self.request);
            visit("levels", self.levels);
            visit("devices", self.devices);
            visit("failure", self.failure);
            visit("unknown", self.unknown);
            visit("powering_on", self.powering_on);
        }
    };
    void begin_level(const cluster::state& state, std::uint64_t number, effects& out);
    void ask(const cluster::state& state, std::uint64_t number, const std::string& name, effects& out);
    void failed(const cluster::state& state, std::uint64_t number, const std::string& name, time_point now,
                effects& out);
    void give_up(std::uint64_t number);
    void finish(std::uint64_t number, cluster::fence_outcome outcome, const std::string& device,
                const std::string& detail);
    void power_on(const cluster::state& state, std::uint64_t number, effects& out);

    std::map<std::uint64_t, job> jobs_;
    std::map<request_id, std::pair<std::uint64_t, std::string>> calls_;  // job, device
    std::vector<fence_news> news_;
    std::uint64_t next_job_ = 1;
};

}  // namespace mainstay::node
