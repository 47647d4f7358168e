#include "runtime/processes.hpp"

#include <utility>

namespace mainstay::runtime {

processes::processes(int guard_fd, events calls) : client_(guard::unique_fd(guard_fd)), events_(std::move(calls)) {
    client_.send(guard::daemon_hello{});
}

void processes::readable() {
    guard::client::arrived item;
    while (client_.receive(item)) {
        if (const auto* hello = std::get_if<guard::guard_hello>(&item.message)) {
            hello_ = *hello;
            for (const auto& living : hello->living) {
                if (!living.label.starts_with("plugin:")) continue;
                former_hosts_.insert(living.request);
                kill_host(living.request);
            }
            pass_hello_on();
        } else if (const auto* started = std::get_if<guard::started>(&item.message)) {
            if (hosts_.contains(started->request)) events_.host_started(started->request, std::move(item.attached));
        } else if (const auto* failed = std::get_if<guard::start_failed>(&item.message)) {
            if (hosts_.erase(failed->request) > 0) {
                events_.host_ended(failed->request, failed->reason);
            } else {
                tell_exit({failed->request, 127, false, failed->reason});
            }
        } else if (const auto* gone = std::get_if<guard::exited>(&item.message)) {
            if (former_hosts_.erase(gone->request) > 0) {
                pass_hello_on();
            } else if (hosts_.erase(gone->request) > 0) {
                events_.host_ended(gone->request, gone->tail);
            } else {
                auto code = gone->signal != 0 ? -gone->signal : gone->exit_code;
                tell_exit({gone->request, code, gone->timed_out, gone->tail});
            }
            // Until then the guard tells it again to every daemon that says hello.
            client_.send(guard::got_exit{gone->request});
        } else if (const auto* over = std::get_if<guard::call_ended>(&item.message)) {
            events_.call_ended(over->call);
        } else if (const auto* cleared = std::get_if<guard::package_cleared>(&item.message)) {
            events_.cleared({cleared->request, cleared->ended, cleared->living});
        } else if (const auto* armed = std::get_if<guard::watchdog_is>(&item.message)) {
            events_.watchdog(*armed);
        }
    }
    if (client_.closed()) events_.lost();
}

void processes::pass_hello_on() {
    if (!hello_ || !former_hosts_.empty()) return;
    events_.hello(*hello_);
    hello_.reset();
    for (auto& item : std::exchange(after_hello_, {})) events_.exited(std::move(item));
}

// Who dies while the hello is held back is listed in it as living: the end has to come behind it.
void processes::tell_exit(node::process_exited item) {
    if (hello_) {
        after_hello_.push_back(std::move(item));
    } else {
        events_.exited(std::move(item));
    }
}

void processes::run(const node::run_process& item) {
    guard::start_process out;
    out.request = item.request;
    out.label = item.label;
    out.package = item.package;
    out.argv = item.argv;
    out.environment = item.environment;
    out.log_file = item.log_file;
    out.timeout = item.timeout;
    out.ends_whole = item.service;
    client_.send(out);
}

void processes::kill(const node::kill_process& item) {
    client_.send(guard::kill_process{item.request, item.grace, true});
}

void processes::clear(const node::clear_package& item) {
    client_.send(guard::clear_package{item.request, item.package});
}

void processes::write_log(const node::write_log& item) { client_.send(guard::write_log{item.log_file, item.text}); }

void processes::run_host(request_id request, const std::string& instance, std::vector<std::string> argv,
                         std::string log_file) {
    hosts_[request] = true;
    guard::start_process out;
    out.request = request;
    out.label = "plugin:" + instance;
    out.argv = std::move(argv);
    out.log_file = std::move(log_file);
    out.wants_socket = true;
    client_.send(out);
}

// A server that a plugin started (by its init script) is the package's, not the host's.
void processes::kill_host(request_id request) { client_.send(guard::kill_process{request, duration{0}, false}); }
void processes::end_call(request_id call) { client_.send(guard::end_call{call}); }

void processes::lease(const node::set_lease& item) {
    client_.send(guard::set_lease{item.end, item.packages, item.detached});
}
void processes::arm_watchdog(const std::string& path, duration timeout) {
    client_.send(guard::arm_watchdog{path, timeout});
}
void processes::reset(const std::string& reason) { client_.send(guard::reset_node{reason}); }
void processes::shut_down() { client_.send(guard::shut_down{}); }

}  // namespace mainstay::runtime
