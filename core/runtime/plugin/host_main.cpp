// mainstay-plugin-host: one process per plugin instance, started by the guard with the daemon's
// socket as a file descriptor. It ends when the socket closes; a crash or a hang of the plugin
// costs this process only. With --describe it tells what the plugins of a directory are, and ends.
#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mainstay/values.hpp"
#include "runtime/plugin/describe.hpp"
#include "runtime/plugin/host.hpp"

namespace {

constexpr std::chrono::seconds describe_limit{5};  // for one library

int describe(const std::string& directory, int out) {
    auto data = mainstay::plugin::encode_descriptions(mainstay::plugin::describe_directory(directory, describe_limit));
    std::string_view rest = data;
    while (!rest.empty()) {
        auto sent = ::write(out, rest.data(), rest.size());
        if (sent <= 0) return 1;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::span<char*> args(argv, static_cast<std::size_t>(argc));
    std::optional<std::int64_t> socket;
    std::optional<std::string> directory;
    for (std::size_t i = 1; i < args.size(); ++i) {
        const std::string_view word(args[i]);
        if (word == "--describe" && i + 1 < args.size()) {
            directory = args[++i];
            continue;
        }
        socket = word == "--fd" && i + 1 < args.size() ? mainstay::sdk::parse_integer(args[++i]) : std::nullopt;
        if (!socket || *socket < 0 || *socket > 65535) {
            fmt::print(stderr,
                       "usage: mainstay-plugin-host [--fd NUMBER] [--describe DIRECTORY]\nStarted by mainstay-guard, "
                       "not by hand.\n");
            return 2;
        }
    }
    if (directory) return describe(*directory, static_cast<int>(socket.value_or(1)));
    return mainstay::plugin::serve(static_cast<int>(socket.value_or(3)));
}
