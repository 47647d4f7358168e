#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "guard/log_file.hpp"

using namespace mainstay::guard;

namespace {

struct directory {
    directory() {
        char name[] = "/tmp/mainstay-log-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path = name;
    }
    ~directory() { std::filesystem::remove_all(path); }
    std::string file(const char* name) const { return path + '/' + name; }
    std::string path;
};

std::string read_file(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

}  // namespace

TEST_CASE("a log never grows past its limit and keeps one old file") {
    directory d;
    log_file log(d.file("a.log"), 100);
    for (int i = 0; i < 50; ++i) log.write("0123456789\n");
    CHECK(std::filesystem::file_size(d.file("a.log")) <= 100);
    CHECK(std::filesystem::file_size(d.file("a.log.1")) == 100);
    CHECK(log.trouble().empty());
    log.write(std::string(1'000, 'x'));
    CHECK(std::filesystem::file_size(d.file("a.log")) <= 100);
}

TEST_CASE("a log goes on where it was, and anew when somebody moved it") {
    directory d;
    log_file(d.file("a.log")).write("one\n");
    log_file log(d.file("a.log"));
    log.write("two\n");
    CHECK(read_file(d.file("a.log")) == "one\ntwo\n");
    std::filesystem::rename(d.file("a.log"), d.file("moved"));
    log.write("three\n");
    CHECK(read_file(d.file("a.log")) == "three\n");
}

TEST_CASE("where nothing can be written, the text is lost and the reason kept") {
    directory d;
    log_file nowhere(d.file("no/such/a.log"));
    nowhere.write("text");
    CHECK(nowhere.trouble().find("No such file") != std::string::npos);
    REQUIRE(::mkfifo(d.file("pipe").c_str(), 0600) == 0);
    log_file pipe(d.file("pipe"));
    pipe.write("text");
    CHECK_FALSE(pipe.trouble().empty());
}

TEST_CASE("the tail is the last bytes, from a whole line on") {
    tail_buffer tail(20);
    tail.append("short\n");
    CHECK(tail.text() == "short\n");
    for (int i = 0; i < 100; ++i) tail.append("line " + std::to_string(i) + "\n");
    CHECK(tail.text() == "line 98\nline 99\n");
    tail.append(std::string(1'000, 'x'));
    CHECK(tail.text() == std::string(20, 'x'));
}
