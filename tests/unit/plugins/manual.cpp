// The manual names every plugin and every parameter, and no parameter that is not there.
#include <catch2/catch.hpp>
#include <set>

#include "child.hpp"
#include "runtime/plugin/describe.hpp"

using namespace mainstay;

TEST_CASE("manual: lists each plugin's parameters, no more and no less") {
    const auto manual = test::read_file(SOURCE_DIR "/docs/reference/plugins.md");
    for (const auto& item : plugin::describe_directory(PLUGIN_DIR, std::chrono::seconds(20))) {
        INFO(item.file.string());
        REQUIRE(item.info.has_value());
        const auto begin = manual.find("## " + item.info->name + "\n");
        REQUIRE(begin != std::string::npos);
        const auto section = manual.substr(begin, manual.find("\n## ", begin + 1) - begin);
        std::set<std::string> documented;
        const std::string row = "\n| `";
        for (auto at = section.find(row); at != std::string::npos; at = section.find(row, at + 1)) {
            const auto name = section.substr(at + row.size(), section.find('`', at + row.size()) - at - row.size());
            // The rows of events.
            if (!name.starts_with("ups_")) documented.insert(name);
        }
        std::set<std::string> real;
        for (const auto& param : item.info->params) real.insert(param.name);
        CHECK(documented == real);
    }
}
