#include "hactl/connection.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

namespace mainstay::hactl {

namespace {

using json = nlohmann::json;

// A status of many packages stays far below; more is no answer of ours.
constexpr std::size_t line_bytes_max = 64U << 20U;

tl::unexpected<call_error> stop(exit_code code, std::string message) {
    return tl::make_unexpected(call_error{code, std::move(message), {}});
}

std::int64_t monotonic_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// docs/reference/admin-api.md, "Errors".
exit_code exit_of(std::int64_t code) {
    switch (code) {
        case 3:
        case 5:
            return exit_code::no_leader;
        case 4:
            return exit_code::unconfirmed;
        default:
            return exit_code::refused;
    }
}

call_error error_of(const json& error) {
    call_error out;
    out.message = "mainstayd gave an error without a message";
    if (!error.is_object()) return out;
    if (auto code = error.find("code"); code != error.end() && code->is_number_integer()) {
        out.code = exit_of(code->get<std::int64_t>());
    }
    if (auto text = error.find("message"); text != error.end() && text->is_string()) out.message = *text;
    auto data = error.find("data");
    if (data == error.end() || !data->is_object()) return out;
    if (auto nearest = data->find("nearest"); nearest != data->end() && nearest->is_string() && *nearest != "") {
        out.message += "; did you mean " + nearest->get<std::string>() + "?";
    }
    out.data = data->dump();
    return out;
}

}  // namespace

connection::connection(connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), unread_(std::move(other.unread_)), last_id_(other.last_id_) {}

connection::~connection() {
    if (fd_ >= 0) ::close(fd_);
}

tl::expected<connection, call_error> connection::open(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return stop(exit_code::usage, "the path of the socket is empty or too long: " + path);
    }
    std::memcpy(address.sun_path, path.c_str(), path.size());
    connection out(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (out.fd_ >= 0 && ::connect(out.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        return out;
    }
    int code = errno;
    auto message = fmt::format("mainstayd does not answer on {}: {}", path, std::strerror(code));
    if (code == EACCES || code == EPERM) return stop(exit_code::denied, message + "; only root may administer a node");
    return stop(exit_code::unreachable, message + "; is mainstay running on this node?");
}

tl::expected<void, call_error> connection::send(const std::string& line) {
    std::string_view rest = line;
    while (!rest.empty()) {
        auto sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return stop(exit_code::unreachable, "mainstayd closed the connection before it had the request");
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

tl::expected<json, call_error> connection::receive(std::int64_t deadline_ms) {
    std::size_t looked = 0;
    while (true) {
        auto end = unread_.find('\n', looked);
        if (end != std::string::npos) {
            auto message =
                json::parse(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
            unread_.erase(0, end + 1);
            if (!message.is_object())
                return stop(exit_code::unconfirmed, "what answers on the socket is not mainstayd");
            return message;
        }
        looked = unread_.size();
        if (looked > line_bytes_max) return stop(exit_code::unconfirmed, "mainstayd's answer does not end");
        int wait = -1;
        if (deadline_ms != 0) wait = static_cast<int>(std::max<std::int64_t>(deadline_ms - monotonic_ms(), 0));
        pollfd one{fd_, POLLIN, 0};
        int ready = ::poll(&one, 1, wait);
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return stop(exit_code::unconfirmed, "mainstayd did not answer in time");
        char buffer[65536];
        auto got = ::recv(fd_, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            return stop(exit_code::unconfirmed,
                        "mainstayd closed the connection before it answered; `hactl status` tells how things stand");
        }
        unread_.append(buffer, static_cast<std::size_t>(got));
    }
}

tl::expected<json, call_error> connection::call(const std::string& method, const json& params,
                                                const std::function<void(const json&)>& progress,
                                                std::int64_t limit_ms) {
    auto id = ++last_id_;
    auto line = json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}.dump(
        -1, ' ', false, json::error_handler_t::replace);
    if (auto sent = send(line + '\n'); !sent) return tl::make_unexpected(sent.error());
    auto deadline = limit_ms == 0 ? 0 : monotonic_ms() + limit_ms;
    while (true) {
        auto message = receive(deadline);
        if (!message) return message;
        if (message->contains("method")) {
            auto step = message->find("params");
            bool ours = step != message->end() && step->is_object() && step->value("id", json()) == id;
            if (ours && message->at("method") == "progress" && progress) progress(*step);
            continue;
        }
        auto answered = message->find("id");
        bool to_us = answered != message->end() && *answered == id;
        // Without an id it answers a line that the server could not read: also ours, we sent no other.
        bool to_nobody = answered == message->end() || answered->is_null();
        if (!to_us && !to_nobody) continue;
        if (auto error = message->find("error"); error != message->end()) return tl::make_unexpected(error_of(*error));
        if (auto result = message->find("result"); to_us && result != message->end()) return *result;
        return stop(exit_code::unconfirmed, "mainstayd gave neither a result nor an error");
    }
}

tl::expected<json, call_error> connection::next_event() {
    while (true) {
        auto message = receive(0);
        if (!message) return message;
        auto method = message->find("method");
        auto params = message->find("params");
        if (method != message->end() && *method == "event" && params != message->end()) return *params;
    }
}

}  // namespace mainstay::hactl
