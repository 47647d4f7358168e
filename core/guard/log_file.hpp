// Output of processes on disk, with a limit: FILE and FILE.1 together never hold more than twice
// `bytes_max`, whatever a script prints. A disk that takes nothing costs the text, not the process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "guard/unique_fd.hpp"

namespace mainstay::guard {

class log_file {
public:
    static constexpr std::uint64_t bytes_max_default = 10U << 20U;

    explicit log_file(std::string path, std::uint64_t bytes_max = bytes_max_default);

    // Opens at the first write; opens anew when somebody moved the file away.
    void write(std::string_view text);

    [[nodiscard]] const std::string& path() const { return path_; }
    // Why nothing is written at present, or empty.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

private:
    bool open();
    void rotate();

    std::string path_;
    std::uint64_t bytes_max_;
    std::uint64_t bytes_ = 0;
    unique_fd fd_;
    std::string trouble_;
};

// The last bytes of a stream.
class tail_buffer {
public:
    explicit tail_buffer(std::size_t bytes_max) : bytes_max_(bytes_max) {}
    void append(std::string_view text);
    // From the first whole line on when something was cut off.
    [[nodiscard]] std::string text() const;

private:
    std::size_t bytes_max_;
    std::string kept_;
    bool cut_ = false;
};

}  // namespace mainstay::guard
