// A connection to upsd: one line out, one line back. Blocks, but ends at its deadline and as soon as
// the interrupt descriptor is readable.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/unique_fd.hpp"

namespace mainstay::ups_nut {

using clock = std::chrono::steady_clock;

class nut_client {
public:
    explicit nut_client(int interrupt) : interrupt_(interrupt) {}

    [[nodiscard]] bool connect(const std::string& host, const std::string& port, clock::time_point deadline);
    // The answer's line without its end. False: the connection is lost and closed; see problem().
    [[nodiscard]] bool ask(std::string_view line, std::string& answer, clock::time_point deadline);
    void close() { socket_.reset(); }

    [[nodiscard]] bool connected() const { return static_cast<bool>(socket_); }
    [[nodiscard]] const std::string& problem() const { return problem_; }

private:
    bool wait(short events, clock::time_point deadline);
    bool lose(std::string why);

    int interrupt_;
    kit::unique_fd socket_;
    std::string received_;
    std::string problem_;
};

// The value in `VAR ups name "value"`, escapes undone; false when the line is anything else.
[[nodiscard]] bool parse_var(std::string_view line, std::string_view name, std::string& value);

// A word as the protocol wants it: in quotes when it has blanks or quotes.
[[nodiscard]] std::string quoted(std::string_view word);

}  // namespace mainstay::ups_nut
