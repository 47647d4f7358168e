// The socket between mainstayd and mainstay-guard: whole messages, in order, with a file descriptor
// where one is handed over. Never blocks: what the socket does not take is kept until flush().
// One thread. Both programs use it, the daemon as guard::client.
#pragma once

#include <deque>
#include <optional>

#include "guard/protocol.hpp"
#include "guard/unique_fd.hpp"

namespace mainstay::guard {

class socket_channel {
public:
    explicit socket_channel(unique_fd socket);

    [[nodiscard]] int fd() const { return socket_.get(); }
    // The other side is gone, or sent what is no message: nothing can be trusted any more.
    [[nodiscard]] bool closed() const { return closed_; }
    // Wait for POLLOUT as well, then flush().
    [[nodiscard]] bool wants_write() const { return !closed_ && !pending_.empty(); }
    void flush();

protected:
    void send_bytes(bytes message, unique_fd attached);
    // Nothing when no message is there; look at closed() then.
    std::optional<bytes> receive_bytes(unique_fd& attached);
    void close() { closed_ = true; }

private:
    struct outgoing {
        bytes message;
        unique_fd attached;
    };
    bool send_now(const outgoing& item);

    unique_fd socket_;
    std::deque<outgoing> pending_;
    bool closed_ = false;
};

template <class Outgoing, class Incoming>
class message_channel : public socket_channel {
public:
    using socket_channel::socket_channel;

    struct arrived {
        Incoming message;
        unique_fd attached;  // with `started` of a process that wants a socket
    };

    void send(const Outgoing& message, unique_fd attached = {}) { send_bytes(encode(message), std::move(attached)); }

    // Call until it returns false whenever the socket is readable; look at closed() then.
    bool receive(arrived& out) {
        out.attached.reset();
        auto data = receive_bytes(out.attached);
        if (!data) return false;
        codec::reader reader(*data);
        reader.get(out.message);
        if (reader.ok() && reader.at_end()) return true;
        close();
        return false;
    }
};

using client = message_channel<to_guard, from_guard>;
using daemon_channel = message_channel<from_guard, to_guard>;

}  // namespace mainstay::guard
