// What is mounted in our mount namespace, as the kernel says.
#pragma once

#include <optional>
#include <string>

namespace mainstay::filesystem {

struct mount_entry {
    std::string source;  // device, server:/path, tmpfs
    std::string type;
};

enum class same_source { yes, no, unknown };
// Whether what is mounted at `directory` is `source`, however either is spelled: /dev/vg01/data is listed by the kernel
// as /dev/mapper/vg01-data, LABEL=data as its device, an image as a loop device, and a directory bound elsewhere as the
// device below it. `unknown` when one of them is out of reach.
[[nodiscard]] same_source mounted_from(const std::string& source, const std::string& type, const mount_entry& entry,
                                       const std::string& directory);

// The topmost mount at exactly this directory; nothing when it is no mount point.
[[nodiscard]] std::optional<mount_entry> mounted_at(const std::string& directory);

}  // namespace mainstay::filesystem
