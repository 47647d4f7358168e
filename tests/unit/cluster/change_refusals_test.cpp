// What can't be applied as things are, told with its place in the files.
#include "cluster/change_refusals.hpp"

#include <array>
#include <catch2/catch.hpp>

#include "cluster/commands.hpp"
#include "model/parse.hpp"
#include "support/small_cluster.hpp"

using namespace mainstay;
using namespace mainstay::small;
using namespace mainstay::cluster;

namespace {

struct web_lab : cluster_lab {
    // A package web with `more` that starts on n1 (proven to start: it has never run).
    explicit web_lab(const std::string& more) : cluster_lab(cluster_part() + web(more)) {
        for (node_id node : {n1, n2, n3}) boot(node, {2, 2}, own_feature_level);
        package_start start;
        start.package = "web";
        start.node = n1;
        start.boot = {2, 2};
        start.generation = generation{1};
        start.proof = proof_kind::never_started;
        auto outcome = say(start);
        INFO(outcome.refusal);
        REQUIRE(outcome.accepted);
    }
    // ... and is up by now, in a cluster of that feature level.
    void runs(std::uint32_t level = own_feature_level) {
        say(cluster::feature_level{level});
        package_report up;
        up.package = "web";
        up.generation = generation{1};
        up.node = n1;
        up.what = report::running;
        auto outcome = say(up);
        INFO(outcome.refusal);
        REQUIRE(outcome.accepted);
    }
    static std::string cluster_part() {
        auto text = configuration_text();
        return text.substr(0, text.find("package_name"));
    }
    static std::string web(const std::string& more) {
        return "package_name web\nrun_script /bin/true\nhalt_script /bin/true\n" + more;
    }
    std::string told(const std::string& package) {
        std::array<named_text, 2> files{named_text{"cluster.conf", cluster_part()}, named_text{"web.conf", package}};
        auto parsed = parse_configuration(files);
        REQUIRE(parsed.ok());
        std::string all;
        for (const auto& item : against_now(state, parsed.config)) all += to_text(item) + '\n';
        return all;
    }
};

constexpr const char* first_halt =
    ": can't be applied now: package web is starting on n1: hactl package halt web first\n";
constexpr const char* first_halt_running =
    ": can't be applied now: package web is running on n1: hactl package halt web first\n";

std::string mount(const std::string& device, const std::string& directory) {
    return "fs_name /dev/" + device + "\n fs_directory " + directory + "\n fs_type ext4\n";
}

}  // namespace

TEST_CASE("nothing stands against what changes nothing, or what may change while it runs") {
    web_lab lab("");
    CHECK(lab.told(web_lab::web("")).empty());
    CHECK(lab.told(web_lab::web("priority 4\n")).empty());
}

TEST_CASE("a file system that comes to a running package: its own line, and only keywords that the file has") {
    web_lab lab("");
    CHECK(lab.told(web_lab::web("fs_name tmpfs\n fs_directory /mnt\n fs_type tmpfs\n")) ==
          std::string("web.conf:4: error: fs_name") + first_halt);
}

TEST_CASE("of several file systems the one that differs is named, and volume groups by theirs") {
    std::string two =
        "fs_name /dev/a\n fs_directory /a\n fs_type ext4\nfs_name /dev/b\n fs_directory /b\n fs_type ext4\n";
    web_lab lab("vg vg01\n" + two);
    auto moved = two;
    moved.replace(moved.find("/b\n fs_type"), 2, "/c");
    CHECK(lab.told(web_lab::web("vg vg01\n" + moved)) == std::string("web.conf:9: error: fs_directory") + first_halt);
    CHECK(lab.told(web_lab::web("vg vg01\nvg vg02\n" + two)) == std::string("web.conf:5: error: vg") + first_halt);
    CHECK(lab.told(web_lab::web("vg vg01\nfs_mount_retry_count 2\n" + two)).empty());
}

TEST_CASE("storage comes to a package that runs, once every node knows how") {
    web_lab lab(mount("a", "/a"));
    auto more = web_lab::web("vg vg01\n" + mount("b", "/b") + mount("a", "/a") + mount("c", "/a/c"));
    lab.runs(online_storage_level - 1);
    CHECK(lab.told(more) == std::string("web.conf:4: error: vg") + first_halt_running + "web.conf:5: error: fs_name" +
                                first_halt_running);
    lab.say(cluster::feature_level{online_storage_level});
    CHECK(lab.told(more).empty());
}

TEST_CASE("what is changed beside storage that comes is refused at its own line") {
    web_lab lab(mount("a", "/a"));
    lab.runs();
    CHECK(lab.told(web_lab::web(mount("b", "/b") + "fs_name /dev/a\n fs_directory /a\n fs_type xfs\n")) ==
          std::string("web.conf:9: error: fs_type") + first_halt_running);
    CHECK(lab.told(web_lab::web(mount("b", "/b"))) == std::string("web.conf:4: error: fs_name") + first_halt_running);
}

TEST_CASE("a directory that would hide one that is mounted comes with the package down") {
    web_lab lab(mount("a", "/srv/a"));
    lab.runs();
    CHECK(lab.told(web_lab::web(mount("b", "/srv") + mount("a", "/srv/a"))) ==
          "web.conf:5: error: fs_directory: can't be applied now: package web is active: halt it before fs_directory "
          "/srv is added: it would hide /srv/a, which is mounted already\n");
    CHECK(lab.told(web_lab::web(mount("a", "/srv/a") + mount("b", "/srv/a/b"))).empty());
}

TEST_CASE("packages that are in no file are told one by one, and by name they may go") {
    web_lab lab("package_name db\nrun_script /bin/true\nhalt_script /bin/true\n");
    std::array<named_text, 1> files{named_text{"cluster.conf", web_lab::cluster_part()}};
    auto parsed = parse_configuration(files);
    auto said = [&](const std::vector<std::string>& meant) {
        std::string all;
        for (const auto& item : left_out(lab.state, parsed.config, meant)) all += to_text(item) + '\n';
        return all;
    };
    CHECK(said({}) ==
          "warning: package web (starting on n1) is in no file and would be removed; if that is meant: --remove web\n"
          "warning: package db (down) is in no file and would be removed; if that is meant: --remove db\n");
    CHECK(said({"web"}) ==
          "warning: package db (down) is in no file and would be removed; if that is meant: --remove db\n");
    CHECK(said({"db", "web"}).empty());
    CHECK(said({"all"}).empty());
    CHECK(said({"all", "bd"}) == "error: --remove bd: there is no such package\n");
    files[0].text += web_lab::web("");
    parsed = parse_configuration(files);
    CHECK(said({"db", "web"}) == "error: --remove web: it is in the files; take it out of them to remove it\n");
}

TEST_CASE("a removed package, and a node of whose list it leaves") {
    web_lab lab("");
    auto gone = lab.told("package_name other\nrun_script /r\nhalt_script /r\n");
    CHECK(gone == "error: can't be applied now: package web is active: halt it before it is removed\n");
    CHECK(lab.told(web_lab::web("node_name n2\n")) ==
          "web.conf:1: error: package_name: can't be applied now: package web is active: move it before node n1 leaves "
          "its node list\n");
}
