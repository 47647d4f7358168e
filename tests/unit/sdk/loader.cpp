#include "runtime/plugin/loader.hpp"
#include "runtime/plugin/describe.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <utility>

using namespace mainstay;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

namespace {
const std::filesystem::path folder = TEST_PLUGIN_DIR;

std::string refusal(const std::string& name) {
    auto loaded = plugin::load(folder / (name + ".so"));
    REQUIRE_FALSE(loaded.has_value());
    CHECK_THAT(loaded.error().message, Contains(name + ".so: "));
    return loaded.error().message;
}
}  // namespace

TEST_CASE("a good library loads, whatever language it is written in") {
    auto in_c = plugin::load(folder / "good-in-c.so");
    REQUIRE(in_c.has_value());
    CHECK(in_c->info().kind == plugin::kind::stonith);
    REQUIRE(in_c->info().params.size() == 1);
    CHECK(in_c->info().params.front().scope == plugin::param_scope::node);
    CHECK(in_c->info().params.front().maximum == 8);

    auto in_cpp = plugin::load(folder / "test-lamp.so");
    REQUIRE(in_cpp.has_value());
    CHECK(in_cpp->info().version == "2.1");
    CHECK(in_cpp->info().params.at(2).choices == std::vector<std::string>{"slow", "fast"});
    CHECK(in_cpp->info().params.at(3).secret);
}

TEST_CASE("every flaw is refused with its own reason") {
    const std::vector<std::pair<std::string, std::string>> flaws{
        {"nowhere", "no such file"},
        {"no-symbol", "does not export mainstay_plugin_entry"},
        {"null-table", "returned no table"},
        {"wrong-magic", "magic number 0x12345678"},
        {"wrong-major", "built for plugin ABI 77."},
        {"wrong-minor", "built for plugin ABI 0.77"},
        {"short-table", "table is 40 bytes long"},
        {"unknown-kind", "kind number 99"},
        {"null-function", "function status is null"},
        {"short-functions", "function table is 8 bytes long"},
        {"bad-schema", "parameter outlet: its default 'many' is not a whole number"},
        {"other-name", "calls itself 'something-else'"},
        {"unresolved", "nobody_defines_this"},
    };
    for (const auto& [name, reason] : flaws) {
        INFO(name);
        CHECK_THAT(refusal(name), Contains(reason));
    }
}

TEST_CASE("what is no library is refused before it is opened") {
    auto file = std::filesystem::temp_directory_path() / "mainstay-no-library.so";
    std::ofstream(file) << "#!/bin/sh\n";
    CHECK_THAT(plugin::load(file).error().message, Contains("no ELF header"));
    std::ofstream(file, std::ios::trunc) << "x";
    CHECK_THAT(plugin::load(file).error().message, Contains("too short"));
    std::filesystem::remove(file);
    CHECK_THAT(plugin::load(folder).error().message, Contains("is not a file"));
}

TEST_CASE("a directory is listed with what is good and what is not") {
    auto list = plugin::describe_directory(folder, std::chrono::seconds(2));
    CHECK(std::is_sorted(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.file < b.file; }));
    auto good = std::count_if(list.begin(), list.end(), [](const auto& item) { return item.info.has_value(); });
    CHECK(good == 3);
    CHECK(list.size() == 18);
    CHECK(plugin::describe_directory("/nowhere", std::chrono::seconds(2)).empty());
    auto problem = [&list](const std::string& name) {
        for (const auto& item : list)
            if (item.file.stem() == name) return item.info ? std::string() : item.info.error().message;
        return std::string("not listed");
    };
    CHECK_THAT(problem("crashes-on-load"),
               EndsWith("crashes-on-load.so: crashes when it is loaded (Segmentation fault)"));
    CHECK_THAT(problem("exits-on-load"), Contains("ends the process that loads it"));
    CHECK_THAT(problem("hangs-on-load"), Contains("hangs when it is loaded"));

    auto again = plugin::decode_descriptions(plugin::encode_descriptions(list));
    REQUIRE(again);
    CHECK(again->size() == list.size());
    CHECK_FALSE(plugin::decode_descriptions("nonsense"));
}

TEST_CASE("the schema reaches the configuration check") {
    auto schema = plugin::to_schema(plugin::load(folder / "test-lamp.so")->info());
    CHECK(schema.plugin == "test-lamp");
    CHECK(schema.kind == plugin_kind::stonith);
    CHECK(schema.params.at(1).type == value_type::time_span);
    CHECK(schema.params.at(1).scope == value_scope::either);
    CHECK(schema.params.at(0).required);
}
