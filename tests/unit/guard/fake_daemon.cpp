// A mainstayd that does nothing by itself: connects to RUN_DIR/test.sock, says its arguments, and
// carries messages between the guard and the test. "\xff" + a digit makes it exit with that code,
// "\xfe" makes it close its end of the guard's socket and live on.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <memory>
#include <string>

#include "guard/client.hpp"

namespace {

class relay : public mainstay::guard::socket_channel {
public:
    using socket_channel::receive_bytes;
    using socket_channel::send_bytes;
    using socket_channel::socket_channel;
};

void carry(relay& from, relay& to) {
    mainstay::guard::unique_fd attached;
    while (auto message = from.receive_bytes(attached)) to.send_bytes(std::move(*message), std::move(attached));
}

}  // namespace

int main(int argc, char** argv) {
    using mainstay::guard::unique_fd;
    std::string run_dir;
    std::string arguments;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--run-dir") == 0 && i + 1 < argc) run_dir = argv[i + 1];
        arguments += std::string(argv[i]) + '\n';
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    auto path = run_dir + "/test.sock";
    if (path.size() >= sizeof address.sun_path) return 99;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    unique_fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 98;
    relay test(std::move(socket));
    auto guard = std::make_unique<relay>(unique_fd(3));
    test.send_bytes("args\n" + arguments, {});
    while (!test.closed()) {
        pollfd polls[2] = {{test.fd(), POLLIN, 0}, {guard ? guard->fd() : -1, POLLIN, 0}};
        (void)::poll(polls, 2, -1);
        unique_fd attached;
        while (auto message = test.receive_bytes(attached)) {
            if (message->front() == '\xff') ::_exit(message->at(1) - '0');
            if (message->front() == '\xfe') guard.reset();
            if (guard) guard->send_bytes(std::move(*message), {});
        }
        if (guard) carry(*guard, test);
        // The guard is gone: a real daemon would end its node now.
        if (guard && guard->closed()) return 97;
    }
    return 0;
}
