// The daemon's side of mainstay-guard (D9): starts and ends processes, tells the lease, resets.
// One thread (the loop's).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "guard/client.hpp"
#include "node/io.hpp"

namespace mainstay::runtime {

class processes {
public:
    struct events {
        std::function<void(const guard::guard_hello&)> hello;
        std::function<void(node::process_exited)> exited;  // of processes without a socket
        std::function<void(request_id, guard::unique_fd)> host_started;
        std::function<void(request_id, std::string why)> host_ended;
        std::function<void(request_id call)> call_ended;
        std::function<void(node::package_cleared)> cleared;
        std::function<void(const guard::watchdog_is&)> watchdog;
        std::function<void()> lost;  // the guard is gone
    };

    processes(int guard_fd, events calls);

    [[nodiscard]] int fd() const { return client_.fd(); }
    [[nodiscard]] bool wants_write() const { return client_.wants_write(); }
    void readable();
    void writable() { client_.flush(); }

    void run(const node::run_process& item);
    void kill(const node::kill_process& item);
    void clear(const node::clear_package& item);
    void write_log(const node::write_log& item);
    // A plugin host; its socket comes with host_started.
    void run_host(request_id request, const std::string& instance, std::vector<std::string> argv, std::string log_file);
    // It and what its call under way has started; servers of earlier calls go on.
    void kill_host(request_id request);
    // Of a host that is gone: kills what this call of it has started, then says call_ended.
    void end_call(request_id call);
    void lease(const node::set_lease& item);
    void arm_watchdog(const std::string& path, duration timeout);
    void reset(const std::string& reason);
    void shut_down();

private:
    guard::client client_;
    events events_;
    void pass_hello_on();
    void tell_exit(node::process_exited item);

    std::map<request_id, bool> hosts_;
    // Plugin hosts of a former daemon: what they were doing has to be over before anything is undone.
    std::set<request_id> former_hosts_;
    std::optional<guard::guard_hello> hello_;
    std::vector<node::process_exited> after_hello_;
};

}  // namespace mainstay::runtime
