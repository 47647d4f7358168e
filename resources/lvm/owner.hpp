// The tag of a volume group that says whose it is: mainstay:CLUSTER:NODE. A group without one is free.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::lvm {

struct owner {
    std::string cluster;
    std::string node;
    bool operator==(const owner&) const = default;
};

[[nodiscard]] std::string tag_of(const owner& who);

// Nothing: the tag is somebody else's and says nothing of ownership.
[[nodiscard]] std::optional<owner> owner_of(std::string_view tag);

// All owners among the tags of a group; more than one only after somebody tagged it by hand.
[[nodiscard]] std::vector<owner> owners_of(const std::vector<std::string>& tags);

}  // namespace mainstay::lvm
