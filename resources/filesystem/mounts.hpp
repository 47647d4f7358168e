// What is mounted in our mount namespace, as the kernel says.
#pragma once

#include <optional>
#include <string>

namespace mainstay::filesystem {

struct mount_entry {
    std::string source;  // device, server:/path, tmpfs
    std::string type;
};

// The topmost mount at exactly this directory; nothing when it is no mount point.
[[nodiscard]] std::optional<mount_entry> mounted_at(const std::string& directory);

}  // namespace mainstay::filesystem
