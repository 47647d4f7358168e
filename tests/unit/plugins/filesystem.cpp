#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "host_process.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;
using plugin::outcome;
using plugin::verb;

namespace {

// The plugin host in a mount namespace of its own: nothing is mounted on the machine.
plugin::instance_config mounting(const std::string& device, const std::string& directory, const std::string& type,
                                 plugin::field_map more = {}) {
    more["device"] = device;
    more["directory"] = directory;
    more["type"] = type;
    return {.file = "filesystem", .instance = "web", .params = std::move(more)};
}

void own_mounts() {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ::_exit(99);
}

// A process inside the mount namespace of the host.
std::vector<std::string> beside(test::host_process& host, const std::string& line) {
    return {"nsenter", "-m", "-t", std::to_string(host.process().pid()), "sh", "-c", line};
}

}  // namespace

TEST_CASE("filesystem: mounts and unmounts") {
    const test::scratch dir;
    const auto where = dir / "a b";
    REQUIRE(::mkdir(where.c_str(), 0755) == 0);
    test::host_process host(mounting("tmpfs", where, "tmpfs", {{"mount_options", "-o size=1m,mode=0700"}}), nullptr,
                            own_mounts);
    CHECK(host.call(verb::status).outcome == outcome::not_running);
    CHECK(host.call(verb::stop).outcome == outcome::ok);
    auto started = host.call(verb::start);
    INFO(started.text);
    CHECK(started.outcome == outcome::ok);
    CHECK(host.call(verb::status).outcome == outcome::ok);
    CHECK_THAT(host.call(verb::start).text, Contains("mounted already"));
    CHECK(host.call(verb::stop).outcome == outcome::ok);
    CHECK(host.call(verb::status).outcome == outcome::not_running);
}

TEST_CASE("filesystem: the directory may be a symbolic link, or lie below one") {
    const test::scratch dir;
    REQUIRE(::mkdir((dir / "real").c_str(), 0755) == 0);
    REQUIRE(::mkdir((dir / "real/below").c_str(), 0755) == 0);
    REQUIRE(::symlink((dir / "real").c_str(), (dir / "link").c_str()) == 0);
    for (const char* name : {"link", "link/below"}) {
        test::host_process host(mounting("tmpfs", dir / name, "tmpfs"), nullptr, own_mounts);
        CHECK(host.call(verb::status).outcome == outcome::not_running);
        CHECK(host.call(verb::start).outcome == outcome::ok);
        CHECK(host.call(verb::status).outcome == outcome::ok);
        CHECK_THAT(host.call(verb::start).text, Contains("mounted already"));
        CHECK(host.call(verb::stop).outcome == outcome::ok);
        CHECK(host.call(verb::status).outcome == outcome::not_running);
    }
}

TEST_CASE("filesystem: what keeps it busy is named, and ended when it may be") {
    const test::scratch dir;
    const auto where = dir / "data";
    REQUIRE(::mkdir(where.c_str(), 0755) == 0);
    test::host_process host(mounting("tmpfs", where, "tmpfs"), nullptr, own_mounts);
    REQUIRE(host.call(verb::start).outcome == outcome::ok);
    // One that ends on SIGTERM, one that does not care.
    test::child polite(beside(host, "cd " + where + " && echo > polite && exec sleep 1000"));
    test::child stubborn(
        beside(host, "trap '' TERM; exec 3>" + where + "/stubborn; echo >&3; while :; do sleep 1000; done"));
    const auto files = "/proc/" + std::to_string(host.process().pid()) + "/root" + where;
    REQUIRE(test::eventually(
        [&] { return test::read_file(files + "/polite") == "\n" && test::read_file(files + "/stubborn") == "\n"; }));
    auto stopped = host.call(verb::stop);
    INFO(stopped.text);
    CHECK(stopped.outcome == outcome::ok);
    CHECK(host.call(verb::status).outcome == outcome::not_running);
}

TEST_CASE("filesystem: what can't be mounted says why") {
    const test::scratch dir;
    const auto where = dir / "data";
    CHECK_THAT(test::host_process(mounting("tmpfs", where, "tmpfs"), nullptr, own_mounts).call(verb::start).text,
               Contains("is no directory"));
    REQUIRE(::mkdir(where.c_str(), 0755) == 0);
    auto missing = test::host_process(mounting(dir / "nothing", where, "ext4"), nullptr, own_mounts).call(verb::start);
    CHECK(missing.outcome == outcome::failed);
    CHECK_THAT(missing.text, Contains("fsck of"));
    auto unknown =
        test::host_process(mounting(dir / "nothing", where, "nosuchtype"), nullptr, own_mounts).call(verb::start);
    CHECK(unknown.outcome == outcome::failed);
    CHECK_THAT(unknown.text, Contains("mount of"));
    CHECK_THAT(test::host_process(mounting("x", "/", "ext4")).refusal(), Contains("can't mount something on /"));
}

TEST_CASE("filesystem: prepare checks what is there, and leaves the rest to the mount") {
    const test::scratch dir;
    const auto where = dir / "data";
    const auto image = dir / "image";
    REQUIRE(::mkdir(where.c_str(), 0755) == 0);
    test::host_process host(mounting(image, where, "ext4"), nullptr, own_mounts);
    // An image that lies in a file system which is still to be mounted.
    CHECK(host.call(verb::prepare).outcome == outcome::ok);
    CHECK_THAT(host.call(verb::start).text, Contains("fsck of"));
    test::write_file(image, std::string(65536, '\0'));
    auto broken = host.call(verb::prepare);
    CHECK(broken.outcome == outcome::failed);
    CHECK_THAT(broken.text, Contains("fsck of"));
    CHECK(test::host_process(mounting("tmpfs", where, "tmpfs"), nullptr, own_mounts).call(verb::prepare).outcome ==
          outcome::ok);
}

TEST_CASE("filesystem: what somebody else mounted there stays, and so does whoever works in it") {
    const test::scratch dir;
    const auto where = dir / "data";
    REQUIRE(::mkdir(where.c_str(), 0755) == 0);
    test::host_process host(mounting("mine", where, "tmpfs"), nullptr, own_mounts);
    test::child other(beside(host, "mount -t tmpfs theirs " + where + " && echo > " + where + "/there"));
    const auto files = "/proc/" + std::to_string(host.process().pid()) + "/root" + where;
    REQUIRE(test::eventually([&] { return test::read_file(files + "/there") == "\n"; }));
    CHECK_THAT(host.call(verb::start).text, Contains("theirs is mounted on"));
    auto stopped = host.call(verb::stop);
    CHECK(stopped.outcome == outcome::not_running);
    CHECK_THAT(stopped.text, Contains("and stays"));
    CHECK(test::read_file(files + "/there") == "\n");
}

TEST_CASE("filesystem: a directory bound elsewhere is known again, though the kernel names its device") {
    const test::scratch dir;
    for (const char* name : {"from", "to", "other"}) REQUIRE(::mkdir((dir / name).c_str(), 0755) == 0);
    test::host_process host(mounting(dir / "from", dir / "to", "none", {{"mount_options", "-o bind"}}), nullptr,
                            own_mounts);
    auto started = host.call(verb::start);
    INFO(started.text);
    CHECK(started.outcome == outcome::ok);
    CHECK_THAT(host.call(verb::start).text, Contains("mounted already"));
    CHECK(host.call(verb::status).outcome == outcome::ok);
    CHECK(host.call(verb::stop).outcome == outcome::ok);
    CHECK(host.call(verb::status).outcome == outcome::not_running);
}

TEST_CASE("filesystem: an image is known again by the file behind its loop device") {
    const test::scratch dir;
    const auto where = dir / "data";
    const auto image = dir / "image";
    REQUIRE(::mkdir(where.c_str(), 0755) == 0);
    test::write_file(image, std::string(4U << 20U, '\0'));
    const auto tried = "mke2fs -q -t ext4 " + image + " && loop=$(losetup -f --show " + image + ") && losetup -d $loop";
    test::child possible({"/usr/bin/env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-c", tried});
    if (possible.wait() != 0) {
        WARN("no loop devices here");
        return;
    }
    test::host_process host(mounting(image, where, "ext4", {{"mount_options", "-o loop"}}), nullptr, own_mounts);
    CHECK(host.call(verb::prepare).outcome == outcome::ok);
    auto started = host.call(verb::start);
    INFO(started.text);
    CHECK(started.outcome == outcome::ok);
    CHECK_THAT(host.call(verb::start).text, Contains("mounted already"));
    CHECK(host.call(verb::stop).outcome == outcome::ok);
    CHECK(host.call(verb::status).outcome == outcome::not_running);
}
