#include "runtime/plugin/host.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "runtime/plugin/instance.hpp"
#include "runtime/plugin/loader.hpp"
#include "runtime/plugin/wire.hpp"

namespace mainstay::plugin {

namespace {

// Time that a running call or event source gets to finish after the daemon has gone.
constexpr auto last_orders = std::chrono::seconds(2);

// Messages to the daemon, from any thread. Without a reader nothing is left to say.
class outlet {
public:
    explicit outlet(int socket) : socket_(socket) {}

    void say(const from_host& message) {
        const bytes data = framed(message);
        const std::scoped_lock lock(mutex_);
        std::string_view rest = data;
        while (!rest.empty()) {
            auto sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent <= 0) return;
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

private:
    int socket_;
    std::mutex mutex_;
};

class call_queue {
public:
    void push(call asked) {
        const std::scoped_lock lock(mutex_);
        waiting_.push_back(std::move(asked));
        changed_.notify_one();
    }
    void finish() {
        const std::scoped_lock lock(mutex_);
        finished_ = true;
        changed_.notify_one();
    }
    // Blocks; nothing = finished. Calls that were not begun are dropped: their asker is gone.
    std::optional<call> pop() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return finished_ || !waiting_.empty(); });
        if (finished_) return std::nullopt;
        auto asked = std::move(waiting_.front());
        waiting_.pop_front();
        return asked;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<call> waiting_;
    bool finished_ = false;
};

// The messages of the daemon, one by one; nothing at the end of the socket or on garbage.
class inlet {
public:
    explicit inlet(int socket) : socket_(socket) {}

    std::optional<to_host> next() {
        std::array<char, 16 * 1024> buffer{};
        while (true) {
            auto message = reader_.next();
            if (!message) return std::nullopt;
            if (*message) return std::move(**message);
            auto size = ::recv(socket_, buffer.data(), buffer.size(), 0);
            if (size < 0 && errno == EINTR) continue;
            if (size <= 0) return std::nullopt;
            reader_.feed(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
        }
    }

private:
    int socket_;
    frame_reader<to_host> reader_;
};

// Counts the threads that still use the instance.
class rest_room {
public:
    void enter() {
        const std::scoped_lock lock(mutex_);
        ++inside_;
    }
    void leave() {
        const std::scoped_lock lock(mutex_);
        --inside_;
        changed_.notify_all();
    }
    bool wait_until_empty() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, last_orders, [this] { return inside_ == 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int inside_ = 0;
};

result<instance> make_instance(const instance_config& config, outlet& out) {
    auto code = load(config.file);
    if (!code) return tl::make_unexpected(code.error());
    if (code->info().kind == kind::heartbeat)
        return fail(fmt::format("{}: heartbeat plugins run inside the daemon", config.file));
    return instance::create(std::move(*code), config,
                            {[&out](severity level, std::string_view text) {
                                 out.say(log_line{level, std::string(text)});
                             },
                             [&out](severity level, std::string_view name, const field_map& fields) {
                                 out.say(event{level, std::string(name), fields});
                             }});
}

void serve_instance(instance& plugin, inlet& in, outlet& out) {
    call_queue queue;
    rest_room users;
    users.enter();
    std::thread caller([&] {
        while (auto asked = queue.pop()) {
            // Whatever the call starts carries its number: who has to end it knows it by that.
            ::setenv("MAINSTAY_CALL", std::to_string(asked->id).c_str(), 1);
            out.say(plugin.perform(*asked));
        }
        users.leave();
    });
    std::atomic<bool> ending = false;
    std::thread events;
    if (plugin.info().kind == kind::event_source) {
        users.enter();
        events = std::thread([&] {
            plugin.run();
            // An event source that ends by itself would be silent for ever; a new process is not.
            if (!ending) {
                out.say(log_line{severity::warning, plugin.info().name + ": the event source has ended by itself"});
                ::_exit(1);
            }
            users.leave();
        });
    }
    while (auto message = in.next()) {
        auto* asked = std::get_if<call>(&*message);
        if (asked == nullptr) break;
        queue.push(std::move(*asked));
    }
    ending = true;
    queue.finish();
    plugin.stop();
    // A hanging plugin can't be asked twice: the process goes, and with it the hanging thread.
    if (!users.wait_until_empty()) ::_exit(0);
    caller.join();
    if (events.joinable()) events.join();
}

}  // namespace

int serve(int socket) {
    // Commands that plugins run must not keep the daemon's socket open.
    ::fcntl(socket, F_SETFD, FD_CLOEXEC);
    outlet out(socket);
    inlet in(socket);
    auto first = in.next();
    if (!first) return 1;
    const auto* config = std::get_if<instance_config>(&*first);
    if (config == nullptr) return 1;
    auto plugin = make_instance(*config, out);
    if (!plugin) {
        out.say(refused{plugin.error().message});
        return 1;
    }
    out.say(ready{plugin->info()});
    serve_instance(*plugin, in, out);
    return 0;
}

}  // namespace mainstay::plugin
