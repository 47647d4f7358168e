// What a program of a package is like on this machine's disk.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/programs.hpp"

namespace boost::asio {
class io_context;
}

namespace mainstay::runtime {

// Larger ones are no scripts; they are not compared.
inline constexpr std::size_t program_digest_max = 4U << 20;

// Waits for the disk, however long that takes.
[[nodiscard]] program_seen look_at_program(const std::string& path);

// The same off the loop, one request after the other in a thread of its own: a file server that hangs holds up what
// is asked here and nothing else, not even the daemon's end.
class program_files {
public:
    using handler = std::function<void(std::vector<program_seen>)>;

    explicit program_files(boost::asio::io_context& loop);
    ~program_files();
    program_files(const program_files&) = delete;
    program_files& operator=(const program_files&) = delete;

    // `done` is called on the loop, unless this object is gone by then. False when too much is under way already.
    bool look(std::vector<std::string> paths, handler done);

private:
    struct shared;
    std::shared_ptr<shared> shared_;
};

}  // namespace mainstay::runtime
