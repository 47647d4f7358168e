// Every plugin instance but heartbeats lives in a process of its own (D8): started when first
// needed, started again when it died or hung. A call without an answer in time is unknown.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "model/config.hpp"
#include "node/io.hpp"
#include "runtime/plugin/wire.hpp"
#include "runtime/processes.hpp"

namespace boost::asio {
class io_context;
}

namespace mainstay::runtime {

struct host_setup {
    std::string own_node;
    std::string plugin_dir;
    std::string host_program;
    std::string log_dir;
};

class plugin_hosts {
public:
    plugin_hosts(boost::asio::io_context& loop, host_setup setup, processes& guard,
                 std::function<request_id()> new_request, std::function<void(node::plugin_answer)> answered,
                 std::function<void(node::plugin_event)> event,
                 std::function<void(std::string severity, std::string text)> log);
    ~plugin_hosts();

    // Instances follow the configuration: gone or changed ones end, with a call under way after its answer.
    void configure(const configuration& config);
    void call(const node::call_plugin& item);
    // Exactly these run, as long as the configuration has them.
    void run_event_sources(std::set<std::string> instances);
    void host_started(request_id request, guard::unique_fd socket);
    void host_ended(request_id request, const std::string& why);
    void call_ended(request_id call);

private:
    struct host;
    host* find(request_id process);
    void go_on(const std::string& name);
    void take_script_address(const node::call_plugin& item);
    void start(host& item);
    void read(host& item);
    void write(host& item);
    void pump(host& item);
    void drop(host& item, const std::string& why);
    void arm(host& item);
    void await_end(host& item);

    boost::asio::io_context& loop_;
    host_setup setup_;
    processes& guard_;
    std::function<request_id()> new_request_;
    std::function<void(node::plugin_answer)> answered_;
    std::function<void(node::plugin_event)> event_;
    std::function<void(std::string, std::string)> log_;
    std::map<std::string, plugin::instance_config> instances_;
    std::map<std::string, plugin::instance_config> script_addresses_;  // of them, what no configuration names
    std::map<std::string, std::unique_ptr<host>> hosts_;
    std::set<std::string> event_sources_;
    std::uint64_t lives_ = 0;
};

}  // namespace mainstay::runtime
