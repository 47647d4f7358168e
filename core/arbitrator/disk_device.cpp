#include "arbitrator/disk_device.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace mainstay::arbitrator {

namespace {

// Direct I/O wants memory at the place of a block.
struct aligned {
    explicit aligned(std::size_t size) : data(static_cast<char*>(std::aligned_alloc(block_bytes, size)), &std::free) {}
    std::unique_ptr<char, void (*)(void*)> data;
};

constexpr std::size_t piece_bytes = 64 * block_bytes;

}  // namespace

disk_device::disk_device(disk_device&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), direct_(other.direct_), path_(std::move(other.path_)) {}

disk_device& disk_device::operator=(disk_device&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(direct_, other.direct_);
    std::swap(path_, other.path_);
    return *this;
}

disk_device::~disk_device() {
    if (fd_ >= 0) ::close(fd_);
}

tl::unexpected<error> disk_device::problem(const char* doing) const {
    return fail(path_ + ": " + doing + ": " + std::strerror(errno));
}

result<disk_device> disk_device::open(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return fail(path + ": " + std::strerror(errno));
    bool file = S_ISREG(info.st_mode);
    if (!file && !S_ISBLK(info.st_mode)) return fail(path + " is neither a block device nor a file");
    constexpr int flags = O_RDWR | O_CLOEXEC | O_DSYNC;
    int fd = ::open(path.c_str(), flags | O_DIRECT);
    bool direct = fd >= 0;
    if (fd < 0 && errno == EINVAL && file) fd = ::open(path.c_str(), flags);
    if (fd < 0) return fail(path + ": " + (errno == EINVAL ? "does not allow direct I/O" : std::strerror(errno)));
    return disk_device(fd, direct, path);
}

result<std::uint64_t> disk_device::size() {
    auto end = ::lseek(fd_, 0, SEEK_END);
    if (end < 0) return problem("looking for its end");
    return static_cast<std::uint64_t>(end);
}

result<bytes> disk_device::read(std::uint64_t offset, std::size_t size) {
    if (!direct_) ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
    bytes out;
    aligned buffer(piece_bytes);
    if (!buffer.data) return fail(path_ + ": no memory");
    while (out.size() < size) {
        auto wanted = std::min(piece_bytes, size - out.size());
        auto got = ::pread(fd_, buffer.data.get(), wanted, static_cast<off_t>(offset + out.size()));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return problem("reading");
        if (got == 0) return out;  // the end
        out.append(buffer.data.get(), static_cast<std::size_t>(got));
    }
    return out;
}

result<bytes> disk_device::read_all() {
    auto first = read(0, block_bytes);
    if (!first) return first;
    auto head = read_head(*first);
    if (!head) return first;
    return read(0, static_cast<std::size_t>(device_bytes(head->slots)));
}

result<void> disk_device::write(std::uint64_t offset, std::string_view data) {
    aligned buffer(piece_bytes);
    if (!buffer.data) return fail(path_ + ": no memory");
    while (!data.empty()) {
        auto size = std::min(piece_bytes, data.size());
        std::memcpy(buffer.data.get(), data.data(), size);
        auto put = ::pwrite(fd_, buffer.data.get(), size, static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return problem("writing");
        if (static_cast<std::size_t>(put) != size) return fail(path_ + ": writing: only a part was written");
        offset += size;
        data.remove_prefix(size);
    }
    return {};
}

void carry_out(disk_claim& claim, disk_device& device) {
    while (claim.next().what != disk_step::kind::done) {
        const auto& step = claim.next();
        if (step.what == disk_step::kind::read_all) {
            auto read = device.read_all();
            read ? claim.was_read(*read) : claim.failed(read.error().message);
        } else {
            auto written = device.write(step.offset, step.block);
            written ? claim.was_written() : claim.failed(written.error().message);
        }
    }
}

result<void> format_device(const format_wish& wish) {
    auto needed = device_bytes(wish.slots);
    struct stat info {};
    if (::stat(wish.path.c_str(), &info) != 0 && errno == ENOENT) {
        int fd = ::open(wish.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        bool made = fd >= 0 && ::ftruncate(fd, static_cast<off_t>(needed)) == 0;
        int code = errno;
        if (fd >= 0) ::close(fd);
        if (!made) return fail(wish.path + ": " + std::strerror(code));
    }
    auto device = disk_device::open(wish.path);
    if (!device) return tl::make_unexpected(device.error());
    auto there = device->size();
    if (!there) return tl::make_unexpected(there.error());
    if (*there < needed)
        return fail(wish.path + " has " + std::to_string(*there) + " bytes; " + std::to_string(needed) +
                    " are needed for " + std::to_string(wish.slots) + " slots");
    auto now = device->read(0, static_cast<std::size_t>(needed));
    if (!now) return tl::make_unexpected(now.error());
    if (!wish.force && now->find_first_not_of('\0') != bytes::npos) {
        auto head = read_head(std::string_view(*now).substr(0, block_bytes));
        return fail(wish.path +
                    (head ? " is an arbitrator's device already; a cluster that uses it would have to take up "
                            "the new one first"
                          : " is not blank: it may hold a file system or somebody's data") +
                    "; --force makes it new all the same");
    }
    auto image = format_image({cluster_id{}, wish.store, wish.slots});
    // The head last: half a format is none.
    auto cleared = device->write(0, bytes(block_bytes, '\0'));
    if (!cleared) return cleared;
    auto slots = device->write(block_bytes, std::string_view(image).substr(block_bytes));
    if (!slots) return slots;
    return device->write(0, std::string_view(image).substr(0, block_bytes));
}

}  // namespace mainstay::arbitrator
