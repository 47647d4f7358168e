// A serial line set up the way a device wants it: raw, no echo, no signals, modem lines ignored.
#pragma once

#include <cstdint>
#include <string>

#include "common/unique_fd.hpp"

namespace mainstay::kit {

struct line_settings {
    std::uint32_t baud = 9600;
    enum class parity_bit { none, odd, even } parity = parity_bit::none;
    std::uint32_t data_bits = 8;  // 5 to 8
    std::uint32_t stop_bits = 1;  // 1 or 2
    enum class flow_control { none, rtscts, xonxoff } flow = flow_control::none;

    // Bits on the wire for one byte: start, data, parity, stop.
    [[nodiscard]] std::uint32_t bits_per_byte() const {
        return 1 + data_bits + (parity == parity_bit::none ? 0 : 1) + stop_bits;
    }
};

[[nodiscard]] bool is_baud_rate(std::uint32_t baud);  // a standard rate from 50 to 115200

// Opens without blocking and without becoming the controlling terminal. Old bytes in both
// directions are thrown away. On failure `problem` says why.
[[nodiscard]] unique_fd open_serial(const std::string& device, const line_settings& settings, std::string& problem);

}  // namespace mainstay::kit
