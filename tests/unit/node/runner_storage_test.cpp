// Volume groups and file systems: several at once, as far as the package lets them (concurrent_*_operations).
#include "runner_lab.hpp"

using namespace mainstay;
using namespace mainstay::node;

namespace {

package_config with_mounts(const std::vector<std::pair<std::string, std::string>>& mounts) {
    package_config config;
    config.name = "web";
    for (const auto& [device, directory] : mounts) {
        filesystem_config item;
        item.name = device;
        item.directory = directory;
        item.type = "ext4";
        config.filesystems.push_back(item);
    }
    return config;
}

package_config three() {
    auto config = with_mounts({{"/dev/a", "/a"}, {"/dev/b", "/b"}, {"/dev/c", "/c"}});
    config.storage.concurrent_fsck = 3;
    config.storage.concurrent_mount = 2;
    return config;
}

struct storage_lab : runner_lab {
    explicit storage_lab(package_config config) : runner_lab(std::move(config)) { full_names = true; }
    std::vector<std::string> begin() {
        item.start(out);
        return asked();
    }
    std::vector<std::string> stop() {
        item.halt(out);
        return asked();
    }
    std::vector<std::string> ok(const std::string& word) { return answer(word, call_outcome::ok); }
};

const words none;

}  // namespace

TEST_CASE("by default one after another: all are checked, then mounted, and unmounted in reverse") {
    storage_lab lab(with_mounts({{"/dev/a", "/a"}, {"/dev/b", "/b"}}));
    CHECK(lab.go_on(lab.begin()) ==
          words{"prepare filesystem /a", "prepare filesystem /b", "start filesystem /a", "start filesystem /b"});
    CHECK(lab.stop() == words{"stop filesystem /b"});
    CHECK(lab.ok("stop filesystem /b") == words{"stop filesystem /a"});
}

TEST_CASE("as many checks and mounts at once as the package says, the next when one has ended") {
    storage_lab lab(three());
    CHECK(lab.begin() == words{"prepare filesystem /a", "prepare filesystem /b", "prepare filesystem /c"});
    CHECK(lab.ok("prepare filesystem /b") == none);
    CHECK(lab.ok("prepare filesystem /a") == none);
    // Nothing is mounted before the last check.
    CHECK(lab.ok("prepare filesystem /c") == words{"start filesystem /a", "start filesystem /b"});
    CHECK(lab.ok("start filesystem /b") == words{"start filesystem /c"});
    CHECK(lab.ok("start filesystem /c") == none);
    CHECK(lab.item.phase() == runner_phase::starting);
    CHECK(lab.ok("start filesystem /a") == none);
    CHECK(lab.item.phase() == runner_phase::running);
    CHECK(lab.stop() == words{"stop filesystem /c", "stop filesystem /b"});
    CHECK(lab.ok("stop filesystem /b") == words{"stop filesystem /a"});
    CHECK(lab.ok("stop filesystem /c") == none);
    CHECK(lab.ok("stop filesystem /a") == none);
    CHECK(lab.news() == words{"running", "halted"});
}

TEST_CASE("volume groups too, and all of them before the first check") {
    auto config = with_mounts({{"/dev/x/a", "/a"}});
    for (const char* name : {"x", "y", "z"}) config.volume_groups.push_back({name, {}});
    config.storage.concurrent_activation = 2;
    storage_lab lab(config);
    CHECK(lab.begin() == words{"start vg x", "start vg y"});
    CHECK(lab.ok("start vg x") == words{"start vg z"});
    CHECK(lab.ok("start vg z") == none);
    CHECK(lab.ok("start vg y") == words{"prepare filesystem /a"});
}

TEST_CASE("what lies in another, or comes out of it, waits for it") {
    auto config = with_mounts({{"/dev/a", "/a"}, {"/dev/b", "/a/b/"}, {"/dev/c", "/ab"}, {"/ab/image", "/d"}});
    config.storage.concurrent_mount = 4;
    storage_lab lab(config);
    CHECK(lab.go_on(lab.begin(), "start filesystem /a").back() == "start filesystem /a");
    CHECK(lab.ok("start filesystem /a") == words{"start filesystem /a/b/", "start filesystem /ab"});
    CHECK(lab.ok("start filesystem /a/b/") == none);
    CHECK(lab.ok("start filesystem /ab") == words{"start filesystem /d"});
    CHECK(lab.ok("start filesystem /d") == none);
    CHECK(lab.stop() == words{"stop filesystem /d"});
    CHECK(lab.ok("stop filesystem /d") == words{"stop filesystem /ab", "stop filesystem /a/b/"});
    CHECK(lab.ok("stop filesystem /a/b/") == words{"stop filesystem /a"});
}

TEST_CASE("a mount that fails: nothing more begins, what is under way ends, all of it is undone") {
    storage_lab lab(three());
    lab.go_on(lab.begin(), "start filesystem /b");
    CHECK(lab.answer("start filesystem /a", call_outcome::failed, "no such device") == none);
    CHECK(lab.item.phase() == runner_phase::starting);
    CHECK(lab.answer("start filesystem /b", call_outcome::failed, "bad superblock") ==
          words{"stop filesystem /b", "stop filesystem /a"});
    CHECK(lab.ok("stop filesystem /a") == none);
    CHECK(lab.ok("stop filesystem /b") == none);
    CHECK(lab.news() == words{"start_exit_2"});
    CHECK(lab.details.back() == "no such device; then bad superblock");
}

TEST_CASE("a check that fails: nothing is mounted") {
    storage_lab lab(three());
    lab.begin();
    CHECK(lab.answer("prepare filesystem /b", call_outcome::failed, "fsck: run it by hand") == none);
    CHECK(lab.ok("prepare filesystem /a") == none);
    CHECK(lab.ok("prepare filesystem /c") == none);
    CHECK(lab.news() == words{"start_exit_2"});
}

TEST_CASE("halted in the middle of several mounts: those under way end first") {
    storage_lab lab(three());
    lab.go_on(lab.begin(), "start filesystem /b");
    CHECK(lab.stop() == none);
    CHECK(lab.ok("start filesystem /a") == none);
    CHECK(lab.answer("start filesystem /b", call_outcome::failed, "no") ==
          words{"stop filesystem /b", "stop filesystem /a"});
    CHECK(lab.ok("stop filesystem /b") == none);
    CHECK(lab.ok("stop filesystem /a") == none);
    CHECK(lab.news() == words{"halted"});
}

TEST_CASE("an umount that fails holds nothing up, and the halt has failed") {
    storage_lab lab(three());
    lab.run();
    lab.stop();
    CHECK(lab.answer("stop filesystem /c", call_outcome::failed, "kept busy") == words{"stop filesystem /a"});
    CHECK(lab.ok("stop filesystem /a") == none);
    CHECK(lab.ok("stop filesystem /b") == none);
    CHECK(lab.news() == words{"halt_exit_1"});
    CHECK(lab.details.back() == "kept busy");
}

TEST_CASE("an overlay waits for its layers, and they wait for it") {
    auto config = with_mounts({{"/dev/a", "/low"}, {"/dev/b", "/up"}, {"overlay", "/all"}});
    config.filesystems.back().type = "overlay";
    config.filesystems.back().mount_options = "-o lowerdir=/low,upperdir=/up/u,workdir=/up/w";
    config.storage.concurrent_mount = 3;
    storage_lab lab(config);
    lab.go_on(lab.begin(), "start filesystem /up");
    CHECK(lab.ok("start filesystem /low") == none);
    CHECK(lab.ok("start filesystem /up") == words{"start filesystem /all"});
    CHECK(lab.ok("start filesystem /all") == none);
    CHECK(lab.stop() == words{"stop filesystem /all"});
    CHECK(lab.ok("stop filesystem /all") == words{"stop filesystem /up", "stop filesystem /low"});
}

TEST_CASE("a mount that does not answer in time is one that failed, and is taken away") {
    storage_lab lab(three());
    lab.go_on(lab.begin(), "start filesystem /b");
    CHECK(lab.answer("start filesystem /b", call_outcome::unknown, "no answer in time") == none);
    CHECK(lab.ok("start filesystem /a") == words{"stop filesystem /b", "stop filesystem /a"});
}
