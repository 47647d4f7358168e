// Every file in cases/ is a conversation: configuration files, `----`, and what the parser and the
// checks say to them: the problems, and the canonical text when there is no error.
// MAINSTAY_REWRITE=1 writes the second half anew; commit a rewrite only when you can explain it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/check.hpp"
#include "model/parse.hpp"
#include "model/print.hpp"

using namespace mainstay;

namespace {

constexpr std::string_view separator = "----\n";

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

// `=== NAME` lines start the next file; without any, it is cluster.conf.
std::vector<named_text> input_files(const std::string& input) {
    std::vector<named_text> files;
    std::istringstream in(input);
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("=== ", 0) == 0) {
            files.push_back({line.substr(4), {}});
            continue;
        }
        if (files.empty()) files.push_back({"cluster.conf", {}});
        files.back().text += line + '\n';
    }
    return files;
}

std::string answer(const std::vector<named_text>& files) {
    auto parsed = parse_configuration(files);
    auto found = examine(parsed);
    std::vector<std::string> order;
    order.reserve(files.size());
    for (const auto& file : files) order.push_back(file.name);
    sort_by_position(found, order);
    std::string out;
    for (const auto& item : found) out += to_text(item) + '\n';
    if (has_errors(found)) return out;
    auto canonical = print_configuration(parsed.config);
    std::vector<named_text> again{{"canonical", canonical}};
    auto second = parse_configuration(again);
    REQUIRE(second.ok());
    REQUIRE(print_configuration(second.config) == canonical);
    return out + canonical;
}

}  // namespace

TEST_CASE("configuration cases") {
    std::vector<std::filesystem::path> cases;
    for (const auto& entry : std::filesystem::directory_iterator(MAINSTAY_MODEL_CASES)) cases.push_back(entry.path());
    std::sort(cases.begin(), cases.end());
    REQUIRE(cases.size() >= 20);
    for (const auto& path : cases) {
        DYNAMIC_SECTION(path.filename().string()) {
            auto whole = read_file(path);
            auto middle = whole.find(separator);
            auto input = whole.substr(0, middle);
            auto expected = middle == std::string::npos ? "" : whole.substr(middle + separator.size());
            auto got = answer(input_files(input));
            if (std::getenv("MAINSTAY_REWRITE") != nullptr) {
                std::ofstream(path, std::ios::binary) << input << separator << got;
            } else {
                CHECK(got == expected);
            }
        }
    }
}
