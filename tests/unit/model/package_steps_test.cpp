// Which steps of a package are taken when some are asked for (SG 7.2).
#include "model/package_steps.hpp"

#include <catch2/catch.hpp>

using namespace mainstay;

namespace {

using steps = std::vector<package_step>;

package_config web() {
    package_config out;
    out.name = "web";
    out.volume_groups.emplace_back();
    out.filesystems.emplace_back();
    out.addresses.emplace_back();
    out.external_scripts = {"/p/a"};
    out.services.emplace_back().command = "/bin/s";
    return out;
}

steps chosen(const std::string& last, const std::vector<std::string>& without = {}) {
    auto found = chosen_steps(web(), last, without);
    REQUIRE(found);
    return *found;
}

std::string wrong(const std::string& last, const std::vector<std::string>& without = {}) {
    auto found = chosen_steps(web(), last, without);
    CHECK_FALSE(found);
    return found ? "" : found.error().message;
}

}  // namespace

TEST_CASE("steps come in the order in which they are taken, and only those there are") {
    CHECK(listed(steps_of(web())) == "volume_group, filesystem, address, external_script, service");
    CHECK(listed(steps_of(package_config{})) == "none");
}

TEST_CASE("up to a step, without some, or both; by Serviceguard's names too") {
    CHECK(chosen("address") == steps{package_step::volume_group, package_step::filesystem, package_step::address});
    CHECK(chosen("sg/package_ip") == chosen("address"));
    CHECK(chosen("", {"sg/service"}) == chosen("sg/external"));
    CHECK(chosen("external_script", {"filesystem", "address"}) ==
          steps{package_step::volume_group, package_step::external_script});
    CHECK(steps_left_out(web(), {package_step::address, package_step::service}) ==
          steps{package_step::volume_group, package_step::filesystem, package_step::external_script});
}

TEST_CASE("what can't be meant is said in a sentence") {
    CHECK(wrong("adress") ==
          "'adress' is no step of a start, did you mean address?; the steps of package web are volume_group, "
          "filesystem, address, external_script, service");
    CHECK(wrong("resource").find("package web has no resource; the steps of package web are") == 0);
    CHECK(wrong("", {"run_script"}).find("package web has no run_script") == 0);
    CHECK(wrong("address", {"service"}).find("service does not come before address, the last step") == 0);
    CHECK(wrong("address", {"address"}).find("address does not come before address") == 0);
    CHECK(wrong("service") == "that is all of package web: hactl package start web");
    CHECK(wrong("", {"volume_group", "filesystem", "address", "external_script", "service"}) ==
          "nothing of package web would be started");
}
