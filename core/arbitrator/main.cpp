// mainstay-arbitrator: breaks ties for many clusters. Options, key files, one socket, one loop.
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "arbitrator/service.hpp"

namespace {

namespace arb = mainstay::arbitrator;
namespace fs = std::filesystem;
using mainstay::fail;
using mainstay::result;

constexpr const char* usage =
    "usage: mainstay-arbitrator [--key-dir DIR] [--state-dir DIR] [--listen ADDRESS] [--port N]\n"
    "Breaks ties for the clusters whose keys are in DIR/*.key (/etc/mainstay-arbitrator). SIGHUP reads the keys "
    "anew.\n";

struct options {
    std::string key_dir = "/etc/mainstay-arbitrator";
    std::string state_dir = "/var/lib/mainstay-arbitrator";
    std::string listen;  // empty = every address of the machine
    std::string port = std::to_string(arb::port_default);
};

void say(const std::string& text) { std::fprintf(stderr, "mainstay-arbitrator: %s\n", text.c_str()); }

result<arb::key_ring> read_keys(const std::string& directory) {
    arb::key_ring ring;
    std::error_code code;
    for (fs::directory_iterator entry(directory, code), end; !code && entry != end; entry.increment(code)) {
        if (entry->path().extension() != ".key") continue;
        auto key = mainstay::secret::read_key_file(entry->path().string());
        if (!key) return tl::make_unexpected(key.error());
        ring[arb::id_of(*key)] = *key;
    }
    if (code) return fail(directory + ": " + code.message());
    if (ring.empty())
        return fail(directory + " holds no *.key file; hactl key new " + directory +
                    "/NAME.key makes one, to be copied to " +
                    "the nodes of that cluster as /etc/mainstay/arbitrator.key");
    return ring;
}

result<int> open_socket(const options& chosen) {
    addrinfo wish{};
    wish.ai_family = chosen.listen.empty() ? AF_INET6 : AF_UNSPEC;
    wish.ai_socktype = SOCK_DGRAM;
    wish.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    int code =
        ::getaddrinfo(chosen.listen.empty() ? nullptr : chosen.listen.c_str(), chosen.port.c_str(), &wish, &found);
    if (code != 0) return fail(chosen.listen + " port " + chosen.port + ": " + ::gai_strerror(code));
    int fd = ::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int off = 0;
    if (fd >= 0 && found->ai_family == AF_INET6) (void)::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    bool bound = fd >= 0 && ::bind(fd, found->ai_addr, found->ai_addrlen) == 0;
    int problem = errno;
    ::freeaddrinfo(found);
    if (bound) return fd;
    if (fd >= 0) ::close(fd);
    return fail("port " + chosen.port + ": " + std::strerror(problem));
}

// False when a record is not safe: whoever starts the program again reads what is on the disk.
bool answer_all(int fd, arb::service& service) {
    constexpr int datagrams_per_turn = 256;
    std::array<char, 2 * arb::datagram_max> buffer{};
    for (int i = 0; i < datagrams_per_turn; ++i) {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        auto got = ::recvfrom(fd, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (got < 0) return true;
        auto out = service.handle({buffer.data(), static_cast<std::size_t>(got)}, arb::service::clock::now());
        if (!out) {
            say(out.error().message);
            return false;
        }
        if (*out)
            (void)::sendto(fd, (*out)->data(), (*out)->size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&from), size);
    }
    return true;
}

int serve(const options& chosen) {
    auto keys = read_keys(chosen.key_dir);
    auto kept = arb::records::open(chosen.state_dir);
    auto socket = open_socket(chosen);
    if (!keys || !kept || !socket) {
        say(!keys ? keys.error().message : !kept ? kept.error().message : socket.error().message);
        return 1;
    }
    sigset_t wanted;
    sigemptyset(&wanted);
    for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&wanted, number);
    ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
    int signals = ::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    say("serves " + std::to_string(keys->size()) + " keys and " + std::to_string(kept->all().size()) +
        " clusters on port " + chosen.port);
    arb::service service(std::move(*kept), std::move(*keys));
    while (true) {
        std::array<pollfd, 2> polls{{{*socket, POLLIN, 0}, {signals, POLLIN, 0}}};
        (void)::poll(polls.data(), polls.size(), -1);
        if (polls[0].revents != 0 && !answer_all(*socket, service)) return 1;
        signalfd_siginfo info{};
        if (::read(signals, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
        if (info.ssi_signo != SIGHUP) return 0;
        auto again = read_keys(chosen.key_dir);
        say(again ? std::to_string(again->size()) + " keys" : again.error().message);
        if (again) service.set_keys(std::move(*again));
    }
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    const std::map<std::string, std::string*> known{{"--key-dir", &chosen.key_dir},
                                                    {"--state-dir", &chosen.state_dir},
                                                    {"--listen", &chosen.listen},
                                                    {"--port", &chosen.port}};
    const std::span<char*> words(argv, static_cast<std::size_t>(argc));
    for (std::size_t i = 1; i < words.size(); i += 2) {
        auto option = known.find(words[i]);
        if (option == known.end() || i + 1 >= words.size()) {
            std::fputs(usage, std::string(words[i]) == "--help" ? stdout : stderr);
            return std::string(words[i]) == "--help" ? 0 : 2;
        }
        *option->second = words[i + 1];
    }
    if (sodium_init() < 0) {
        say("libsodium does not start");
        return 1;
    }
    try {
        return serve(chosen);
    } catch (const std::exception& error) {
        say(error.what());
        return 1;
    }
}
