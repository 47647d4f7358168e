#include "runtime/plugin/describe.hpp"

namespace mainstay::plugin {

namespace {

struct description {
    std::string file;
    std::optional<plugin_info> info;
    std::string problem;
    static void fields(auto& self, auto&& visit) {
        visit("file", self.file);
        visit("info", self.info);
        visit("problem", self.problem);
    }
};

struct descriptions {
    std::vector<description> list;
    static void fields(auto& self, auto&& visit) { visit("list", self.list); }
};

}  // namespace

bytes encode_descriptions(const std::vector<listed_plugin>& list) {
    descriptions out;
    for (const auto& item : list) {
        description next{item.file.string(), std::nullopt, {}};
        if (item.info) {
            next.info = *item.info;
        } else {
            next.problem = item.info.error().message;
        }
        out.list.push_back(std::move(next));
    }
    return encode(out);
}

std::optional<std::vector<listed_plugin>> decode_descriptions(std::string_view data) {
    auto read = decode<descriptions>(data);
    if (!read) return std::nullopt;
    std::vector<listed_plugin> out;
    for (auto& item : read->list) {
        if (item.info) {
            out.push_back({item.file, std::move(*item.info)});
        } else {
            out.push_back({item.file, fail(std::move(item.problem))});
        }
    }
    return out;
}

}  // namespace mainstay::plugin
