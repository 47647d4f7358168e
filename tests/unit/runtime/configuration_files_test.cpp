// Files as an administrator hands them in, against the plugins that were built.
#include "runtime/configuration_files.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "runtime/plugin_catalog.hpp"
#include "support/small_cluster.hpp"
#include "temp_dir.hpp"

using namespace mainstay;
using namespace mainstay::runtime;

namespace {

std::string good() {
    std::string text = "cluster_name lab\n";
    for (const char* number : {"1", "2", "3"})
        text += std::string("node_name n") + number + "\n  network_interface eth0\n    heartbeat_ip 10.77.0." + number +
                "/24\n";
    return text + "stonith_name strip\n  stonith_plugin stonith-exec\n  stonith_param command /bin/false\n";
}

checked_files check(const std::string& text, const std::string& dir = PLUGIN_DIR) {
    std::array<named_text, 1> files{named_text{"cluster.conf", text}};
    auto installed = describe_plugins(HOST_PROGRAM, dir);
    REQUIRE(installed);
    return check_files(files, *installed, dir);
}

std::string all(const checked_files& item) {
    std::string text;
    for (const auto& problem : item.found) text += to_text(problem) + "\n";
    return text;
}

const problem* about(const checked_files& item, const std::string& part) {
    for (const auto& found : item.found)
        if (found.message.find(part) != std::string::npos) return &found;
    return nullptr;
}

}  // namespace

TEST_CASE("a good file has its canonical text") {
    auto item = check(good());
    INFO(all(item));
    REQUIRE(item.ok());
    CHECK(check(item.canonical).canonical == item.canonical);
    CHECK(item.config.cluster.nodes.size() == 3);
}

TEST_CASE("what else is wrong joins the rest in the order of the files, and nothing is left to apply") {
    auto item = check(good() + "package_name web\nrun_script /bin/true\n");
    INFO(all(item));
    REQUIRE(item.ok());
    std::array<named_text, 1> files{named_text{"cluster.conf", ""}};
    add_problems(item, files, {{problem::level::error, {"cluster.conf", 2}, "node_name", "not now", {}, {}}});
    CHECK_FALSE(item.ok());
    REQUIRE(item.found.size() == 2);
    CHECK(item.found.front().message == "not now");
}

TEST_CASE("a plugin that is not here: file, line, and the nearest that is") {
    auto text = good();
    text.replace(text.find("stonith-exec"), 12, "stonith-exce");
    auto item = check(text);
    INFO(all(item));
    CHECK_FALSE(item.ok());
    const auto* found = about(item, "stonith-exce");
    REQUIRE(found != nullptr);
    CHECK(found->severity == problem::level::error);
    CHECK(found->where.file == "cluster.conf");
    CHECK(found->where.line == 11);
    CHECK(found->nearest == "stonith-exec");
    CHECK(found->message.find(PLUGIN_DIR) != std::string::npos);
}

TEST_CASE("without any plugin everything that needs one is an error, links included") {
    temp_dir empty;
    auto item = check(good(), empty.path);
    INFO(all(item));
    CHECK_FALSE(item.ok());
    CHECK(about(item, "heartbeat-udp") != nullptr);
    CHECK(about(item, "stonith-exec") != nullptr);
    CHECK_FALSE(check(good(), empty.path + "/nowhere").ok());
}

TEST_CASE("a library that can't be loaded is named with the reason, not as missing") {
    temp_dir dir;
    for (const auto& item : std::filesystem::directory_iterator(PLUGIN_DIR))
        if (item.path().extension() == ".so") std::filesystem::copy(item.path(), dir.path);
    std::ofstream(dir.path + "/stonith-exec.so", std::ios::trunc) << "no library";
    auto item = check(good(), dir.path);
    INFO(all(item));
    CHECK_FALSE(item.ok());
    CHECK(about(item, "there is no plugin stonith-exec") == nullptr);
}

TEST_CASE("a syntax error is reported with its place, and plugins are not asked") {
    auto item = check(good() + "stonith_nmae x\n");
    CHECK_FALSE(item.ok());
    REQUIRE_FALSE(item.found.empty());
    CHECK(item.found[0].where.line == 14);
    CHECK(item.found[0].nearest == "stonith_name");
}

TEST_CASE("the initial file of a node: read, missing, wrong") {
    temp_dir dir;
    auto missing = read_initial(dir.path);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().message.find(dir.path + "/cluster.conf") != std::string::npos);
    std::ofstream(dir.path + "/cluster.conf") << good();
    auto found = read_initial(dir.path);
    REQUIRE(found);
    CHECK(found->cluster.name == "lab");
    std::ofstream(dir.path + "/cluster.conf") << "nonsense\n";
    auto wrong = read_initial(dir.path);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message.find("cluster.conf:1") != std::string::npos);
}
