#include <utility>

#include "runtime/program_files.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "guard/unique_fd.hpp"

namespace mainstay::runtime {

namespace {

constexpr std::size_t waiting_max = 64;

program_seen unreadable(int error) {
    bool gone = error == ENOENT || error == ENOTDIR;
    return {gone ? program_seen::kind::missing : program_seen::kind::unreadable, gone ? 0 : error, false, {}};
}

// 0, or errno.
int read_contents(int fd, std::size_t size, program_seen& out) {
    crypto_hash_sha256_state hash;
    crypto_hash_sha256_init(&hash);
    std::array<char, 65536> buffer{};
    std::size_t total = 0;
    while (total <= program_digest_max) {
        auto got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) break;
        if (total == 0) out.script = got > 1 && buffer[0] == '#' && buffer[1] == '!';
        total += static_cast<std::size_t>(got);
        if (size > program_digest_max) return 0;
        crypto_hash_sha256_update(&hash, reinterpret_cast<const unsigned char*>(buffer.data()),
                                  static_cast<unsigned long long>(got));
    }
    if (total > program_digest_max) return 0;
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256_final(&hash, digest.data());
    out.digest.assign(digest.begin(), digest.end());
    return 0;
}

}  // namespace

program_seen look_at_program(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return unreadable(errno);
    if (!S_ISREG(info.st_mode)) return {program_seen::kind::no_file, 0, false, {}};
    // Refused for root as well where nobody may execute it, or where the mount is noexec.
    if (::access(path.c_str(), X_OK) != 0) return {program_seen::kind::not_executable, 0, false, {}};
    // Should it have become a pipe meanwhile: opening one waits for a writer.
    guard::unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return unreadable(errno);
    program_seen out;
    out.what = program_seen::kind::good;
    int error = read_contents(fd.get(), static_cast<std::size_t>(info.st_size), out);
    return error == 0 ? out : unreadable(error);
}

struct program_files::shared {
    std::mutex mutex;
    std::condition_variable wakes;
    boost::asio::io_context* loop = nullptr;  // null = nobody is there any more
    std::deque<std::pair<std::vector<std::string>, handler>> waiting;
    bool started = false;

    static void run(const std::shared_ptr<shared>& self) {
        std::unique_lock lock(self->mutex);
        for (;;) {
            self->wakes.wait(lock, [&] { return self->loop == nullptr || !self->waiting.empty(); });
            if (self->loop == nullptr) return;
            auto next = std::move(self->waiting.front());
            self->waiting.pop_front();
            lock.unlock();
            std::vector<program_seen> seen;
            for (const auto& path : next.first) seen.push_back(look_at_program(path));
            lock.lock();
            if (self->loop == nullptr) return;
            boost::asio::post(*self->loop, [self, done = std::move(next.second), seen = std::move(seen)]() mutable {
                {
                    std::lock_guard still(self->mutex);
                    if (self->loop == nullptr) return;
                }
                done(std::move(seen));
            });
        }
    }
};

program_files::program_files(boost::asio::io_context& loop) : shared_(std::make_shared<shared>()) {
    shared_->loop = &loop;
}

program_files::~program_files() {
    std::lock_guard lock(shared_->mutex);
    shared_->loop = nullptr;
    shared_->waiting.clear();
    shared_->wakes.notify_all();
}

bool program_files::look(std::vector<std::string> paths, handler done) {
    std::lock_guard lock(shared_->mutex);
    if (shared_->waiting.size() >= waiting_max) return false;
    shared_->waiting.emplace_back(std::move(paths), std::move(done));
    // Not joined: it may be waiting for a disk that never answers.
    if (!std::exchange(shared_->started, true)) std::thread(shared::run, shared_).detach();
    shared_->wakes.notify_all();
    return true;
}

}  // namespace mainstay::runtime
