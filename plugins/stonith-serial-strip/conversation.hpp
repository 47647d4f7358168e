// One exchange with a device on a serial line: send, listen until a pattern is there or the time is
// over. Blocks.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/serial_port.hpp"
#include "pattern.hpp"

namespace mainstay::serial_strip {

using clock = std::chrono::steady_clock;

class conversation {
public:
    // A failed open shows as a problem of the first exchange.
    conversation(const std::string& device, const kit::line_settings& settings);

    // Sends all bytes, and waits until they have left.
    [[nodiscard]] bool say(std::string_view what, clock::time_point deadline);

    // The index of the first pattern found in what the device said since the last say(), or -1.
    [[nodiscard]] int listen(const std::vector<const pattern*>& patterns, clock::time_point deadline);

    // Listens on until nothing comes for some characters' time: an answer is read to its end, and a
    // late one is not taken for the answer to the next question.
    void settle(clock::time_point deadline);

    [[nodiscard]] const std::string& heard() const { return heard_; }
    [[nodiscard]] const std::string& problem() const { return problem_; }

private:
    bool hear();  // false when the line is lost

    kit::line_settings settings_;
    std::string device_;
    std::string heard_;
    std::string problem_;  // before port_, whose opening writes to it
    kit::unique_fd port_;
};

}  // namespace mainstay::serial_strip
