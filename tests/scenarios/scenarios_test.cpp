// Runs every transcript of transcripts/. MAINSTAY_REWRITE=1 writes what really happened into them:
// commit such a change only when every changed line is understood.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "interpreter.hpp"

using namespace mainstay::scenarios;
namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> transcripts() {
    std::vector<fs::path> files;
    for (const auto& item : fs::directory_iterator(MAINSTAY_SCENARIOS))
        if (item.path().extension() == ".txt") files.push_back(item.path());
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

TEST_CASE("there are transcripts") { REQUIRE(transcripts().size() >= 10); }

TEST_CASE("transcripts") {
    auto file = GENERATE(from_range(transcripts()));
    DYNAMIC_SECTION(file.filename().string()) {
        auto script = read_script(read(file));
        interpreter speaker;
        auto happened = script;
        for (auto& item : happened) item.expected = speaker.run(item.commands);
        if (std::getenv("MAINSTAY_REWRITE") != nullptr) std::ofstream(file) << write_script(happened);
        for (std::size_t i = 0; i < script.size(); ++i) {
            INFO("after: " << (script[i].commands.empty() ? "" : script[i].commands.front()));
            if (std::getenv("MAINSTAY_REWRITE") == nullptr) CHECK(happened[i].expected == script[i].expected);
            // No transcript may show a broken invariant, whatever it says it expects.
            CHECK(happened[i].expected.find("VIOLATION") == std::string::npos);
            CHECK(happened[i].expected.find("what is ") == std::string::npos);
        }
    }
}
