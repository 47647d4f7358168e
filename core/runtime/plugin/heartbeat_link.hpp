// A heartbeat plugin's instance inside the daemon. All calls from the one heartbeat thread; none
// blocks. Times are the core's (CLOCK_BOOTTIME).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/result.hpp"
#include "model/time.hpp"
#include "runtime/plugin/instance.hpp"

namespace mainstay::plugin {

class heartbeat_link {
public:
    static constexpr std::uint32_t all_peers = MAINSTAY_PEER_ALL;
    enum class send_kind { beat, log };

    struct state {
        bool local_fault = false;  // D5: a node whose own links all have one never fences
        std::string text;
        field_map counters;
    };

    // Fails when the plugin is no heartbeat or refuses its parameters.
    [[nodiscard]] static result<heartbeat_link> create(library from, const instance_config& config,
                                                       host_callbacks callbacks);

    // An error is not final: tick() tries again with back-off.
    result<void> open(time_point now);
    void close();
    [[nodiscard]] int fd() const;  // to poll for reading, -1 while closed; ask after every tick
    [[nodiscard]] bool wants_write() const;
    time_point tick(time_point now);  // when to call again at the latest, `never` = no need

    // Place of the peer in instance_config::nodes, or all_peers. False = dropped.
    bool send(time_point now, std::uint32_t peer, send_kind kind, std::string_view datagram);
    // One datagram into `buffer`, empty when there is none.
    [[nodiscard]] std::string_view receive(time_point now, std::span<char> buffer);

    [[nodiscard]] std::size_t mtu() const;
    [[nodiscard]] duration frame_time(std::size_t size) const;
    [[nodiscard]] bool is_point_to_point() const;
    [[nodiscard]] state link_state() const;

private:
    explicit heartbeat_link(instance made) : instance_(std::move(made)) {}
    [[nodiscard]] const mainstay_heartbeat_functions& functions() const;

    instance instance_;
};

}  // namespace mainstay::plugin
