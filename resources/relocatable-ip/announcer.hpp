// Repeats an address's announcements over the first second after a takeover, on its own thread:
// one frame may be lost, and some neighbours ignore what comes too early.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "address.hpp"
#include "common/unique_fd.hpp"
#include "packets.hpp"

namespace mainstay::relocatable_ip {

// Sends frames through one AF_PACKET socket that stays open: closing one takes about 10 ms.
class frame_sender {
public:
    // Empty = sent; else what is wrong. May be called from any thread.
    [[nodiscard]] std::string send(int link_index, const frame& what);

private:
    std::mutex mutex_;
    kit::unique_fd socket_;
};

class announcer {
public:
    explicit announcer(frame_sender& sender);
    ~announcer();
    announcer(const announcer&) = delete;
    announcer& operator=(const announcer&) = delete;

    // Sends once, now, and then repeats. The text is what went wrong the first time.
    [[nodiscard]] std::string start(const address& who, int link_index, const mac& hardware);
    // After this returned nothing more is sent.
    void stop();

private:
    void run();
    [[nodiscard]] std::string send_all();

    frame_sender& sender_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ending_ = false;
    std::size_t next_ = 0;  // in the list of repetitions; its size = nothing to do
    std::vector<frame> frames_;
    int link_index_ = 0;
    std::thread thread_;
};

}  // namespace mainstay::relocatable_ip
