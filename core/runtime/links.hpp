// The heartbeat thread (architecture.md section 4): all links of this node, sealing, the beat.
// It repeats the core's beat template with its own send time, and falls silent when the core's last
// turn is too old. Received data goes to the core as it is opened; only the first copy counts.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "model/config.hpp"
#include "model/result.hpp"
#include "node/io.hpp"
#include "runtime/seal.hpp"

namespace mainstay::runtime {

struct peer_status {
    std::string name;
    time_point heard = time_point::min();
    duration round_trip{0};  // 0 = not measured yet
    double loss_percent = 0;
};

struct link_status {
    std::string name;
    std::string plugin;
    bool local_fault = false;
    std::string text;  // what is wrong
    duration beat_period{0};
    std::vector<peer_status> peers;
};

class links {
public:
    // All are called on the heartbeat thread. `seen` tells what is wrong on this machine, whenever it changes.
    links(const std::string& own_name, const seal_key& key, std::string plugin_dir,
          std::function<void(std::vector<node::datagram>)> received, std::function<void(node::links_seen)> seen,
          std::function<void(std::string severity, std::string text)> log);
    ~links();
    links(const links&) = delete;
    links& operator=(const links&) = delete;

    // From the core's thread. A configuration whose links are the same changes nothing.
    void configure(const cluster_config& cluster);
    void publish(node::publish_beat item);
    void send(node::send item);
    [[nodiscard]] std::vector<link_status> status() const;
    [[nodiscard]] std::uint64_t refused_frames() const;

private:
    struct link;
    struct worker;
    void run();
    void nudge() const;

    struct shared;
    std::unique_ptr<shared> shared_;
    std::unique_ptr<worker> worker_;
    int event_fd_ = -1;
    std::thread thread_;
};

}  // namespace mainstay::runtime
