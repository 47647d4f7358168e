// What may change while a package runs (SG 3.11).
#include <catch2/catch.hpp>
#include <functional>

#include "model/online_change.hpp"

using namespace mainstay;

namespace {

using names = std::vector<std::string>;

package_config web() {
    package_config item;
    item.name = "web";
    item.nodes = {"n1", "n2"};
    item.run_script = "/p/run";
    item.halt_script = "/p/halt";
    item.external_scripts = {"/p/a", "/p/b"};
    item.addresses = {{"10.0.0.9", "10.0.0.0/24", {}}};
    item.services.push_back({.name = "s", .command = "/p/serve"});
    item.services.push_back({.name = "t", .command = "/p/other"});
    item.volume_groups.push_back({.name = "vg01"});
    item.filesystems.push_back({.name = "/dev/a", .directory = "/a", .type = "ext4"});
    return item;
}

names down_for(const std::function<void(package_config&)>& change, changeable may = {}) {
    auto to = web();
    change(to);
    CHECK_FALSE(differing(web(), to).empty());
    return needs_down(web(), to, may);
}

constexpr changeable parts{.parts = true};
constexpr changeable storage{.parts = true, .scripts = true, .storage = true};

filesystem_config mount(const char* device, const char* directory) {
    return {.name = device, .directory = directory, .type = "ext4"};
}

}  // namespace

TEST_CASE("the same is no difference") {
    CHECK(differing(web(), web()).empty());
    CHECK(needs_down(web(), web(), {}).empty());
    CHECK(changes_of_parts(web(), web()).empty());
}

TEST_CASE("where it runs, and what its failure means, changes at once") {
    CHECK(down_for([](auto& p) { p.nodes = {"n2", "n1"}; }).empty());
    CHECK(down_for([](auto& p) { p.priority = 7; }).empty());
    CHECK(down_for([](auto& p) { p.auto_run = false; }).empty());
    CHECK(down_for([](auto& p) { p.halt_script_timeout = duration{1}; }).empty());
    CHECK(down_for([](auto& p) { p.services[0].restart_max = 3; }).empty());
    CHECK(down_for([](auto& p) { p.services[1].fail_fast = true; }).empty());
    CHECK(down_for([](auto& p) { p.services[1].halt_timeout = duration{3'000'000}; }).empty());
    CHECK(down_for([](auto& p) { p.filesystems[0].umount_options = "-f"; }).empty());
    CHECK(down_for([](auto& p) { p.storage.deactivation_retries = 2; }).empty());
    CHECK(down_for([](auto& p) { p.storage.kill_openers = true; }).empty());
    CHECK(down_for([](auto& p) { p.monitored_subnets.push_back({"10.0.0.0/24", false}); }).empty());
    CHECK(down_for([](auto& p) { p.variables["A"] = "b"; }).empty());
    CHECK(down_for([](auto& p) { p.dependencies.push_back({.name = "d", .package = "db"}); }).empty());
}

TEST_CASE("its steps do not") {
    CHECK(down_for([](auto& p) { p.type = package_config::kind::multi_node; }).front() == "package_type");
    CHECK(down_for([](auto& p) { p.run_script = "/p/new"; }) == names{"run_script"});
    CHECK(down_for([](auto& p) { p.external_scripts.pop_back(); }) == names{"external_script"});
    CHECK(down_for([](auto& p) { std::swap(p.external_scripts[0], p.external_scripts[1]); }) ==
          names{"external_script"});
    CHECK(down_for([](auto& p) { p.addresses[0].address = "10.0.0.8"; }) == names{"ip_address"});
    CHECK(down_for([](auto& p) { p.services[0].command = "/p/new"; }) == names{"service_cmd"});
    CHECK(down_for([](auto& p) { p.filesystems[0].mount_options = "ro"; }) == names{"fs_mount_opt"});
    CHECK(down_for([](auto& p) { p.volume_groups.push_back({.name = "vg02"}); }) == names{"vg"});
    CHECK(down_for([](auto& p) { p.storage.activation = "vgchange -a ay"; }) == names{"vgchange_cmd"});
    auto gone = down_for([](auto& p) { p.services.pop_back(); });
    CHECK(gone.front() == "service_name");
    // The second one takes the place of the first: nothing of it may be taken for the first's.
    CHECK_FALSE(down_for([](auto& p) { p.services.erase(p.services.begin()); }).empty());
}

TEST_CASE("what may change at once does not hide what may not") {
    auto found = down_for([](auto& p) {
        p.priority = 7;
        p.halt_script = "/p/new";
    });
    CHECK(found == names{"halt_script"});
}

TEST_CASE("services and addresses come and go once every node can do that") {
    auto online = [](const std::function<void(package_config&)>& change) { return down_for(change, parts); };
    CHECK(online([](auto& p) { p.services[0].command = "/p/new"; }).empty());
    CHECK(online([](auto& p) { p.services[0].name = "new"; }).empty());
    CHECK(online([](auto& p) { p.services.clear(); }).empty());
    CHECK(online([](auto& p) { p.services.push_back({.name = "u", .command = "/p/u"}); }).empty());
    CHECK(online([](auto& p) { std::swap(p.services[0], p.services[1]); }).empty());
    CHECK(online([](auto& p) { p.addresses.clear(); }).empty());
    CHECK(online([](auto& p) { p.addresses.push_back({"10.0.0.8", "10.0.0.0/24", {}}); }).empty());
    CHECK(online([](auto& p) { p.external_scripts.pop_back(); }) == names{"external_script"});
    CHECK(online([](auto& p) { p.filesystems[0].mount_options = "ro"; }) == names{"fs_mount_opt"});
    CHECK(online([](auto& p) {
              p.addresses.clear();
              p.run_script = "/p/new";
          }) == names{"run_script"});
}

TEST_CASE("what only a control script can start needs the package down") {
    auto script_too = [](package_config& p) { p.services.push_back({.name = "c"}); };
    CHECK(down_for(script_too, parts).front() == "service_name");
    CHECK_FALSE(down_for([](auto& p) { p.services[0].command.clear(); }, parts).empty());
}

TEST_CASE("what a change does to the parts of a running package") {
    auto to = web();
    to.services[0].command = "/p/new";
    to.services[1].restart_max = 5;
    to.services.push_back({.name = "u", .command = "/p/u"});
    to.addresses = {{"10.0.0.8", "10.0.0.0/24", {}}};
    auto found = changes_of_parts(web(), to);
    CHECK(found.services_halted == names{"s"});
    CHECK(found.services_started == names{"s", "u"});
    CHECK(found.addresses_removed == names{"10.0.0.9"});
    CHECK(found.addresses_added == names{"10.0.0.8"});
}

TEST_CASE("volume groups and file systems come, wherever they stand, once every node can do that") {
    auto online = [](const std::function<void(package_config&)>& change) { return down_for(change, storage); };
    CHECK(online([](auto& p) { p.volume_groups.push_back({.name = "vg02"}); }).empty());
    CHECK(online([](auto& p) { p.volume_groups.insert(p.volume_groups.begin(), {.name = "vg00"}); }).empty());
    CHECK(online([](auto& p) { p.filesystems.push_back(mount("/dev/b", "/b")); }).empty());
    CHECK(online([](auto& p) {
              p.filesystems.insert(p.filesystems.begin(), mount("/dev/b", "/b"));
              p.filesystems.push_back(mount("/dev/c", "/a/c"));
              p.filesystems[1].umount_options = "-f";
              p.storage.umount_retries = 3;
          }).empty());
    auto before = [](auto& p) { p.filesystems.push_back(mount("/dev/b", "/b")); };
    CHECK(down_for(before, {.parts = true, .scripts = true}).front() == "fs_name");
}

TEST_CASE("what is mounted or active stays as it is, whatever comes with it") {
    auto online = [](const std::function<void(package_config&)>& change) { return down_for(change, storage); };
    CHECK(online([](auto& p) { p.volume_groups.clear(); }).front() == "vg");
    CHECK(online([](auto& p) { p.volume_groups = {{.name = "vg02"}}; }) == names{"vg"});
    CHECK(online([](auto& p) { p.filesystems.clear(); }).front() == "fs_name");
    CHECK(online([](auto& p) {
              p.filesystems[0].mount_options = "ro";
              p.filesystems.insert(p.filesystems.begin(), mount("/dev/b", "/b"));
          }) == names{"fs_mount_opt"});
    CHECK(online([](auto& p) { p.filesystems[0] = mount("/dev/a", "/b"); }) == names{"fs_directory"});
    CHECK(online([](auto& p) {
              p.volume_groups.push_back({.name = "vg02"});
              p.storage.activation = "vgchange -a ay";
          }) == names{"vgchange_cmd"});
}

TEST_CASE("the first volume group of a package brings its vgchange_cmd with it") {
    auto from = web();
    from.volume_groups.clear();
    auto to = web();
    to.storage.activation = "vgchange -a ay";
    CHECK(needs_down(from, to, storage).empty());
    CHECK_FALSE(needs_down(from, to, parts).empty());
}

TEST_CASE("the order of what is there does not change, and an added directory does not hide it") {
    auto from = web();
    from.filesystems.push_back(mount("/dev/d", "/d/in/here"));
    auto to = from;
    std::swap(to.filesystems[0], to.filesystems[1]);
    CHECK_FALSE(needs_down(from, to, storage).empty());
    CHECK(hides_mounted(from, to).added == nullptr);
    to = from;
    to.filesystems.push_back(mount("/dev/e", "/a/below"));
    to.filesystems.push_back(mount("/dev/f", "/dd"));
    CHECK(hides_mounted(from, to).added == nullptr);
    to.filesystems.insert(to.filesystems.begin(), mount("/dev/g", "/d//in/"));
    auto found = hides_mounted(from, to);
    REQUIRE(found.added != nullptr);
    CHECK(found.added->name == "/dev/g");
    CHECK(found.mounted->name == "/dev/d");
}

TEST_CASE("what comes of storage is named by group and directory") {
    auto to = web();
    to.volume_groups.push_back({.name = "vg02"});
    to.filesystems.insert(to.filesystems.begin(), mount("/dev/b", "/b"));
    auto found = changes_of_parts(web(), to);
    CHECK(found.groups_added == names{"vg02"});
    CHECK(found.mounts_added == names{"/b"});
    CHECK_FALSE(found.empty());
    CHECK(differing(web(), without_added_storage(to, web())).empty());
}
