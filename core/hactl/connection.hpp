// One connection to mainstayd's administration socket: JSON-RPC 2.0, one text per line
// (docs/reference/admin-api.md). Blocking, one request at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "hactl/exit_code.hpp"
#include "model/result.hpp"

namespace mainstay::hactl {

// How a call ended, when not with a result.
struct call_error {
    exit_code code = exit_code::refused;
    std::string message;  // a sentence for the administrator
    std::string data;     // error.data as JSON text, or empty
};

class connection {
public:
    // Takes over a connected stream socket.
    explicit connection(int fd) : fd_(fd) {}
    connection(connection&& other) noexcept;
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    connection& operator=(connection&&) = delete;
    ~connection();

    [[nodiscard]] static tl::expected<connection, call_error> open(const std::string& path);

    // Sends a request and waits for its answer. `progress` sees the parameters of every progress
    // notification meanwhile. `limit_ms` 0 = as long as it takes.
    [[nodiscard]] tl::expected<nlohmann::json, call_error> call(
        const std::string& method, const nlohmann::json& params,
        const std::function<void(const nlohmann::json&)>& progress, std::int64_t limit_ms = 0);

    // After `watch`: the parameters of the next event. An error when the stream ended.
    [[nodiscard]] tl::expected<nlohmann::json, call_error> next_event();

private:
    [[nodiscard]] tl::expected<void, call_error> send(const std::string& line);
    // One line without its end, waiting until `deadline_ms` of CLOCK_MONOTONIC (0 = for ever).
    [[nodiscard]] tl::expected<nlohmann::json, call_error> receive(std::int64_t deadline_ms);

    int fd_;
    std::string unread_;
    std::int64_t last_id_ = 0;
};

}  // namespace mainstay::hactl
