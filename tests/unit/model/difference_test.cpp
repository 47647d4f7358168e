// What `hactl cluster apply --plan` shows of a configuration that changes.
#include "model/difference.hpp"

#include <catch2/catch.hpp>

#include "model/parse.hpp"

using namespace mainstay;

namespace {

const std::string cluster = R"(cluster_name lab
member_timeout 1s
node_name n1
  network_interface eth0
    heartbeat_ip 10.77.0.1/24
node_name n2
  network_interface eth0
    heartbeat_ip 10.77.0.2/24
stonith_name strip
  stonith_plugin stonith-exec
)";
const std::string web = R"(package_name web
node_name n1
node_name n2
service_name probe
  service_cmd /bin/probe
  service_restart 1
)";

configuration read(const std::string& text) {
    std::vector<named_text> files{{"c.conf", text}};
    return parse_configuration(files).config;
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
    auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}
std::vector<std::string> changes(const std::string& after) { return difference(read(cluster + web), read(after)); }
using list = std::vector<std::string>;

}  // namespace

TEST_CASE("the difference of two configurations, a line for each keyword") {
    CHECK(changes(cluster + web).empty());
    CHECK(changes(replaced(cluster, "member_timeout 1s", "member_timeout 2s") + web) ==
          list{"cluster: member_timeout 1s -> 2s"});
    CHECK(changes(cluster + replaced(web, "service_restart 1", "service_restart 3")) ==
          list{"package web: service probe: service_restart 1 -> 3"});
    CHECK(changes(replaced(cluster, "10.77.0.2/24", "10.77.0.9/24") + web) ==
          list{"node n2: network_interface eth0: heartbeat_ip 10.77.0.2/24 -> 10.77.0.9/24"});
}

TEST_CASE("what comes and goes as a whole is one line") {
    auto third = "node_name n3\n  network_interface eth0\n    heartbeat_ip 10.77.0.3/24\n";
    CHECK(changes(replaced(cluster, "stonith_name", third + std::string("stonith_name")) + web) ==
          list{"node n3: added"});
    CHECK(changes(replaced(cluster, "stonith_name strip\n  stonith_plugin stonith-exec\n", "") + web) ==
          list{"stonith strip: removed"});
    CHECK(changes(cluster + web + "package_name mail\nrun_script /x\n") == list{"package mail: added"});
    CHECK(changes(cluster) == list{"package web: removed"});
    CHECK(changes(cluster + web + "service_name more\n  service_cmd /bin/more\n") ==
          list{"package web: service more added"});
}

TEST_CASE("order counts where it decides") {
    CHECK(changes(cluster + replaced(web, "node_name n1\nnode_name n2", "node_name n2\nnode_name n1")) ==
          list{"package web: the same lines in another order"});
    auto mail = std::string("package_name mail\nrun_script /x\n");
    CHECK(difference(read(cluster + web + mail), read(cluster + mail + web)) ==
          list{"packages: the same ones in another order"});
}
