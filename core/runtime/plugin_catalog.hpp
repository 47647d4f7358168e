// Which plugins are installed and what they say about themselves, asked from a mainstay-plugin-host in
// its describe mode: no library is loaded here (D8).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/plugin/describe.hpp"
#include "runtime/processes.hpp"

namespace boost::asio {
class io_context;
}

namespace mainstay::runtime {

using plugin_list = std::vector<plugin::listed_plugin>;

// mainstay-plugin-host in the folder of the running program.
[[nodiscard]] std::string usual_plugin_host();

// Starts the program and waits for it, some seconds at most. For hactl and tests; the error names the
// program.
[[nodiscard]] result<plugin_list> describe_plugins(const std::string& host_program, const std::string& directory);

// The same in the daemon, which neither forks nor waits: the guard starts the program. One thread.
class plugin_catalog {
public:
    using handler = std::function<void(result<plugin_list>)>;

    plugin_catalog(boost::asio::io_context& loop, std::string host_program, std::string directory, std::string log_file,
                   processes& guard, std::function<request_id()> new_request);
    ~plugin_catalog();

    // `done` comes later, always. Who asks while one is under way shares its answer.
    void list(handler done);
    [[nodiscard]] bool is_of(request_id process) const;
    void host_started(guard::unique_fd socket);
    void host_ended();

private:
    struct body;
    std::unique_ptr<body> body_;
};

}  // namespace mainstay::runtime
