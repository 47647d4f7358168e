// The lvm plugin: what its tools print, what the kernel lists, and the real tools on a group of their own. Activation
// needs device-mapper in the kernel: where that is absent it is the failure that is looked at; the rest is tests/vm's.
#include "lvm/tools.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "host_process.hpp"
#include "lvm/mapped.hpp"
#include "lvm/owner.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using plugin::outcome;
using plugin::verb;

namespace {

// A group with a logical volume in a file, seen by the tools through a configuration of their own: nothing else of the
// machine is. Made from its text: without device-mapper lvcreate makes none.
class group {
public:
    group() : name_("mainstay-test-" + std::to_string(::getpid())) {
        shell("truncate -s 32M " + (dir_ / "disk"));
        device_ = test::shell("losetup -f --show " + (dir_ / "disk"));
        device_.resize(device_.find('\n'));
        test::write_file(dir_ / "lvm.conf", "devices {\n filter = [ \"a|^" + device_ +
                                                "$|\", \"r|.*|\" ]\n}\nbackup {\n" + " backup = 0\n archive = 0\n}\n");
        shell("pvcreate " + device_);
        shell("vgcreate --setautoactivation n " + name_ + " " + device_);
        shell("vgcfgbackup -f " + (dir_ / "text") + " " + name_);
        auto text = test::read_file(dir_ / "text");
        text.insert(text.rfind('}'), volume);
        test::write_file(dir_ / "text", text);
        shell("vgcfgrestore -f " + (dir_ / "text") + " " + name_ + " 2>&1");
    }
    ~group() { std::system(with("vgchange -a n " + name_ + " >/dev/null 2>&1; losetup -d " + device_).c_str()); }
    group(const group&) = delete;
    group& operator=(const group&) = delete;

    void shell(const std::string& line) const { test::shell(with(line)); }
    [[nodiscard]] std::string tags() const {
        auto row = lvm::rows_of(test::shell(with("vgs --noheadings --nameprefixes -o vg_tags " + name_)));
        return row.at(0)["vg_tags"];
    }
    [[nodiscard]] plugin::answer ask(verb what, plugin::field_map more = {}) const {
        more.insert({{"group", name_}, {"cluster", "portal"}});
        test::host_process host({.file = "lvm", .instance = "db", .own_node = "n1", .params = std::move(more)}, nullptr,
                                [this] { ::setenv("LVM_SYSTEM_DIR", dir_.path().c_str(), 1); });
        return host.call(what);
    }
    [[nodiscard]] const std::string& name() const { return name_; }

private:
    [[nodiscard]] std::string with(const std::string& line) const {
        return "export LVM_SYSTEM_DIR=" + dir_.path() + " LVM_SUPPRESS_FD_WARNINGS=1; " + line;
    }

    static constexpr const char* volume =
        "logical_volumes { data { id = \"1fUGqO-Tp8d-8rxO-bGaS-wZFt-7fcg-Yc8ABC\" status = [\"READ\", \"WRITE\", "
        "\"VISIBLE\"] segment_count = 1 segment1 { start_extent = 0 extent_count = 1 type = \"striped\" "
        "stripe_count = 1 stripes = [\"pv0\", 0] } } }\n";
    test::scratch dir_;
    std::string name_;
    std::string device_;
};

bool kernel_maps() { return std::filesystem::exists("/sys/class/misc/device-mapper"); }

// A container may have none.
bool has_loop_devices() { return ::access("/dev/loop-control", R_OK | W_OK) == 0; }

}  // namespace

TEST_CASE("lvm: rows and messages of the tools") {
    const std::string said =
        "  WARNING: PV uuid not found.\n"
        "  LVM2_VG_NAME='vg-1' LVM2_VG_TAGS='a,mainstay:portal:n1' LVM2_VG_EXPORTED=''\n"
        "  LVM2_VG_NAME='cut o";
    auto rows = lvm::rows_of(said);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0] == lvm::row{{"vg_name", "vg-1"}, {"vg_tags", "a,mainstay:portal:n1"}, {"vg_exported", ""}});
    CHECK(lvm::messages_of(said) == "WARNING: PV uuid not found");
    CHECK(lvm::messages_of("a.\n a.\n\n b\nc\nd\ne\n") == "b; c; d; e");
    CHECK(lvm::messages_of("").empty());
}

TEST_CASE("lvm: whose a tag says a group is") {
    CHECK(lvm::tag_of({"portal", "n1"}) == "mainstay:portal:n1");
    CHECK(lvm::owners_of({"x", "mainstay:portal:n1", "mainstay:portal", "mainstay::n1", "mainstay:p:"}) ==
          std::vector<lvm::owner>{{"portal", "n1"}});
}

TEST_CASE("lvm: what the kernel has mapped of a group") {
    CHECK(lvm::group_of("vg01-data") == "vg01");
    CHECK(lvm::group_of("a--b-c--d") == "a-b");
    CHECK(lvm::group_of("none").empty());
    const test::scratch sys;
    auto device = [&](const std::string& kernel, const std::string& name, const std::string& uuid) {
        std::filesystem::create_directories(sys / ("block/" + kernel + "/dm"));
        std::filesystem::create_directories(sys / ("block/" + kernel + "/holders"));
        test::write_file(sys / ("block/" + kernel + "/dm/name"), name + "\n");
        test::write_file(sys / ("block/" + kernel + "/dm/uuid"), uuid + "\n");
        test::write_file(sys / ("block/" + kernel + "/dev"), "999:" + kernel.substr(3) + "\n");
    };
    device("dm-0", "a--b-log", "LVM-x");
    device("dm-1", "a--b-data--1", "LVM-y");
    device("dm-2", "a-b", "LVM-z");
    device("dm-3", "a--b-crypt", "CRYPT-x");
    std::filesystem::create_directories(sys / "block/dm-1/holders/dm-3");
    auto found = lvm::mapped_volumes("a-b", sys.path());
    REQUIRE(found.size() == 2);
    CHECK(found[0].name == "data-1");
    CHECK(found[0].number == "999:1");
    CHECK(found[1].kernel == "dm-0");
    CHECK(lvm::usage_of(found, sys.path()) == "data-1, under a--b-crypt; log");
    CHECK(lvm::mapped_volumes("none", sys.path()).empty());
    CHECK(lvm::mapped_known(sys.path()));
    CHECK_FALSE(lvm::mapped_known(sys.path() + "/nowhere"));
}

TEST_CASE("lvm: a group takes the tag of its node, and loses it") {
    if (!has_loop_devices()) {
        WARN("no loop devices here");
        return;
    }
    const group one;
    CHECK(one.ask(verb::status).outcome == outcome::not_running);
    one.shell("vgchange --addtag purpose --addtag mainstay:portal:n2 " + one.name());
    auto started = one.ask(verb::start);
    INFO(started.text);
    CHECK(one.tags() == "mainstay:portal:n1,purpose");
    if (kernel_maps()) {
        CHECK(started.outcome == outcome::ok);
        CHECK(one.ask(verb::status).outcome == outcome::ok);
        CHECK_THAT(one.ask(verb::start).text, Contains("active already"));
    } else {
        CHECK(started.outcome == outcome::failed);
        CHECK_THAT(started.text, StartsWith("/sbin/vgchange -a y " + one.name() + ": ") && Contains("device-mapper"));
        CHECK(one.ask(verb::status).outcome == outcome::not_running);
    }
    auto stopped = one.ask(verb::stop);
    INFO(stopped.text);
    CHECK(stopped.outcome == outcome::ok);
    CHECK(one.tags() == "purpose");
    CHECK(one.ask(verb::stop).outcome == outcome::ok);
}

TEST_CASE("lvm: another cluster's group is left alone, and one that was exported") {
    if (!has_loop_devices()) {
        WARN("no loop devices here");
        return;
    }
    const group one;
    one.shell("vgchange --addtag mainstay:shop:n1 " + one.name());
    auto started = one.ask(verb::start);
    CHECK(started.outcome == outcome::failed);
    CHECK(started.text == one.name() +
                              " belongs to n1 of cluster shop; if that is no more: vgchange --deltag "
                              "mainstay:shop:n1 " +
                              one.name());
    CHECK(one.ask(verb::stop).outcome == outcome::ok);
    CHECK(one.tags() == "mainstay:shop:n1");
    one.shell("vgexport " + one.name() + " 2>&1");
    CHECK_THAT(one.ask(verb::start).text, Contains("is exported"));
}

TEST_CASE("lvm: what can't be started says why") {
    test::host_process none({.file = "lvm", .params = {{"group", "mainstay-no-such"}, {"cluster", "portal"}}});
    CHECK_THAT(none.call(verb::start).text, StartsWith("there is no volume group mainstay-no-such on this node"));
    CHECK(none.call(verb::status).outcome == outcome::not_running);
    CHECK(none.call(verb::stop).outcome == outcome::ok);
    test::host_process bare(
        {.file = "lvm", .params = {{"group", "vg01"}, {"cluster", "c"}, {"activation", "/nowhere/vgchange -a y"}}});
    CHECK(bare.call(verb::start).text == "/nowhere/vgs of vg01: can't be started: No such file or directory");
    CHECK(bare.call(verb::status).outcome == outcome::unknown);
    test::host_process shell({.file = "lvm", .params = {{"group", "v"}, {"cluster", "c"}, {"activation", "sh -a y"}}});
    CHECK_THAT(shell.refusal(), Contains("neither vgchange nor an absolute path"));
}
