#include "host_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

namespace mainstay::test {

namespace {

plugin::instance_config completed(plugin::instance_config config) {
    config.file = std::string(PLUGIN_DIR) + "/" + config.file + ".so";
    if (config.instance.empty()) config.instance = "test";
    if (config.nodes.empty()) config.nodes = {{"a", {}}};
    if (config.own_node.empty()) config.own_node = config.nodes.front().name;
    return config;
}

constexpr int patience_ms = 60'000;

}  // namespace

host_process::host_process(plugin::instance_config config, const net_namespace* where,
                           const std::function<void()>& before)
    : client_(completed(std::move(config))) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    socket_.reset(ends[0]);
    const kit::unique_fd theirs(ends[1]);
    process_ = child({HOST_PROGRAM, "--fd", "3"}, [&] {
        if (where != nullptr) where->enter();
        if (before) before();
        // dup2 to itself would keep the close-on-exec flag.
        if (theirs.get() == 3) {
            ::fcntl(3, F_SETFD, 0);
        } else {
            ::dup2(theirs.get(), 3);
        }
    });
}

bool host_process::pump(int patience) {
    auto output = client_.take_output();
    if (!output.empty()) {
        auto sent = ::send(socket_.get(), output.data(), output.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(output.size())) return false;
    }
    pollfd readable{socket_.get(), POLLIN, 0};
    if (::poll(&readable, 1, patience) <= 0) return false;
    std::array<char, 4096> buffer{};
    auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) {
        client_.closed("the socket closed");
    } else {
        client_.feed(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
    }
    while (auto message = client_.next()) {
        if (const auto* line = std::get_if<plugin::log_line>(&*message))
            UNSCOPED_INFO("plugin log: " << line->text);
        else
            said_.push_back(std::move(*message));
    }
    return size > 0;
}

std::optional<plugin::answer> host_process::find_answer(std::uint64_t id) {
    auto found = std::find_if(said_.begin(), said_.end(), [id](const plugin::from_host& message) {
        const auto* reply = std::get_if<plugin::answer>(&message);
        return reply != nullptr && reply->id == id;
    });
    if (found == said_.end()) return std::nullopt;
    auto reply = std::get<plugin::answer>(*found);
    said_.erase(found);
    return reply;
}

plugin::answer host_process::call(plugin::verb verb, const std::string& subject, const plugin::field_map& args) {
    const auto id = next_id_++;
    client_.request({id, verb, subject, args}, never);
    while (true) {
        const bool more = pump(patience_ms);
        if (auto reply = find_answer(id)) return *reply;
        INFO("no answer to " << to_string(verb));
        REQUIRE(more);
    }
}

std::string host_process::refusal() {
    while (client_.current() == plugin::host_client::state::starting) REQUIRE(pump(patience_ms));
    for (const auto& message : said_)
        if (const auto* refused = std::get_if<plugin::refused>(&message)) return refused->text;
    return {};
}

plugin::event host_process::await_event(const std::string& name) {
    while (true) {
        while (!said_.empty()) {
            auto message = std::move(said_.front());
            said_.erase(said_.begin());
            if (auto* found = std::get_if<plugin::event>(&message); found != nullptr && found->name == name)
                return std::move(*found);
        }
        INFO("no event " << name);
        REQUIRE(pump(patience_ms));
    }
}

std::vector<plugin::event> host_process::events() {
    while (pump(0)) {
    }
    std::vector<plugin::event> result;
    for (const auto& message : said_)
        if (const auto* found = std::get_if<plugin::event>(&message)) result.push_back(*found);
    return result;
}

}  // namespace mainstay::test
