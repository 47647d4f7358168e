// The daemon's end of one mainstay-plugin-host process, without its socket: bytes go in and out,
// the owner moves them, starts the process, and kills it when it is hung. One thread.
//
// Life: start the process with its socket; write take_output(); feed() what comes; next() until
// empty. When the process has ended, closed(). A call without an answer at its deadline makes it
// hung(): calls run one after another, so the process has to be killed and started anew with a new
// host_client. Its calls are answered `unknown` by closed(), not before: what they started may be at
// work until then.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "model/time.hpp"
#include "runtime/plugin/wire.hpp"

namespace mainstay::plugin {

class host_client {
public:
    enum class state {
        starting,  // no `ready` yet; calls are queued in the host
        ready,
        refused,  // final: restarting does not help, the configuration has to change
        ended,    // socket closed or stream broken: start a new process
    };

    explicit host_client(instance_config config);

    // Asks for a call; its answer comes out of next(), always, exactly once. `id` must be new.
    void request(call asked, time_point deadline);

    [[nodiscard]] bytes take_output();
    void feed(std::string_view data);
    void expire(time_point now);
    void closed(std::string_view why);  // answers all open calls with `unknown`

    // What the host said, in order, and the answers made here.
    [[nodiscard]] std::optional<from_host> next();

    [[nodiscard]] time_point next_deadline() const;  // `never` without open calls
    [[nodiscard]] bool hung() const { return hung_; }
    [[nodiscard]] bool idle() const { return open_.empty(); }
    // The call that the host is at, if it has begun any.
    [[nodiscard]] std::optional<request_id> under_way() const;
    [[nodiscard]] state current() const { return state_; }
    [[nodiscard]] const std::string& instance_name() const { return name_; }

private:
    void take(from_host message);
    void give_up(std::string_view why);

    std::string name_;
    bytes output_;
    frame_reader<from_host> reader_;
    std::deque<from_host> messages_;
    struct open_call {
        plugin::verb verb;
        time_point deadline;
        bool late = false;
    };
    std::map<std::uint64_t, open_call> open_;
    state state_ = state::starting;
    bool hung_ = false;
    bool was_ready_ = false;
    std::string broken_;  // why its bytes make no sense
};

}  // namespace mainstay::plugin
