#include "guard/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace mainstay::guard {

log_file::log_file(std::string path, std::uint64_t bytes_max) : path_(std::move(path)), bytes_max_(bytes_max) {}

bool log_file::open() {
    struct stat named {};
    struct stat held {};
    if (fd_) {
        bool same = ::stat(path_.c_str(), &named) == 0 && ::fstat(fd_.get(), &held) == 0 &&
                    named.st_ino == held.st_ino && named.st_dev == held.st_dev;
        if (same) return true;
    }
    // A fifo or a terminal in the place of the file must not block us.
    fd_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640));
    if (fd_ && ::fstat(fd_.get(), &held) == 0 && S_ISREG(held.st_mode)) {
        bytes_ = static_cast<std::uint64_t>(held.st_size);
        trouble_.clear();
        return true;
    }
    trouble_ = path_ + ": " + (fd_ ? "not a regular file" : std::strerror(errno));
    fd_.reset();
    return false;
}

void log_file::rotate() {
    auto old = path_ + ".1";
    if (std::rename(path_.c_str(), old.c_str()) != 0 && fd_) {
        // Where no second file can be, the first starts again.
        if (::ftruncate(fd_.get(), 0) != 0) trouble_ = path_ + ": " + std::strerror(errno);
        bytes_ = 0;
        return;
    }
    fd_.reset();
}

void log_file::write(std::string_view text) {
    while (!text.empty() && open()) {
        if (bytes_ >= bytes_max_) {
            rotate();
            if (!open() || bytes_ >= bytes_max_) return;
        }
        auto part = text.substr(0, bytes_max_ - bytes_);
        auto written = ::write(fd_.get(), part.data(), part.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            trouble_ = path_ + ": " + std::strerror(errno);
            return;
        }
        bytes_ += static_cast<std::uint64_t>(written);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

void tail_buffer::append(std::string_view text) {
    if (text.size() >= bytes_max_) {
        cut_ = cut_ || !kept_.empty() || text.size() > bytes_max_;
        kept_ = text.substr(text.size() - bytes_max_);
        return;
    }
    kept_ += text;
    // Cut in large steps: moving the whole buffer for every small write would cost quadratic time.
    if (kept_.size() > 4 * bytes_max_) {
        kept_.erase(0, kept_.size() - bytes_max_);
        cut_ = true;
    }
}

std::string tail_buffer::text() const {
    if (!cut_ && kept_.size() <= bytes_max_) return kept_;
    auto out = kept_.size() > bytes_max_ ? kept_.substr(kept_.size() - bytes_max_) : kept_;
    auto line_end = out.find('\n');
    if (line_end != std::string::npos && line_end + 1 < out.size()) out.erase(0, line_end + 1);
    return out;
}

}  // namespace mainstay::guard
