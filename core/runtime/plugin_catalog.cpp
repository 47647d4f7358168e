#include <utility>

#include "runtime/plugin_catalog.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>

namespace mainstay::runtime {

namespace asio = boost::asio;

namespace {

// Above what the host allows for one library after the other; a directory of hanging ones is cut off.
constexpr std::chrono::seconds patience{30};
constexpr std::size_t bytes_max = 4U << 20;

result<plugin_list> answer_of(const bytes& said, const std::string& program) {
    auto list = plugin::decode_descriptions(said);
    if (!list) return fail(program + " did not tell which plugins there are");
    return std::move(*list);
}

}  // namespace

std::string usual_plugin_host() {
    std::array<char, PATH_MAX> path{};
    auto size = ::readlink("/proc/self/exe", path.data(), path.size());
    std::string text(path.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return text.substr(0, text.rfind('/')) + "/mainstay-plugin-host";
}

result<plugin_list> describe_plugins(const std::string& host_program, const std::string& directory) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(std::string("no pipe: ") + std::strerror(errno));
    guard::unique_fd ours(ends[0]);
    guard::unique_fd theirs(ends[1]);
    posix_spawn_file_actions_t actions{};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs.get(), 1);
    std::array<std::string, 3> words{host_program, "--describe", directory};
    std::array<char*, 4> argv{words[0].data(), words[1].data(), words[2].data(), nullptr};
    pid_t pid = 0;
    int problem = ::posix_spawn(&pid, host_program.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    theirs.reset();
    if (problem != 0) return fail(host_program + ": " + std::strerror(problem));
    bytes said;
    auto deadline = std::chrono::steady_clock::now() + patience;
    std::array<char, 16384> buffer{};
    bool over = false;
    while (!over && said.size() < bytes_max) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        pollfd readable{ours.get(), POLLIN, 0};
        if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) == 0) break;
        auto size = ::read(ours.get(), buffer.data(), buffer.size());
        if (size > 0) said.append(buffer.data(), static_cast<std::size_t>(size));
        over = size == 0 || (size < 0 && errno != EINTR);
    }
    if (!over) ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return answer_of(said, host_program);
}

struct plugin_catalog::body {
    body(asio::io_context& loop, processes& guard_of) : guard(guard_of), stream(loop), limit(loop) {}

    void read() {
        stream.async_read_some(asio::buffer(buffer), [this](const boost::system::error_code& error, std::size_t size) {
            if (error == asio::error::operation_aborted) return;
            if (error || said.size() + size > bytes_max) return end();
            said.append(buffer.data(), size);
            read();
        });
    }

    // Its socket is at its end, or it has ended, or its time is over.
    void end() {
        if (!process) return;
        guard.kill_host(std::exchange(process, {}));
        boost::system::error_code ignored;
        stream.close(ignored);
        limit.cancel();
        auto found = answer_of(std::exchange(said, {}), program);
        for (const auto& done : std::exchange(waiting, {})) done(found);
    }

    processes& guard;
    asio::posix::stream_descriptor stream;
    asio::steady_timer limit;
    std::array<char, 16384> buffer{};
    std::string program;
    std::string directory;
    std::string log_file;
    std::function<request_id()> new_request;
    request_id process;  // 0 = none under way
    bytes said;
    std::vector<handler> waiting;
};

plugin_catalog::plugin_catalog(asio::io_context& loop, std::string host_program, std::string directory,
                               std::string log_file, processes& guard, std::function<request_id()> new_request)
    : body_(std::make_unique<body>(loop, guard)) {
    body_->program = std::move(host_program);
    body_->directory = std::move(directory);
    body_->log_file = std::move(log_file);
    body_->new_request = std::move(new_request);
}

plugin_catalog::~plugin_catalog() = default;

void plugin_catalog::list(handler done) {
    body_->waiting.push_back(std::move(done));
    if (body_->process) return;
    body_->process = body_->new_request();
    body_->guard.run_host(body_->process, "describe", {body_->program, "--describe", body_->directory, "--fd", "3"},
                          body_->log_file);
    body_->limit.expires_after(patience);
    body_->limit.async_wait([this](const boost::system::error_code& error) {
        if (!error) body_->end();
    });
}

bool plugin_catalog::is_of(request_id process) const { return body_->process && process == body_->process; }

void plugin_catalog::host_started(guard::unique_fd socket) {
    boost::system::error_code error;
    body_->stream.assign(socket.release(), error);
    body_->stream.non_blocking(true, error);
    body_->read();
}

// What it said last may still be in the socket: reading comes to its end by itself.
void plugin_catalog::host_ended() {
    if (!body_->stream.is_open()) body_->end();
}

}  // namespace mainstay::runtime
