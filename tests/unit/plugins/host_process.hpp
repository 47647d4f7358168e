// A plugin in its real mainstay-plugin-host process, driven through host_client over a socket pair
// as the daemon does it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "child.hpp"
#include "net_namespace.hpp"
#include "runtime/plugin/host_client.hpp"

namespace mainstay::test {

class host_process {
public:
    // `config.file` is the plugin's name; own node and nodes default to one node `a`.
    // `before` runs in the new process.
    explicit host_process(plugin::instance_config config, const net_namespace* where = nullptr,
                          const std::function<void()>& before = {});

    // Waits at most 60 s for the answer; the test fails without one.
    plugin::answer call(plugin::verb verb, const std::string& subject = {}, const plugin::field_map& args = {});
    // The refusal's text; empty when the plugin came up.
    std::string refusal();
    // The next event of that name (others before it are thrown away), waited for at most 60 s.
    plugin::event await_event(const std::string& name);
    // Everything that was said until now, without waiting.
    std::vector<plugin::event> events();

    void close_socket() { socket_.reset(); }
    child& process() { return process_; }
    plugin::host_client& client() { return client_; }
    // Moves bytes once; false at the end of the socket or after `patience_ms` without any.
    bool pump(int patience_ms);

private:
    std::optional<plugin::answer> find_answer(std::uint64_t id);

    kit::unique_fd socket_;
    child process_;
    plugin::host_client client_;
    std::vector<plugin::from_host> said_;
    std::uint64_t next_id_ = 1;
};

}  // namespace mainstay::test
