// The manual names every keyword, and the examples load without a complaint.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/builder.hpp"
#include "model/check.hpp"

using namespace mainstay;

namespace {

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE(in.good());
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

const std::filesystem::path source = MAINSTAY_SOURCE_DIR;

}  // namespace

TEST_CASE("every keyword stands in the reference") {
    auto manual = read_file(source / "docs/reference/configuration.md");
    for (auto table : {parsing::cluster_keywords(), parsing::package_keywords()}) {
        for (const auto& keyword : table) {
            CAPTURE(keyword.name);
            // `heartbeat_node_param` and its like stand there once for all kinds, as `x_node_param`.
            std::string name(keyword.name);
            bool found = manual.find('`' + name + '`') != std::string::npos ||
                         manual.find('`' + name + ' ') != std::string::npos;
            CHECK(found);
        }
    }
}

TEST_CASE("the examples load without a complaint") {
    struct example {
        const char* cluster;
        std::vector<const char*> packages;
    };
    for (const auto& item : {example{"examples/three-node/cluster.conf", {"examples/web/web.conf"}},
                             example{"examples/three-node/cluster.conf", {"examples/legacy/pkg1.conf"}},
                             example{"examples/two-node/cluster.conf", {}},
                             example{"examples/portal/cluster.conf", {"examples/portal/portal.conf"}}}) {
        std::vector<named_text> files{{item.cluster, read_file(source / item.cluster)}};
        for (const char* package : item.packages) files.push_back({package, read_file(source / package)});
        auto outcome = parse_configuration(files);
        auto found = outcome.found;
        for (auto& problem : check_configuration(outcome.config)) found.push_back(problem);
        for (const auto& problem : found) UNSCOPED_INFO(to_text(problem));
        CHECK(found.empty());
        CHECK(outcome.config.packages.size() == item.packages.size());
    }
}
