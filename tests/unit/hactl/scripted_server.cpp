#include "scripted_server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace mainstay::hactl::testing {

scripted_server::scripted_server(std::vector<exchange> script) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
    client_ = ends[0];
    server_ = ends[1];
    thread_ = std::thread([this, script = std::move(script)] { play(script); });
}

scripted_server::~scripted_server() {
    if (client_ >= 0) ::close(client_);
    if (thread_.joinable()) thread_.join();
}

connection scripted_server::connect() { return connection(std::exchange(client_, -1)); }

std::vector<std::string> scripted_server::requests() {
    if (client_ >= 0) ::close(std::exchange(client_, -1));
    if (thread_.joinable()) thread_.join();
    return requests_;
}

void scripted_server::play(std::vector<exchange> script) {
    std::string unread;
    for (const auto& step : script) {
        std::string id = "null";
        if (!step.method.empty()) {
            char buffer[4096];
            while (unread.find('\n') == std::string::npos) {
                auto got = ::recv(server_, buffer, sizeof buffer, 0);
                if (got <= 0) break;
                unread.append(buffer, static_cast<std::size_t>(got));
            }
            auto end = unread.find('\n');
            if (end == std::string::npos) break;
            auto request = nlohmann::json::parse(unread.substr(0, end), nullptr, false);
            unread.erase(0, end + 1);
            if (!request.is_object() || request.value("method", "") != step.method) break;
            id = request["id"].dump();
            requests_.push_back(request["params"].dump());
        }
        for (auto piece : step.pieces) {
            for (auto at = piece.find("@ID"); at != std::string::npos; at = piece.find("@ID")) piece.replace(at, 3, id);
            if (::send(server_, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
        }
    }
    ::close(server_);
}

outcome run_command(const std::vector<std::string>& arguments, std::vector<exchange> script,
                    const std::string& config_dir) {
    bool reachable = !script.empty();
    scripted_server server(std::move(script));
    outcome out{};
    surroundings around;
    around.to.out = [&out](std::string_view text) { out.out += text; };
    around.to.err = [&out](std::string_view text) { out.err += text; };
    around.config_dir = config_dir;
    around.plugin_dir = "/nonexistent";
    around.version = "0.0.0";
    around.connect = [&](const std::string& path) -> tl::expected<connection, call_error> {
        if (!reachable) return connection::open(path);
        return server.connect();
    };
    around.default_socket = "/nonexistent/admin.sock";
    out.code = run(arguments, around);
    out.requests = server.requests();
    return out;
}

}  // namespace mainstay::hactl::testing
