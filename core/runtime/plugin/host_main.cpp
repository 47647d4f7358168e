// mainstay-plugin-host: one process per plugin instance, started by the guard with the daemon's
// socket as a file descriptor. It ends when the socket closes; a crash or a hang of the plugin
// costs this process only.
#include <fmt/core.h>

#include <cstdio>
#include <span>
#include <string_view>

#include "mainstay/values.hpp"
#include "runtime/plugin/host.hpp"

int main(int argc, char** argv) {
    const std::span<char*> args(argv, static_cast<std::size_t>(argc));
    std::int64_t socket = 3;
    for (std::size_t i = 1; i < args.size(); ++i) {
        auto number = std::string_view(args[i]) == "--fd" && i + 1 < args.size()
                          ? mainstay::sdk::parse_integer(args[++i])
                          : std::nullopt;
        if (!number || *number < 0 || *number > 65535) {
            fmt::print(stderr, "usage: mainstay-plugin-host [--fd NUMBER]\nStarted by mainstay-guard, not by hand.\n");
            return 2;
        }
        socket = *number;
    }
    return mainstay::plugin::serve(static_cast<int>(socket));
}
