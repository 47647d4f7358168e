// What mainstay-plugin-host does between the daemon's socket and one plugin instance. The calling
// thread reads; a second one makes the calls in order; an event source runs on a third.
#pragma once

namespace mainstay::plugin {

// Serves until the socket closes. The exit code of the process: 0, or 1 when the first message was
// no configuration or the plugin refused. Does not return while a call hangs: it ends the process.
[[nodiscard]] int serve(int socket);

}  // namespace mainstay::plugin
