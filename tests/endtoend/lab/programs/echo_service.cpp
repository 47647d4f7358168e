// A service of a test package: answers datagrams, and keeps the shared file. usage: echo_service PORT [SHARED_FILE]
//
// Each answer is the question and `NODE GENERATION PID`. The shared file is one that all nodes can reach, as a disk
// would be: a line every few milliseconds as long as this service lives, so that two writers at once cannot stay
// unseen.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

namespace {

constexpr long pace_ns = 5'000'000;
constexpr double ns_per_s = 1e9;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::string who_am_i() {
    auto node = environment("MAINSTAY_NODE");
    if (node.empty()) {
        std::array<char, 256> name{};
        if (::gethostname(name.data(), name.size() - 1) == 0) node = name.data();
    }
    auto generation = environment("MAINSTAY_GENERATION");
    return node + " " + (generation.empty() ? "0" : generation) + " " + std::to_string(::getpid());
}

class shared_file {
public:
    shared_file(const char* path, std::string who) : who_(std::move(who)) {
        if (path != nullptr) fd_ = ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    }
    void write(const char* word) const {
        if (fd_ < 0) return;
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        std::array<char, 512> line{};
        auto size = std::snprintf(line.data(), line.size(), "%s %s %.6f\n", word, who_.c_str(),
                                  static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / ns_per_s);
        if (::write(fd_, line.data(), static_cast<std::size_t>(size)) != size) std::perror("echo_service: shared file");
    }

private:
    std::string who_;
    int fd_ = -1;
};

int listen_at(int port) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<std::uint16_t>(port));
    // An answer must come from the address that was asked; the kernel says which that was.
    bool ready = fd >= 0 && ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                 ::setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0 &&
                 ::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
    return ready ? fd : -1;
}

void answer(int fd, const std::string& who) {
    std::array<char, 512> text{};
    alignas(cmsghdr) std::array<char, 128> extra{};
    sockaddr_in whom{};
    iovec part{text.data(), 256};
    msghdr message{};
    message.msg_name = &whom;
    message.msg_namelen = sizeof whom;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = extra.data();
    message.msg_controllen = extra.size();
    auto size = ::recvmsg(fd, &message, 0);
    if (size < 0 || static_cast<std::size_t>(size) + 1 + who.size() > text.size()) return;
    text[static_cast<std::size_t>(size)] = ' ';
    std::memcpy(text.data() + size + 1, who.data(), who.size());
    part.iov_len = static_cast<std::size_t>(size) + 1 + who.size();
    // Nobody to complain to: the client asks again.
    if (::sendmsg(fd, &message, 0) < 0) return;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fputs("usage: echo_service PORT [SHARED_FILE]\n", stderr), 2;
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, nullptr);
    const int stopped = ::signalfd(-1, &stop, SFD_CLOEXEC);
    const auto who = who_am_i();
    const shared_file shared(argc > 2 ? argv[2] : nullptr, who);
    shared.write("start");
    const int port = listen_at(std::atoi(argv[1]));
    const int pace = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    const itimerspec period{{0, pace_ns}, {0, pace_ns}};
    if (port < 0 || stopped < 0 || pace < 0 || ::timerfd_settime(pace, 0, &period, nullptr) != 0)
        return std::perror("echo_service"), 1;
    std::array<pollfd, 3> watched{pollfd{stopped, POLLIN, 0}, pollfd{pace, POLLIN, 0}, pollfd{port, POLLIN, 0}};
    while (::poll(watched.data(), watched.size(), -1) >= 0 || errno == EINTR) {
        if (watched[0].revents != 0) break;
        std::uint64_t ticks = 0;
        if (watched[1].revents != 0 && ::read(pace, &ticks, sizeof ticks) > 0) shared.write("tick");
        if (watched[2].revents != 0) answer(port, who);
    }
    shared.write("stop");
    return 0;
}
