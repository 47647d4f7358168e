#include <catch2/catch.hpp>

#include "model/lexer.hpp"
#include "model/limits.hpp"
#include "model/parse.hpp"

using namespace mainstay;

namespace {

using words = std::vector<std::string>;

std::vector<statement> split(std::string_view text) {
    problems found;
    auto out = split_statements("f", text, found);
    CHECK(found.empty());
    return out;
}

std::string fault(std::string_view text) {
    problems found;
    (void)split_statements("f", text, found);
    return found.empty() ? "" : to_text(found.front());
}

}  // namespace

TEST_CASE("keywords in any case, comments, blank lines, both line ends") {
    auto lines = split("\xef\xbb\xbf# all\r\n\r\n  Cluster_NAME\tportal   # ours\r\nnode_name web#1\nsubnet");
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].keyword == "cluster_name");
    CHECK(lines[0].written == "Cluster_NAME");
    CHECK(lines[0].rest == "portal");
    CHECK(lines[0].where.line == 3);
    CHECK(lines[1].rest == "web#1");
    CHECK(lines[2].rest.empty());
}

TEST_CASE("quotes join words and protect the comment sign") {
    CHECK(split_words(R"(a "b c" 'd "e"' "f\"g\\" h\i)") == words{"a", "b c", "d \"e\"", "f\"g\\", "h\\i"});
    CHECK(split_words(R"("" x)") == words{"", "x"});
    CHECK(split_words("Joe's shop") == words{"Joe's", "shop"});
    CHECK_FALSE(split_words(R"(a "b)"));
    CHECK(split("x \"a # b\" # c").front().rest == "\"a # b\"");
}

TEST_CASE("a whole-line value keeps inner quotes and loses outer ones") {
    CHECK(whole_value(R"("/usr/bin/x -a 'b'")") == "/usr/bin/x -a 'b'");
    CHECK(whole_value(R"(/bin/sh -c "exec x")") == R"(/bin/sh -c "exec x")");
    CHECK(whole_value(R"("/opt/my app/x" "y")") == R"("/opt/my app/x" "y")");
    CHECK(whole_value("") == "");
    CHECK(whole_value("\"") == "\"");
}

TEST_CASE("what is quoted reads back") {
    for (const char* text : {"plain", "two words", " edge ", "a # b", "#", "\"", "'", "'x' y", "\"x\"", "a\\b",
                             "\"a\\\"b\"", "it's", "x \"y", "\\", "\"x\" \"y\"", "sh -c 'a # b'"}) {
        CAPTURE(text);
        auto word = split("k " + quoted_word(text)).front().rest;
        CHECK(split_words(word) == words{text});
        auto whole = split("k " + quoted_whole(text)).front().rest;
        CHECK(whole_value(whole) == text);
    }
}

TEST_CASE("what is not text is refused with its column") {
    CHECK(fault(std::string("a\0b", 3)).find("control character (byte 0) in column 2") != std::string::npos);
    CHECK(fault("name \xff").find("not UTF-8 text in column 6") != std::string::npos);
    CHECK_FALSE(fault("a \xc0\xaf").empty());
    CHECK_FALSE(fault("a \xed\xa0\x80").empty());
    CHECK_FALSE(fault("a \xe2\x82").empty());
    CHECK(fault("a \xe2\x82\xac").empty());
    CHECK(fault(std::string(limits::line_bytes + 1, 'x')).find("longer than") != std::string::npos);
}

TEST_CASE("files, lines and problems have limits") {
    named_text huge{"huge.conf", std::string(limits::file_bytes + 1, '\n')};
    CHECK_FALSE(parse_configuration(std::span(&huge, 1)).ok());
    std::string noise;
    for (int i = 0; i < 10'000; ++i) noise += "frobnicate\n";
    named_text many{"many.conf", noise};
    auto outcome = parse_configuration(std::span(&many, 1));
    CHECK(outcome.found.size() == limits::problems + 1);
    std::vector<named_text> files(limits::files + 1, named_text{"x", "\n"});
    CHECK_FALSE(parse_configuration(files).ok());
}

TEST_CASE("no bytes crash the parser") {
    // A deterministic walk through mangled input: every prefix of a full file, and every file with one byte changed.
    const std::string good =
        "cluster_name c\nnode_name a\nnetwork_interface e\nheartbeat_ip 10.0.0.1/24\nstonith_name s\n"
        "stonith_param command \"x y\"\npackage_name p\nip_subnet 10.0.0.0\nip_address 10.0.0.9\nservice_name s\n"
        "service_cmd /bin/x\n";
    for (std::size_t i = 0; i < good.size(); ++i) {
        named_text prefix{"f", good.substr(0, i)};
        (void)parse_configuration(std::span(&prefix, 1));
        for (char c : {'\0', '\n', '"', '#', ' ', '\xff', '='}) {
            named_text changed{"f", good};
            changed.text[i] = c;
            auto outcome = parse_configuration(std::span(&changed, 1));
            for (const auto& item : outcome.found) CHECK_FALSE(to_text(item).empty());
        }
    }
}
