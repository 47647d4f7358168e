#include "common/serial_port.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "common/text.hpp"

namespace mainstay::kit {

namespace {

struct rate {
    std::uint32_t baud;
    speed_t code;
};
constexpr std::array<rate, 15> rates{{{50, B50},
                                      {75, B75},
                                      {110, B110},
                                      {134, B134},
                                      {150, B150},
                                      {300, B300},
                                      {600, B600},
                                      {1200, B1200},
                                      {2400, B2400},
                                      {4800, B4800},
                                      {9600, B9600},
                                      {19200, B19200},
                                      {38400, B38400},
                                      {57600, B57600},
                                      {115200, B115200}}};

std::optional<speed_t> find_rate(std::uint32_t baud) {
    for (auto [number, code] : rates)
        if (number == baud) return code;
    return std::nullopt;
}

termios make_raw(const line_settings& settings, speed_t speed) {
    termios line{};
    line.c_iflag = settings.parity == line_settings::parity_bit::none ? IGNPAR : INPCK;
    line.c_iflag |= IGNBRK;
    if (settings.flow == line_settings::flow_control::xonxoff) line.c_iflag |= IXON | IXOFF;
    // Without HUPCL: DTR stays up when we close, devices that reset on it are left alone.
    line.c_cflag = CREAD | CLOCAL;
    constexpr std::array<tcflag_t, 4> sizes{CS5, CS6, CS7, CS8};
    line.c_cflag |= sizes.at(settings.data_bits - 5);
    if (settings.stop_bits == 2) line.c_cflag |= CSTOPB;
    if (settings.parity != line_settings::parity_bit::none) line.c_cflag |= PARENB;
    if (settings.parity == line_settings::parity_bit::odd) line.c_cflag |= PARODD;
    if (settings.flow == line_settings::flow_control::rtscts) line.c_cflag |= CRTSCTS;
    line.c_cc[VMIN] = 1;
    line.c_cc[VTIME] = 0;
    ::cfsetispeed(&line, speed);
    ::cfsetospeed(&line, speed);
    return line;
}

}  // namespace

bool is_baud_rate(std::uint32_t baud) { return find_rate(baud).has_value(); }

unique_fd open_serial(const std::string& device, const line_settings& settings, std::string& problem) {
    auto speed = find_rate(settings.baud);
    if (!speed) {
        problem = device + ": " + std::to_string(settings.baud) + " is no standard baud rate";
        return {};
    }
    unique_fd fd(::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (!fd) {
        problem = device + ": can't be opened: " + error_text(errno);
        return {};
    }
    if (::isatty(fd.get()) == 0) {
        problem = device + ": is not a serial line";
        return {};
    }
    const auto line = make_raw(settings, *speed);
    if (::tcsetattr(fd.get(), TCSANOW, &line) != 0) {
        problem = device + ": can't be set up: " + error_text(errno);
        return {};
    }
    // Keeps other programs off the line. Root passes it, and a driver may not know it.
    ::ioctl(fd.get(), TIOCEXCL);
    ::tcflush(fd.get(), TCIOFLUSH);
    return fd;
}

}  // namespace mainstay::kit
