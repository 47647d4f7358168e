// External scripts called with `validate`: questions of the administration API to all nodes, and of other nodes to this
// one, where the guard runs the script. Belongs to the loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/validations.hpp"
#include "node/io.hpp"

namespace boost::asio {
class io_context;
}

namespace mainstay::runtime {

class script_validations {
public:
    using handler = std::function<void(const validation_results&)>;
    struct edge {
        std::string own_name;
        std::function<void(node::input)> feed;
        std::function<void(node::run_process)> run;  // ends as `ended` says
        std::function<request_id()> new_request;
    };

    // `first_id`: of this life of the daemon.
    script_validations(boost::asio::io_context& loop, std::uint64_t first_id, edge around);
    ~script_validations();
    script_validations(const script_validations&) = delete;
    script_validations& operator=(const script_validations&) = delete;

    // `left_out`: nodes that are not asked, and why. `done` comes later, within minutes.
    void begin(const std::vector<script_to_validate>& scripts, const std::map<std::string, std::string>& left_out,
               handler done);
    // A question of another node.
    void validate(const node::validate_script& asked);
    void told(const node::validation_told& item);
    // False when it is no process of this.
    bool ended(const node::process_exited& item);

private:
    struct body;
    std::unique_ptr<body> body_;
};

}  // namespace mainstay::runtime
