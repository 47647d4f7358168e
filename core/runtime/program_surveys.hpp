// Which programs the nodes have: questions of the administration API to all nodes, and of other nodes to this one.
// Belongs to the loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "node/io.hpp"
#include "runtime/program_files.hpp"

namespace mainstay::runtime {

class program_surveys {
public:
    using handler = std::function<void(const program_looks&)>;
    using feed_handler = std::function<void(node::input)>;

    // `first_id`: of this life of the daemon.
    program_surveys(boost::asio::io_context& loop, std::string own_name, std::uint64_t first_id, feed_handler feed);
    ~program_surveys();
    program_surveys(const program_surveys&) = delete;
    program_surveys& operator=(const program_surveys&) = delete;

    // By node: paths. `out_of_reach` need not be asked. `done` comes later, some seconds at most.
    void begin(const std::map<std::string, std::vector<std::string>>& paths_by_node,
               const std::vector<std::string>& out_of_reach, handler done);
    void look(const node::look_at_programs& asked);
    void told(const node::programs_told& item);

private:
    struct body;
    std::unique_ptr<body> body_;
};

}  // namespace mainstay::runtime
