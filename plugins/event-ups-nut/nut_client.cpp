#include "nut_client.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "common/text.hpp"

namespace mainstay::ups_nut {

namespace {
constexpr std::size_t line_limit = 4096;
}

// True when ready; false (and no connection any more) on interrupt, error or deadline.
bool nut_client::wait(short events, clock::time_point deadline) {
    while (true) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
        if (left <= 0) return lose("no answer in time");
        std::array<pollfd, 2> wanted{{{socket_.get(), events, 0}, {interrupt_, POLLIN, 0}}};
        auto ready = ::poll(wanted.data(), wanted.size(), static_cast<int>(left));
        if (wanted[1].revents != 0) return lose("stopped");
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return lose(kit::error_text(errno));
    }
}

bool nut_client::lose(std::string why) {
    socket_.reset();
    received_.clear();
    problem_ = std::move(why);
    return false;
}

bool nut_client::connect(const std::string& host, const std::string& port, clock::time_point deadline) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* raw = nullptr;
    if (int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &raw); code != 0)
        return lose(host + ": " + ::gai_strerror(code));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(raw, ::freeaddrinfo);
    const auto where = host + " port " + port + ": ";
    for (const auto* item = raw; item != nullptr; item = item->ai_next) {
        socket_.reset(::socket(item->ai_family, item->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, item->ai_protocol));
        if (!socket_) continue;
        if (::connect(socket_.get(), item->ai_addr, item->ai_addrlen) != 0 && errno != EINPROGRESS) {
            lose(where + kit::error_text(errno));
            continue;
        }
        if (!wait(POLLOUT, deadline)) continue;
        int problem = 0;
        socklen_t size = sizeof problem;
        ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem != 0) {
            lose(where + kit::error_text(problem));
            continue;
        }
        const int yes = 1;
        ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        return true;
    }
    return false;
}

bool nut_client::ask(std::string_view line, std::string& answer, clock::time_point deadline) {
    if (!socket_) return lose("not connected");
    const auto request = std::string(line) + "\n";
    if (!wait(POLLOUT, deadline)) return false;
    // A few dozen bytes on an idle connection: they go at once or never.
    if (::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
        return lose("can't be written: " + kit::error_text(errno));
    while (true) {
        if (auto end = received_.find('\n'); end != std::string::npos) {
            answer = received_.substr(0, end);
            received_.erase(0, end + 1);
            return true;
        }
        if (received_.size() > line_limit) return lose("sends an endless line; is this an upsd?");
        if (!wait(POLLIN, deadline)) return false;
        std::array<char, 1024> buffer{};
        auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (size <= 0) return lose(size == 0 ? "upsd closed the connection" : kit::error_text(errno));
        received_.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

bool parse_var(std::string_view line, std::string_view name, std::string& value) {
    if (!line.starts_with("VAR ")) return false;
    auto at = line.find(" " + std::string(name) + " \"");
    if (at == std::string_view::npos) return false;
    value.clear();
    for (auto i = at + name.size() + 3; i < line.size(); ++i) {
        if (line[i] == '"') return true;
        if (line[i] == '\\' && i + 1 < line.size()) ++i;
        value += line[i];
    }
    return false;
}

std::string quoted(std::string_view word) {
    if (!word.empty() && word.find_first_of(" \"\\") == std::string_view::npos) return std::string(word);
    std::string out = "\"";
    for (char c : word) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

}  // namespace mainstay::ups_nut
