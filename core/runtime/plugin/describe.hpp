// What the plugins of a directory say about themselves, told by a mainstay-plugin-host in its describe
// mode (D8: loading a library runs its code, so the daemon and hactl load none to look at it).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/codec.hpp"
#include "runtime/plugin/loader.hpp"

namespace mainstay::plugin {

// As a describing host writes it, to the end of its socket or pipe.
[[nodiscard]] bytes encode_descriptions(const std::vector<listed_plugin>& list);
// Nothing when the bytes are not whole: the host died or said something else.
[[nodiscard]] std::optional<std::vector<listed_plugin>> decode_descriptions(std::string_view data);

// Loads each library in a child of its own: one that crashes or hangs (longer than `limit`) is listed
// with that as its error. For a process with one thread. describe_host.cpp; not in the daemon.
[[nodiscard]] std::vector<listed_plugin> describe_directory(const std::string& directory,
                                                            std::chrono::milliseconds limit);

}  // namespace mainstay::plugin
