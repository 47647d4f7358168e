// The manual names every plugin and every parameter, and no parameter that is not there.
#include <catch2/catch.hpp>
#include <regex>
#include <set>

#include "child.hpp"
#include "runtime/plugin/loader.hpp"

using namespace mainstay;

TEST_CASE("manual: lists each plugin's parameters, no more and no less") {
    const auto manual = test::read_file(SOURCE_DIR "/docs/reference/plugins.md");
    for (const auto& item : plugin::list_plugins(PLUGIN_DIR)) {
        INFO(item.file.string());
        REQUIRE(item.info.has_value());
        const auto begin = manual.find("## " + item.info->name + "\n");
        REQUIRE(begin != std::string::npos);
        const auto section = manual.substr(begin, manual.find("\n## ", begin + 1) - begin);
        std::set<std::string> documented;
        const std::regex row("\n\\| `([a-z_]+)` \\|");
        for (std::sregex_iterator match(section.begin(), section.end(), row), end; match != end; ++match)
            if (!(*match)[1].str().starts_with("ups_")) documented.insert((*match)[1]);
        std::set<std::string> real;
        for (const auto& param : item.info->params) real.insert(param.name);
        CHECK(documented == real);
    }
}
