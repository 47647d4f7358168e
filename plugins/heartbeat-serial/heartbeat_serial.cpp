// heartbeat-serial: one serial line, one peer. Bytes are given to the kernel only as fast as the
// line takes them, so that what waits can still be replaced: a beat by a newer beat.
#include <mainstay/plugin.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>

#include "common/serial_port.hpp"
#include "common/text.hpp"
#include "common/unique_fd.hpp"
#include "frame.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace kit = mainstay::kit;
namespace serial = mainstay::heartbeat_serial;

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t first_back_off_us = 100'000;
constexpr std::int64_t last_back_off_us = 5'000'000;
// Log frames that wait may take the line for so long; more are dropped, their sender repeats them.
constexpr std::int64_t queue_time_us = 2'000'000;
constexpr std::size_t received_limit = 256;

class serial_link {
public:
    static constexpr sdk::about about{"heartbeat-serial", "1.0", "heartbeats over a serial cable between two nodes"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "device",
                   .type = sdk::type::path,
                   .scope = sdk::scope::either,
                   .required = true,
                   .help = "the serial port, /dev/ttyS1 for example; for each node, or one for both"},
        sdk::param{.name = "baud",
                   .type = sdk::type::choice,
                   .unit = "bit/s",
                   .fallback = "115200",
                   .choices = "300|600|1200|2400|4800|9600|19200|38400|57600|115200",
                   .help = "speed of the line, the same on both nodes; 8 data bits, no parity, 1 stop bit"},
        sdk::param{.name = "mtu",
                   .type = sdk::type::integer,
                   .unit = "bytes",
                   .minimum = 96,
                   .maximum = serial::datagram_limit,
                   .help = "largest datagram; default: what the line carries in a quarter of a second, at least 192"}};

    explicit serial_link(const sdk::setup& setup) : host_(setup.host) {
        if (setup.nodes.size() != 2)
            throw sdk::refused("a serial cable joins two nodes, this link has " + std::to_string(setup.nodes.size()));
        const auto* own = setup.find(setup.own_node);
        if (own == nullptr) throw sdk::refused("this link does not serve the node " + setup.own_node);
        peer_ = 1 - static_cast<std::uint32_t>(setup.own_index);
        device_ = own->params.text("device");
        settings_.baud = static_cast<std::uint32_t>(sdk::parse_integer(setup.params.text("baud")).value_or(0));
        mtu_ = setup.params.has("mtu") ? static_cast<std::size_t>(setup.params.integer("mtu"))
                                       : std::clamp<std::size_t>(settings_.baud / 10 / 4, 192, serial::datagram_limit);
    }

    sdk::answer open(std::int64_t now) {
        std::string problem;
        port_ = kit::open_serial(device_, settings_, problem);
        if (port_) {
            forget();
            line_free_at_ = now;
            opened_at_ = now;
            problem_.clear();
            return {sdk::outcome::ok, {}};
        }
        fail(now, problem);
        return {sdk::outcome::failed, std::move(problem)};
    }

    void close() { port_.reset(); }
    [[nodiscard]] int fd() const { return port_.get(); }
    [[nodiscard]] bool wants_write() const { return !sending_.empty() && stuck_; }

    std::int64_t tick(std::int64_t now) {
        if (!port_) {
            if (now < retry_at_) return retry_at_;
            open(now);
            if (!port_) return retry_at_;
        }
        if (now - opened_at_ > last_back_off_us) back_off_ = first_back_off_us;
        flush(now);
        if (!port_) return retry_at_;
        // A read side with half a frame wants to be looked at when the silence has lasted.
        return sending_.empty() && !beat_ && logs_.empty() ? never : std::max(line_free_at_, now + 1000);
    }

    bool send(std::int64_t now, std::uint32_t to, sdk::send_kind kind, std::span<const std::uint8_t> data) {
        if (!port_ || data.size() > mtu_ || (to != sdk::all_peers && to != peer_)) return false;
        auto frame = serial::make_frame(data);
        if (kind == sdk::send_kind::beat) {
            if (beat_) ++replaced_;
            beat_ = std::move(frame);
        } else if (time_of(queued_bytes_ + frame.size()) > std::max(queue_time_us, 2 * time_of(frame.size()))) {
            ++dropped_;
            return false;
        } else {
            queued_bytes_ += frame.size();
            logs_.push_back(std::move(frame));
        }
        flush(now);
        return port_.get() >= 0;
    }

    std::size_t receive(std::int64_t now, std::span<std::uint8_t> buffer) {
        read_all(now);
        while (!received_.empty()) {
            auto datagram = std::move(received_.front());
            received_.pop_front();
            if (datagram.size() > buffer.size()) continue;
            std::copy(datagram.begin(), datagram.end(), buffer.begin());
            return datagram.size();
        }
        return 0;
    }

    [[nodiscard]] std::size_t mtu() const { return mtu_; }
    [[nodiscard]] std::int64_t frame_time_us(std::size_t size) const { return time_of(size + serial::frame_overhead); }
    [[nodiscard]] static bool is_point_to_point() { return true; }

    [[nodiscard]] sdk::link_report link_state() const {
        sdk::link_report report{sdk::link::ok, {}, {}};
        if (!port_) report = {sdk::link::local_fault, problem_.empty() ? device_ + ": not open" : problem_, {}};
        report.counters = {{"sent", std::to_string(sent_)},
                           {"received", std::to_string(received_count_)},
                           {"bad_frames", std::to_string(reader_.bad_frames())},
                           {"skipped_bytes", std::to_string(reader_.skipped_bytes())},
                           {"beats_replaced", std::to_string(replaced_)},
                           {"log_dropped", std::to_string(dropped_)}};
        return report;
    }

private:
    [[nodiscard]] std::int64_t time_of(std::size_t octets) const {
        return static_cast<std::int64_t>(octets) * settings_.bits_per_byte() * 1'000'000 / settings_.baud;
    }

    void forget() {
        beat_.reset();
        logs_.clear();
        sending_.clear();
        reader_.clear();
        queued_bytes_ = 0;
        stuck_ = false;
    }

    void fail(std::int64_t now, const std::string& problem) {
        port_.reset();
        forget();
        retry_at_ = now + back_off_;
        back_off_ = std::min(back_off_ * 2, last_back_off_us);
        if (problem != problem_) host_.log(sdk::severity::warning, problem);
        problem_ = problem;
    }

    // The next frame goes to the kernel when the one before it has nearly left the line.
    void flush(std::int64_t now) {
        while (port_) {
            if (sending_.empty()) {
                if (now < line_free_at_ - 2000 || !take_next()) return;
                line_free_at_ = std::max(now, line_free_at_) + time_of(sending_.size());
            }
            auto size = ::write(port_.get(), sending_.data(), sending_.size());
            if (size < 0 && errno == EINTR) continue;
            stuck_ = size < static_cast<ssize_t>(sending_.size());
            if (size < 0 && errno == EAGAIN) return;
            if (size < 0) {
                fail(now, device_ + ": can't be written: " + kit::error_text(errno));
                return;
            }
            sending_.erase(0, static_cast<std::size_t>(size));
            if (stuck_) return;
            ++sent_;
        }
    }

    bool take_next() {
        if (beat_) {
            sending_ = std::move(*beat_);
            beat_.reset();
            return true;
        }
        if (logs_.empty()) return false;
        sending_ = std::move(logs_.front());
        logs_.pop_front();
        queued_bytes_ -= sending_.size();
        return true;
    }

    void take_datagrams(std::int64_t now) {
        // A relay or a USB adapter may hold back bytes for some milliseconds.
        while (auto datagram = reader_.next(now, 250'000 + time_of(32))) {
            ++received_count_;
            received_.push_back(std::move(*datagram));
            if (received_.size() > received_limit) received_.pop_front();
        }
    }

    void read_all(std::int64_t now) {
        std::array<std::uint8_t, 4096> buffer{};
        take_datagrams(now);  // first: what is fed now hides how long it was silent before
        while (port_) {
            auto size = ::read(port_.get(), buffer.data(), buffer.size());
            if (size < 0 && errno == EINTR) continue;
            if (size < 0 && errno == EAGAIN) break;
            if (size <= 0) {
                fail(now, size == 0 ? device_ + ": hung up" : device_ + ": can't be read: " + kit::error_text(errno));
                return;
            }
            reader_.feed(std::span(buffer).first(static_cast<std::size_t>(size)), now);
            if (size < static_cast<ssize_t>(buffer.size())) break;
        }
        take_datagrams(now);
    }

    sdk::host host_;
    std::string device_;
    kit::line_settings settings_;
    std::size_t mtu_ = 0;
    std::uint32_t peer_ = 0;

    kit::unique_fd port_;
    std::string problem_;
    std::int64_t back_off_ = first_back_off_us;
    std::int64_t retry_at_ = 0;
    std::int64_t opened_at_ = 0;

    std::optional<std::string> beat_;  // the newest one that waits
    std::deque<std::string> logs_;
    std::size_t queued_bytes_ = 0;  // of logs_
    std::string sending_;           // what the kernel has not taken of the present frame
    bool stuck_ = false;            // it took less than it was given
    std::int64_t line_free_at_ = 0;

    serial::frame_reader reader_;
    std::deque<std::string> received_;
    std::uint64_t sent_ = 0, received_count_ = 0, replaced_ = 0, dropped_ = 0;
};

}  // namespace

MAINSTAY_HEARTBEAT_PLUGIN(serial_link)
