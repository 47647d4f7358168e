// Asks one thing of a resource plugin in its real mainstay-plugin-host, and says the answer in one line for run.py:
//     resource_probe start /plugins/lvm.so node1 group=vg01 cluster=portal
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "runtime/plugin/host_client.hpp"

namespace {

using namespace mainstay;

constexpr const char* host_program = "/mainstay-plugin-host";

int say(const std::string& text, bool good) {
    std::printf("probe: %s\n", text.c_str());
    std::fflush(stdout);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int start_host() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) return -1;
    if (::fork() == 0) {
        auto fd = std::to_string(ends[1]);
        ::close(ends[0]);
        ::execl(host_program, host_program, "--fd", fd.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(ends[1]);
    return ends[0];
}

// Bytes out, bytes in; false at the end.
bool move_bytes(int socket, plugin::host_client& client) {
    auto output = client.take_output();
    if (!output.empty() && ::send(socket, output.data(), output.size(), MSG_NOSIGNAL) < 0) return false;
    std::array<char, 4096> buffer{};
    auto size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size <= 0) return false;
    client.feed(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    const std::span<char*> words(argv, static_cast<std::size_t>(argc));
    if (words.size() < 4) return say("usage: VERB PLUGIN NODE NAME=VALUE...", false);
    plugin::instance_config config{.file = words[2], .instance = "probe", .own_node = words[3]};
    config.nodes = {{config.own_node, {}}};
    for (const std::string word : words.subspan(4)) {
        auto equals = word.find('=');
        config.params[word.substr(0, equals)] = word.substr(equals + 1);
    }
    const std::string wanted(words[1]);
    plugin::call call{.id = 1};
    for (int i = 0; i < static_cast<int>(plugin::verb::count_); ++i)
        if (to_string(static_cast<plugin::verb>(i)) == wanted) call.verb = static_cast<plugin::verb>(i);
    plugin::host_client client(config);
    client.request(call, never);
    int socket = start_host();
    while (move_bytes(socket, client)) {
        while (auto message = client.next()) {
            if (const auto* refused = std::get_if<plugin::refused>(&*message))
                return say("refused: " + refused->text, false);
            const auto* answer = std::get_if<plugin::answer>(&*message);
            if (answer == nullptr) continue;
            auto said = wanted + ": " + std::string(to_string(answer->outcome));
            if (!answer->text.empty()) said += ": " + answer->text;
            return say(said, answer->outcome == plugin::outcome::ok);
        }
    }
    return say("the plugin host ended without an answer", false);
}
