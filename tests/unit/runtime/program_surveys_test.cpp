// Looking at programs on a real disk, and asking other nodes for it.
#include <utility>

#include "runtime/program_surveys.hpp"

#include <sys/stat.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "runtime/program_files.hpp"
#include "temp_dir.hpp"

using namespace mainstay;
using kind = program_seen::kind;

namespace {

std::string file(const temp_dir& dir, const std::string& name, const std::string& text, mode_t mode = 0755) {
    auto path = dir.path + '/' + name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
}

// A node's daemon as far as this goes: what is fed into the core is kept.
struct lab {
    lab() : surveys(loop, "n1", 100, [this](node::input item) { fed.push_back(std::move(item)); }) {}
    template <class Condition>
    bool until(Condition wanted) {
        auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!wanted() && std::chrono::steady_clock::now() < limit) loop.run_one_for(std::chrono::milliseconds(20));
        return wanted();
    }
    template <class Input>
    std::vector<Input> all() const {
        std::vector<Input> out;
        for (const auto& item : fed)
            if (const auto* wanted = std::get_if<Input>(&item)) out.push_back(*wanted);
        return out;
    }
    boost::asio::io_context loop;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy{loop.get_executor()};
    std::vector<node::input> fed;
    program_looks result;
    bool done = false;
    runtime::program_surveys surveys;
    void begin(const std::map<std::string, std::vector<std::string>>& where,
               const std::vector<std::string>& silent = {}) {
        surveys.begin(where, silent, [this](const program_looks& seen) {
            result = seen;
            done = true;
        });
    }
};

}  // namespace

TEST_CASE("files are seen as they are") {
    temp_dir dir;
    auto script = runtime::look_at_program(file(dir, "script", "#!/bin/sh\nexit 0\n"));
    CHECK(script.what == kind::good);
    CHECK(script.script);
    // sha256sum says so.
    CHECK(script.digest.size() == 32);
    CHECK(static_cast<unsigned char>(script.digest[0]) == 0x30);
    CHECK(static_cast<unsigned char>(script.digest[31]) == 0xcb);
    auto same = runtime::look_at_program(file(dir, "same", "#!/bin/sh\nexit 0\n"));
    CHECK(same.digest == script.digest);
    CHECK(runtime::look_at_program(file(dir, "other", "#!/bin/sh\nexit 1\n")).digest != script.digest);
    CHECK_FALSE(runtime::look_at_program(file(dir, "binary",
                                              "\x7f"
                                              "ELF"))
                    .script);
    CHECK(runtime::look_at_program(file(dir, "empty", "")).what == kind::good);
    CHECK(runtime::look_at_program(file(dir, "plain", "#!/bin/sh\n", 0644)).what == kind::not_executable);
    CHECK(runtime::look_at_program(dir.path).what == kind::no_file);
    CHECK(runtime::look_at_program(dir.path + "/nothing").what == kind::missing);
    CHECK(runtime::look_at_program(dir.path + "/script/below").what == kind::missing);
    std::filesystem::create_symlink(dir.path + "/gone", dir.path + "/link");
    CHECK(runtime::look_at_program(dir.path + "/link").what == kind::missing);
    std::filesystem::create_symlink(dir.path + "/round", dir.path + "/round");
    auto round = runtime::look_at_program(dir.path + "/round");
    CHECK(round.what == kind::unreadable);
    CHECK(round.error == ELOOP);
    REQUIRE(::mkfifo((dir.path + "/pipe").c_str(), 0755) == 0);
    CHECK(runtime::look_at_program(dir.path + "/pipe").what == kind::no_file);
}

TEST_CASE("a file that is too large to be compared is good all the same") {
    temp_dir dir;
    auto most = runtime::look_at_program(file(dir, "most", std::string(runtime::program_digest_max, 'x')));
    CHECK(most.what == kind::good);
    CHECK(most.digest.size() == 32);
    auto more = runtime::look_at_program(file(dir, "more", "#!" + std::string(runtime::program_digest_max, 'x')));
    CHECK(more.what == kind::good);
    CHECK(more.script);
    CHECK(more.digest.empty());
}

TEST_CASE("the own disk is looked at, other nodes are asked, and who is out of reach is not") {
    temp_dir dir;
    auto path = file(dir, "run", "#!/bin/sh\n");
    lab item;
    item.begin({{"n1", {path}}, {"n2", {path}}, {"n3", {path}}}, {"n3"});
    REQUIRE(item.until([&] { return !item.all<node::ask_programs>().empty(); }));
    auto asked = item.all<node::ask_programs>().front();
    CHECK(asked.to == "n2");
    CHECK(asked.paths == std::vector<std::string>{path});
    CHECK(asked.id >= 100);
    item.surveys.told({"n2", asked.id, {{kind::missing, 0, false, {}}}});
    REQUIRE(item.until([&] { return item.done; }));
    CHECK(item.result.at("n1").seen.at(path).what == kind::good);
    CHECK(item.result.at("n2").seen.at(path).what == kind::missing);
    CHECK(item.result.at("n3").silence == "it is not heard");
    CHECK(item.all<node::ask_programs>().back().to == "n2");
}

TEST_CASE("a node that never answers is asked more than once and then left out; others are not held up by name") {
    lab item;
    item.begin({{"n2", {"/s/run"}}});
    REQUIRE(item.until([&] { return item.done; }));
    auto asked = item.all<node::ask_programs>();
    REQUIRE(asked.size() > 1);
    CHECK(asked.front().id == asked.back().id);
    CHECK(item.result.at("n2").silence == "it does not answer");
}

TEST_CASE("another node's question is looked into once and answered to the asker") {
    temp_dir dir;
    auto path = file(dir, "run", "#!/bin/sh\n");
    lab item;
    for (int i = 0; i < 3; ++i) item.surveys.look({"n2", 7, {path, dir.path}});
    REQUIRE(item.until([&] { return !item.all<node::tell_programs>().empty(); }));
    item.surveys.look({"n2", 8, {path}});
    REQUIRE(item.until([&] { return item.all<node::tell_programs>().back().id == 8; }));
    auto told = item.all<node::tell_programs>();
    REQUIRE(told.size() == 2);
    CHECK(told[0].to == "n2");
    CHECK(told[0].id == 7);
    REQUIRE(told[0].seen.size() == 2);
    CHECK(told[0].seen[0].what == kind::good);
    CHECK(told[0].seen[1].what == kind::no_file);
}

TEST_CASE("surveys at the same time do not take each other's answers") {
    lab item;
    program_looks second;
    item.begin({{"n2", {"/s/a"}}});
    item.surveys.begin({{"n2", {"/s/b"}}}, {}, [&second](const program_looks& seen) { second = seen; });
    REQUIRE(item.until([&] { return item.all<node::ask_programs>().size() >= 2; }));
    for (const auto& asked : item.all<node::ask_programs>())
        item.surveys.told({"n2", asked.id, {{kind::good, 0, true, asked.paths.front()}}});
    REQUIRE(item.until([&] { return item.done && !second.empty(); }));
    CHECK(item.result.at("n2").seen.at("/s/a").digest == "/s/a");
    CHECK(second.at("n2").seen.at("/s/b").digest == "/s/b");
}
