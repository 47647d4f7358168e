#include "announcer.hpp"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "common/text.hpp"

namespace mainstay::relocatable_ip {

namespace {
using namespace std::chrono_literals;
// Pauses before the second, third, ... announcement; one second in all.
constexpr std::array repetitions{20ms, 50ms, 130ms, 300ms, 500ms};
}  // namespace

std::string frame_sender::send(int link_index, const frame& what) {
    const std::scoped_lock lock(mutex_);
    // Protocol 0: this socket receives nothing.
    if (!socket_) socket_.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!socket_) return "no packet socket: " + kit::error_text(errno);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = link_index;
    to.sll_halen = ETH_ALEN;
    std::copy_n(what.begin(), ETH_ALEN, std::begin(to.sll_addr));
    if (::sendto(socket_.get(), what.data(), what.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0)
        return "can't be announced: " + kit::error_text(errno);
    return {};
}

announcer::announcer(frame_sender& sender) : sender_(sender), next_(repetitions.size()), thread_([this] { run(); }) {}

announcer::~announcer() {
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

std::string announcer::start(const address& who, int link_index, const mac& hardware) {
    const std::scoped_lock lock(mutex_);
    frames_ = announcements(who, hardware);
    link_index_ = link_index;
    next_ = 0;
    changed_.notify_one();
    return send_all();
}

void announcer::stop() {
    const std::scoped_lock lock(mutex_);
    next_ = repetitions.size();
}

std::string announcer::send_all() {
    std::string problem;
    for (const auto& item : frames_)
        if (auto text = sender_.send(link_index_, item); !text.empty()) problem = text;
    return problem;
}

void announcer::run() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        if (next_ == repetitions.size()) {
            changed_.wait(lock, [this] { return ending_ || next_ < repetitions.size(); });
            continue;
        }
        const auto at = next_;
        changed_.wait_for(lock, repetitions.at(at), [this] { return ending_; });
        // Stopped or started anew meanwhile?
        if (ending_ || next_ != at) continue;
        [[maybe_unused]] auto problem = send_all();
        ++next_;
    }
}

}  // namespace mainstay::relocatable_ip
