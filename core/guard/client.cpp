#include "guard/client.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace mainstay::guard {

namespace {

// Messages that wait for a reader which never reads would grow without end.
constexpr std::size_t pending_max = 10'000;

union control_space {
    cmsghdr header;
    char raw[CMSG_SPACE(sizeof(int))];
};

}  // namespace

socket_channel::socket_channel(unique_fd socket) : socket_(std::move(socket)) {
    int size = static_cast<int>(message_bytes_max) * 2;
    // Large messages are rare; where the limit does not allow it, they fail one by one.
    if (setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
        (void)setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
}

bool socket_channel::send_now(const outgoing& item) {
    iovec part{const_cast<char*>(item.message.data()), item.message.size()};
    control_space control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (item.attached) {
        header.msg_control = control.raw;
        header.msg_controllen = sizeof control.raw;
        auto* entry = CMSG_FIRSTHDR(&header);
        entry->cmsg_level = SOL_SOCKET;
        entry->cmsg_type = SCM_RIGHTS;
        entry->cmsg_len = CMSG_LEN(sizeof(int));
        int fd = item.attached.get();
        std::memcpy(CMSG_DATA(entry), &fd, sizeof fd);
    }
    ssize_t sent = 0;
    do {
        sent = sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) closed_ = true;
    return false;
}

void socket_channel::flush() {
    while (!closed_ && !pending_.empty() && send_now(pending_.front())) pending_.pop_front();
}

void socket_channel::send_bytes(bytes message, unique_fd attached) {
    if (closed_) return;
    if (message.size() > message_bytes_max || pending_.size() >= pending_max) {
        closed_ = true;
        return;
    }
    pending_.push_back({std::move(message), std::move(attached)});
    flush();
}

std::optional<bytes> socket_channel::receive_bytes(unique_fd& attached) {
    while (!closed_) {
        auto size = recv(socket_.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
        // No message is empty (a variant takes a byte), so zero is the end of the stream.
        if (size <= 0 || static_cast<std::size_t>(size) > message_bytes_max) break;
        bytes message(static_cast<std::size_t>(size), '\0');
        iovec part{message.data(), message.size()};
        control_space control{};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.raw;
        header.msg_controllen = sizeof control.raw;
        auto got = recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got < 0 && errno == EINTR) continue;
        if (got != size || (header.msg_flags & MSG_TRUNC) != 0) break;
        for (auto* entry = CMSG_FIRSTHDR(&header); entry != nullptr; entry = CMSG_NXTHDR(&header, entry)) {
            if (entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) continue;
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(entry), sizeof fd);
            attached.reset(fd);
        }
        return message;
    }
    closed_ = true;
    return std::nullopt;
}

}  // namespace mainstay::guard
