#include "arbitrator/client.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace mainstay::arbitrator {

namespace {

using clock = std::chrono::steady_clock;

struct open_socket {
    explicit open_socket(int family) : fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
    ~open_socket() {
        if (fd >= 0) ::close(fd);
    }
    open_socket(const open_socket&) = delete;
    open_socket& operator=(const open_socket&) = delete;
    int fd;
};

struct target {
    sockaddr_storage address{};
    socklen_t size = 0;
};

std::vector<target> resolve(const server_place& where, std::string& problem) {
    std::vector<target> list;
    std::string_view rest = where.hosts;
    while (!rest.empty()) {
        auto word = std::string(rest.substr(0, rest.find(' ')));
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
        if (word.empty()) continue;
        addrinfo wish{};
        wish.ai_family = AF_UNSPEC;
        wish.ai_socktype = SOCK_DGRAM;
        addrinfo* found = nullptr;
        int code = ::getaddrinfo(word.c_str(), std::to_string(where.port).c_str(), &wish, &found);
        if (code != 0) {
            problem = word + ": " + ::gai_strerror(code);
            continue;
        }
        for (const auto* item = found; item != nullptr; item = item->ai_next) {
            target next;
            std::memcpy(&next.address, item->ai_addr, item->ai_addrlen);
            next.size = item->ai_addrlen;
            list.push_back(next);
        }
        ::freeaddrinfo(found);
    }
    return list;
}

// The reply to this question, if one is among what has arrived.
std::optional<reply> take_reply(int fd, const secret::key& key, const question_id& id) {
    std::array<char, 2 * datagram_max> buffer{};
    while (true) {
        auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (size < 0) return std::nullopt;
        auto body = unseal(key, direction::to_node, {buffer.data(), static_cast<std::size_t>(size)});
        auto read = body ? decode<reply>(*body) : std::nullopt;
        if (read && read->id == id) return read;
    }
}

}  // namespace

result<reply> ask(const server_place& where, question asked, std::chrono::milliseconds patience) {
    randombytes_buf(&asked.id.high, sizeof asked.id.high);
    randombytes_buf(&asked.id.low, sizeof asked.id.low);
    auto deadline = clock::now() + patience;
    std::string problem = "no answer; is mainstay-arbitrator running there, with this key?";
    auto targets = resolve(where, problem);
    open_socket four(AF_INET);
    open_socket six(AF_INET6);
    auto next_send = clock::now();
    while (!targets.empty() && clock::now() < deadline) {
        if (clock::now() >= next_send) {
            auto datagram = seal(where.key, direction::to_server, encode(asked));
            for (const auto& item : targets) {
                int fd = item.address.ss_family == AF_INET6 ? six.fd : four.fd;
                auto sent = ::sendto(fd, datagram.data(), datagram.size(), MSG_NOSIGNAL,
                                     reinterpret_cast<const sockaddr*>(&item.address), item.size);
                if (sent < 0) problem = std::strerror(errno);
            }
            next_send = clock::now() + where.resend;
        }
        auto left = std::chrono::ceil<std::chrono::milliseconds>(std::min(deadline, next_send) - clock::now()).count();
        std::array<pollfd, 2> readable{{{four.fd, POLLIN, 0}, {six.fd, POLLIN, 0}}};
        if (::poll(readable.data(), readable.size(), static_cast<int>(std::max<std::int64_t>(left, 0))) <= 0) continue;
        for (const auto& item : readable) {
            if (item.revents == 0) continue;
            if (auto found = take_reply(item.fd, where.key, asked.id)) return std::move(*found);
        }
    }
    return fail("arbitrator " + where.hosts + " port " + std::to_string(where.port) + ": " + problem);
}

}  // namespace mainstay::arbitrator
