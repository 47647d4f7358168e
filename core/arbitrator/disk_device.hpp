// A shared block device, or a file, read and written past every cache. Calls block as long as the
// device does: whoever must not wait calls from a thread of its own.
#pragma once

#include <memory>
#include <string>

#include "arbitrator/disk_claim.hpp"

namespace mainstay::arbitrator {

class disk_device {
public:
    // The errors name the device. A block device that does not allow direct I/O is refused: what another
    // machine has written would not be seen.
    [[nodiscard]] static result<disk_device> open(const std::string& path);
    disk_device(disk_device&& other) noexcept;
    disk_device& operator=(disk_device&& other) noexcept;
    ~disk_device();
    disk_device(const disk_device&) = delete;
    disk_device& operator=(const disk_device&) = delete;

    // Head and slots, as many as the head says; the head alone when it makes no sense.
    [[nodiscard]] result<bytes> read_all();
    [[nodiscard]] result<bytes> read(std::uint64_t offset, std::size_t size);
    // Durable when it returns.
    [[nodiscard]] result<void> write(std::uint64_t offset, std::string_view data);
    [[nodiscard]] result<std::uint64_t> size();
    [[nodiscard]] bool direct() const { return direct_; }

private:
    disk_device(int fd, bool direct, std::string path) : fd_(fd), direct_(direct), path_(std::move(path)) {}
    [[nodiscard]] tl::unexpected<error> problem(const char* doing) const;

    int fd_ = -1;
    bool direct_ = true;
    std::string path_;
};

// Does what the claim asks for until it is done.
void carry_out(disk_claim& claim, disk_device& device);

struct format_wish {
    std::string path;
    store_id store;
    std::uint32_t slots = slots_default;
    bool force = false;
};
// Makes a device new; a file that is not there is created. Refuses what looks used, unless forced.
[[nodiscard]] result<void> format_device(const format_wish& wish);

}  // namespace mainstay::arbitrator
