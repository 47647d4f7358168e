#include "owner.hpp"

namespace mainstay::lvm {

namespace {

// Neither a cluster's nor a node's name has a colon; a tag may.
constexpr std::string_view prefix = "mainstay:";

}  // namespace

std::string tag_of(const owner& who) { return std::string(prefix) + who.cluster + ':' + who.node; }

std::optional<owner> owner_of(std::string_view tag) {
    if (!tag.starts_with(prefix)) return std::nullopt;
    tag.remove_prefix(prefix.size());
    auto colon = tag.find(':');
    if (colon == 0 || colon == std::string_view::npos || colon + 1 == tag.size()) return std::nullopt;
    return owner{std::string(tag.substr(0, colon)), std::string(tag.substr(colon + 1))};
}

std::vector<owner> owners_of(const std::vector<std::string>& tags) {
    std::vector<owner> list;
    for (const auto& tag : tags)
        if (auto who = owner_of(tag)) list.push_back(std::move(*who));
    return list;
}

}  // namespace mainstay::lvm
