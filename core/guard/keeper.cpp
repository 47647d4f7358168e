#include "guard/keeper.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "guard/client.hpp"
#include "guard/process.hpp"

namespace mainstay::guard {

namespace {

// What an older guard left behind is read by a newer one: messages never change, new kinds are appended with a new
// number.
constexpr std::uint32_t keeper_version = 1;
constexpr std::chrono::milliseconds patience{10'000};

struct ask_for_all {
    std::uint32_t version = keeper_version;
    static void fields(auto& self, auto&& visit) { visit("version", self.version); }
};
// The keeper may go.
struct have_all {
    static void fields(auto&, auto&&) {}
};
struct kept_head {
    std::uint32_t version = keeper_version;
    std::string identity;
    std::uint64_t processes = 0;
    std::uint64_t outputs = 0;
    static void fields(auto& self, auto&& visit) {
        visit("version", self.version);
        visit("identity", self.identity);
        visit("processes", self.processes);
        visit("outputs", self.outputs);
    }
};
// With the pipe, if it is still open.
struct kept_pipe {
    std::string log_path;
    static void fields(auto& self, auto&& visit) { visit("log_path", self.log_path); }
};

using to_keeper = std::variant<ask_for_all, have_all>;
using from_keeper = std::variant<kept_head, kept_process, kept_pipe>;
using asking = message_channel<to_keeper, from_keeper>;
using answering = message_channel<from_keeper, to_keeper>;

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

std::string path_in(const std::string& run_dir) { return run_dir + "/keeper.sock"; }

unique_fd new_socket() { return unique_fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

// The pipe stays ours as well, until the other side has all. False: it can't have all.
bool tell_all(answering& to, const kept& what) {
    to.send(kept_head{keeper_version, what.identity, what.processes.size(), what.outputs.size()});
    for (const auto& item : what.processes) to.send(item);
    for (const auto& item : what.outputs) {
        unique_fd copy(item.pipe ? ::dup(item.pipe.get()) : -1);
        if (item.pipe && !copy) return false;
        to.send(kept_pipe{item.log->path()}, std::move(copy));
    }
    return true;
}

// Waits for it, not for ever.
std::optional<asking::arrived> next(asking& from) {
    asking::arrived arrived;
    while (!from.receive(arrived)) {
        from.flush();
        pollfd one{from.fd(), POLLIN, 0};
        if (from.closed() || ::poll(&one, 1, static_cast<int>(patience.count())) <= 0) return std::nullopt;
    }
    return arrived;
}

}  // namespace

result<keeper> keeper::open(const std::string& run_dir) {
    auto path = path_in(run_dir);
    auto address = address_of(path);
    if (path.size() >= sizeof address.sun_path) return fail(path + " is too long for a socket");
    auto door = new_socket();
    ::unlink(path.c_str());
    bool opened = door && ::bind(door.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                  ::listen(door.get(), 1) == 0;
    if (!opened) return fail(path + ": " + std::strerror(errno));
    return keeper(std::move(door), std::move(path));
}

void keeper::run(kept& what) {
    std::optional<answering> successor;
    while (true) {
        std::vector<pollfd> polls{{door_.get(), POLLIN, 0}};
        if (successor)
            polls.push_back(
                {successor->fd(), static_cast<short>(successor->wants_write() ? POLLIN | POLLOUT : POLLIN), 0});
        for (const auto& item : what.outputs)
            if (item.pipe) polls.push_back({item.pipe.get(), POLLIN, 0});
        (void)::poll(polls.data(), polls.size(), -1);
        for (auto& item : what.outputs)
            if (item.pipe && !drain(item.pipe.get(), *item.log, nullptr)) item.pipe.reset();
        if (unique_fd came(::accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)); came)
            successor.emplace(std::move(came));
        if (!successor) continue;
        successor->flush();
        answering::arrived asked;
        bool told_all = true;
        while (told_all && successor->receive(asked)) {
            if (std::holds_alternative<have_all>(asked.message)) {
                ::unlink(path_.c_str());
                return;
            }
            told_all = tell_all(*successor, what);
        }
        if (successor->closed() || !told_all) successor.reset();
    }
}

result<std::optional<kept>> take_over(const std::string& run_dir, const open_log& log_of) {
    auto path = path_in(run_dir);
    auto address = address_of(path);
    auto socket = new_socket();
    if (!socket) return fail(std::string("no socket: ") + std::strerror(errno));
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        // Nobody there, or the one who was there ended with the machine.
        if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<kept>();
        return fail(path + ": " + std::strerror(errno));
    }
    auto silent = [&path] {
        return fail("the keeper of detached packages does not answer at " + path +
                    ": they run, and can't be taken over; restart this machine");
    };
    asking from(std::move(socket));
    from.send(ask_for_all{});
    auto arrived = next(from);
    const auto* head = arrived ? std::get_if<kept_head>(&arrived->message) : nullptr;
    if (head == nullptr) return silent();
    if (head->version > keeper_version)
        return fail("the keeper of detached packages speaks version " + std::to_string(head->version) +
                    ", this guard up to " + std::to_string(keeper_version) +
                    ": install the version that detached them");
    kept all;
    all.identity = head->identity;
    auto processes = head->processes;
    auto outputs = head->outputs;
    while (all.processes.size() < processes || all.outputs.size() < outputs) {
        arrived = next(from);
        if (!arrived) return silent();
        if (auto* process = std::get_if<kept_process>(&arrived->message)) {
            all.processes.push_back(std::move(*process));
        } else if (auto* pipe = std::get_if<kept_pipe>(&arrived->message)) {
            all.outputs.push_back({std::move(arrived->attached), log_of(pipe->log_path)});
        } else {
            return silent();
        }
    }
    from.send(have_all{});
    // Its end: nobody else writes to the logs from here on.
    while (next(from)) continue;
    return std::optional<kept>(std::move(all));
}

}  // namespace mainstay::guard
