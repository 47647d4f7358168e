#include <utility>

#include "runtime/admin_server.hpp"

#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <set>

#include "runtime/admin_methods.hpp"

namespace mainstay::runtime {

namespace asio = boost::asio;
using local = asio::local::stream_protocol;

namespace {

constexpr std::size_t request_bytes_max = 8U << 20;
constexpr std::size_t unsent_bytes_max = 4U << 20;  // a reader slower than this is let go
constexpr std::size_t lag_bytes = 64U << 10;        // for the line that says so
constexpr std::chrono::seconds lag_patience{30};
constexpr std::size_t connections_max = 200;

std::string user_name(uid_t uid) {
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
    return "uid" + std::to_string(uid);
}

class connection : public std::enable_shared_from_this<connection> {
public:
    connection(local::socket socket, admin_methods& methods, std::string actor, std::function<void(connection*)> gone)
        : socket_(std::move(socket)),
          methods_(methods),
          actor_(std::move(actor)),
          gone_(std::move(gone)),
          patience_(socket_.get_executor()) {}

    void start() { read(); }

    void happened(const node::happened& item) {
        if (!watching_ || lagging_) return;
        auto line = admin_methods::event_line(item, *watching_);
        if (!line) return;
        if (unsent_ + line->size() > unsent_bytes_max) return lag();
        send(std::move(*line), item.index.value);
    }

private:
    void read() {
        socket_.async_read_some(asio::buffer(buffer_),
                                [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                                    if (error) return self->close();
                                    self->input_.append(self->buffer_.data(), size);
                                    self->take_lines();
                                    if (self->open_) self->read();
                                });
    }

    void take_lines() {
        std::size_t from = 0;
        for (auto end = input_.find('\n'); end != std::string::npos && open_; end = input_.find('\n', from)) {
            take(input_.substr(from, end - from));
            from = end + 1;
        }
        input_.erase(0, from);
        if (input_.size() > request_bytes_max) {
            send(admin_methods::error_line(-32600, "a request may have at most 8 MiB"));
            close();
        }
    }

    void take(const std::string& line) {
        if (line.empty()) return;
        std::weak_ptr<connection> weak = shared_from_this();
        auto filter = methods_.handle(line, actor_, [weak](std::string answer) {
            if (auto self = weak.lock()) self->send(std::move(answer));
        });
        if (filter) watching_ = filter;
    }

    // `event` is the entry's index when it is one for a watcher.
    void send(std::string line, std::uint64_t event = 0) {
        if (!open_ || last_line_) return;
        line += '\n';
        unsent_ += line.size();
        if (unsent_ > unsent_bytes_max + lag_bytes) return close();
        output_.push_back({std::move(line), event});
        if (output_.size() == 1) write();
    }

    // What waits is thrown away; the reader learns from where on, and has some time to take it.
    void lag() {
        lagging_ = true;
        auto kept = output_.begin() + 1;  // the first is being written
        auto first = std::find_if(kept, output_.end(), [](const auto& item) { return item.event != 0; });
        if (first == output_.end()) return close();
        auto since = first->event - 1;
        auto gone = std::remove_if(kept, output_.end(), [this](const auto& item) {
            if (item.event != 0) unsent_ -= item.line.size();
            return item.event != 0;
        });
        output_.erase(gone, output_.end());
        send(admin_methods::lagged_line(since));
        last_line_ = true;
        patience_.expires_after(lag_patience);
        patience_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            auto self = weak.lock();
            if (self && !error) self->close();
        });
    }

    void write() {
        asio::async_write(socket_, asio::buffer(output_.front().line),
                          [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                              if (error || !self->open_) return self->close();
                              self->unsent_ -= self->output_.front().line.size();
                              self->output_.pop_front();
                              if (!self->output_.empty()) return self->write();
                              if (self->last_line_) self->close();
                          });
    }

    void close() {
        if (!open_) return;
        open_ = false;
        patience_.cancel();
        boost::system::error_code ignored;
        socket_.close(ignored);
        gone_(this);
    }

    local::socket socket_;
    admin_methods& methods_;
    std::string actor_;
    std::function<void(connection*)> gone_;
    std::array<char, 8192> buffer_{};
    std::string input_;
    struct waiting_line {
        std::string line;
        std::uint64_t event = 0;
    };
    std::deque<waiting_line> output_;
    std::size_t unsent_ = 0;
    std::optional<watch_filter> watching_;
    bool lagging_ = false;
    bool last_line_ = false;  // nothing more is sent; closed when the rest is written
    asio::steady_timer patience_;
    bool open_ = true;
};

}  // namespace

struct admin_server::body {
    body(asio::io_context& loop, admin_backend& backend, std::string where)
        : acceptor(loop), later(loop), methods(backend), node(backend), path(std::move(where)) {}
    ~body() {
        boost::system::error_code ignored;
        acceptor.close(ignored);
        ::unlink(path.c_str());
    }
    body(const body&) = delete;
    body& operator=(const body&) = delete;

    void accept() {
        acceptor.async_accept([this](const boost::system::error_code& error, local::socket socket) {
            if (error == asio::error::operation_aborted) return;
            if (!error) {
                admit(std::move(socket));
                return accept();
            }
            // No descriptor left, most likely: nobody is let in for a moment, the door stays.
            later.expires_after(std::chrono::milliseconds(100));
            later.async_wait([this](const boost::system::error_code& stopped) {
                if (!stopped) accept();
            });
        });
    }

    void admit(local::socket socket) {
        ucred peer{};
        socklen_t size = sizeof peer;
        bool known = ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
        if (!known || (peer.uid != 0 && peer.uid != ::geteuid()) || connections.size() >= connections_max) return;
        auto actor = user_name(peer.uid) + "@" + node.core().name();
        auto fresh = std::make_shared<connection>(std::move(socket), methods, actor, [this](connection* gone) {
            std::erase_if(connections, [gone](const auto& item) { return item.get() == gone; });
        });
        connections.insert(fresh);
        fresh->start();
    }

    local::acceptor acceptor;
    asio::steady_timer later;
    admin_methods methods;
    admin_backend& node;
    std::string path;
    std::set<std::shared_ptr<connection>> connections;
};

admin_server::admin_server(std::unique_ptr<body> made) : body_(std::move(made)) {}
admin_server::~admin_server() = default;

result<std::unique_ptr<admin_server>> admin_server::open(asio::io_context& loop, const std::string& path,
                                                         admin_backend& backend) {
    auto made = std::make_unique<body>(loop, backend, path);
    ::unlink(path.c_str());
    boost::system::error_code error;
    made->acceptor.open(local(), error);
    auto mask = ::umask(0177);
    if (!error) made->acceptor.bind(local::endpoint(path), error);
    ::umask(mask);
    if (!error) made->acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail(path + ": " + error.message());
    made->accept();
    return std::unique_ptr<admin_server>(new admin_server(std::move(made)));
}

void admin_server::happened(const node::happened& item) {
    auto everyone = body_->connections;  // one of them may leave meanwhile
    for (const auto& connection : everyone) connection->happened(item);
}

}  // namespace mainstay::runtime
