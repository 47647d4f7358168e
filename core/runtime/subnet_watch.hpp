// Which of the monitored subnets this machine has an interface on that works: up, with carrier, and with an
// address in the subnet (SG 3.5). The kernel says when to look again. Belongs to the loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace mainstay::runtime {

using subnet_view = std::vector<std::pair<std::string, bool>>;

// Looks once; nothing when the interfaces can't be read.
[[nodiscard]] std::optional<subnet_view> look_at_subnets(const std::vector<std::string>& subnets);

class subnet_watch {
public:
    using changed_handler = std::function<void(const subnet_view&)>;
    using log_handler = std::function<void(const std::string& severity, const std::string& text)>;

    subnet_watch(boost::asio::io_context& loop, changed_handler changed, log_handler log);
    ~subnet_watch();
    subnet_watch(const subnet_watch&) = delete;
    subnet_watch& operator=(const subnet_watch&) = delete;

    // The subnets to watch from now on; what they are like is told at once when it is news.
    void watch(std::vector<std::string> subnets);

private:
    struct inside;
    std::unique_ptr<inside> inside_;
};

}  // namespace mainstay::runtime
