// The methods of the administration API: a request's text in, its answer's text out (now or later).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "runtime/admin_backend.hpp"

namespace mainstay::runtime {

// What one connection watches; nothing = not watching.
struct watch_filter {
    std::string package;
    std::string node;
};

class admin_methods {
public:
    using send_line = std::function<void(std::string line)>;

    explicit admin_methods(admin_backend& backend) : backend_(backend) {}

    // Answers through `send`, at once or when the work is done; `send` may outlive the connection
    // and must then do nothing. Returns the filter when the request was `watch`.
    std::optional<watch_filter> handle(const std::string& line, const std::string& actor, send_line send);

    // The `event` notification for a watcher, or nothing when its filter says no.
    [[nodiscard]] static std::optional<std::string> event_line(const node::happened& item, const watch_filter& filter);
    // The last event for a watcher that reads too slowly; it may go on with `watch since`.
    [[nodiscard]] static std::string lagged_line(std::uint64_t since);
    [[nodiscard]] static std::string error_line(std::int64_t code, const std::string& message);

private:
    admin_backend& backend_;
};

}  // namespace mainstay::runtime
