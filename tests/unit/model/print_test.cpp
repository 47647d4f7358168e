// Canonical text: every member comes back from it, and printing again gives the same bytes.
#include <catch2/catch.hpp>

#include "model/parse.hpp"
#include "model/print.hpp"

using namespace mainstay;

namespace {

configuration full() {
    configuration c;
    c.cluster.name = "portal";
    c.cluster.member_timeout = duration{1'234'567};
    c.cluster.heartbeat_interval = duration{100'000};
    c.cluster.auto_start_timeout = duration{0};
    c.cluster.daemon_restart_time = duration{2'500'000};
    c.cluster.on_quorum_loss = cluster_config::quorum_loss::halt;
    c.cluster.lease_halt_timeout = duration{7'000'000};
    c.cluster.fencing = cluster_config::fencing_mode::none;
    c.cluster.fence_action = cluster_config::after_off::off;
    c.cluster.heartbeat_port = 6000;
    c.cluster.subnets = {"10.0.0.0/24"};
    c.cluster.sites = {"east", "west"};
    c.cluster.nodes = {{.name = "a",
                        .interfaces = {{"eth0", {"10.0.0.1/24"}, {"10.0.0.9/24"}, "sw-a"}},
                        .site = "west",
                        .power_source = "ups",
                        .capacities = {{"cpu", 2'500}, {"memory", 64'000}}}};
    c.cluster.weight_defaults = {{"cpu", 1}};
    plugin_instance link;
    link.name = "cable";
    link.plugin = "heartbeat-serial";
    link.params = {{"device", "/dev/tty S0", {}}, {"empty", "", {}}, {"hash", "a # \"b\" \\", {}}};
    link.nodes = {"a", "b"};
    link.node_params["b"] = {{"device", "/dev/ttyS1", {}}};
    link.network_switch = "sw1";
    c.cluster.heartbeats = {link};
    stonith_device device;
    device.name = "strip";
    device.plugin = "stonith-exec";
    device.timeout = duration{3'000'000};
    device.tries = 7;
    device.network_switch = "sw2";
    device.power_source = "ups";
    c.cluster.stonith = {device};
    event_source source;
    source.name = "ups";
    source.plugin = "event-ups-nut";
    source.on_battery_after = duration{120'000'000};
    source.on_battery_action = event_source::action::halt;
    c.cluster.event_sources = {source};
    notifier mail;
    mail.name = "mail";
    mail.plugin = "notify-exec";
    mail.events = {"node_lost", "package_failed"};
    c.cluster.notifiers = {mail};
    package_config web;
    web.name = "web";
    web.description = "Joe's \"shop\" # one";
    web.nodes = {"b", "a"};
    web.auto_run = false;
    web.run_script = "/opt/a b/run";
    web.run_script_timeout = duration{60'000'000};
    web.halt_script = "/opt/halt";
    web.script_log_file = "/var/log/web.log";
    web.type = package_config::kind::failover;
    web.node_fail_fast = true;
    web.failover_policy = package_config::failover::min_package_node;
    web.failback_policy = package_config::failback::automatic;
    web.priority = 17;
    web.successor_halt_timeout = duration{0};
    web.log_level = 3;
    web.variables = {{"Level", "high \"water\""}, {"x_1", "7"}};
    web.external_pre_scripts = {"/opt/pre"};
    web.external_scripts = {"/opt/one", "/opt/two"};
    web.dependencies = {{.name = "db", .package = "db", .location = dependency_config::place::any_node},
                        {.name = "no", .package = "test", .up = false}};
    web.weight = {{"cpu", 1'250}, {"memory", 4'000}};
    web.monitored_subnets = {{"10.0.0.0/24", true}};
    web.generic_resources = {
        {.name = "disk",
         .before_start = true,
         .up_when = generic_resource_config::criterion{generic_resource_config::comparison::greater_equal, 5}},
        {.name = "cpu"}};
    web.storage = {.mount_retries = 2,
                   .umount_retries = 3,
                   .activation = "/opt/lvm/vgchange -a y",
                   .deactivation_retries = 4,
                   .kill_openers = true};
    web.volume_groups = {{.name = "vg01"}, {.name = "vg-b"}};
    web.filesystems = {{.name = "/export/a b",
                        .server = "nas",
                        .directory = "/mnt/a",
                        .type = "nfs",
                        .mount_options = "-o ro,soft",
                        .umount_options = "-f",
                        .fsck_options = "-n"}};
    web.addresses = {{"10.0.0.100", "10.0.0.0/24", {}}, {"10.0.0.101", "10.0.0.0/24", {}}};
    plugin_instance nginx;
    nginx.name = "nginx";
    nginx.plugin = "init-script";
    nginx.params = {{"script", "/etc/init.d/nginx", {}}};
    web.resources = {nginx};
    service_config service;
    service.name = "probe";
    service.command = "\"/opt/x\" -c 'a # b' \"y\"";
    service.restart_max = std::nullopt;
    service.fail_fast = true;
    service.halt_timeout = duration{5'000'000};
    service_config other;
    other.name = "other";
    other.command = "/bin/other";
    other.restart_max = 3;
    web.services = {service, other};
    c.packages = {web};
    return c;
}

}  // namespace

TEST_CASE("canonical text carries everything") {
    auto text = print_configuration(full());
    named_text file{"canonical", text};
    auto outcome = parse_configuration(std::span(&file, 1));
    for (const auto& item : outcome.found) UNSCOPED_INFO(to_text(item));
    REQUIRE(outcome.found.empty());
    CHECK(print_configuration(outcome.config) == text);
    const auto& c = outcome.config.cluster;
    CHECK(c.member_timeout == duration{1'234'567});
    CHECK(c.auto_start_timeout == duration{0});
    CHECK(c.on_quorum_loss == cluster_config::quorum_loss::halt);
    CHECK(c.fence_action == cluster_config::after_off::off);
    REQUIRE(c.heartbeats.size() == 1);
    CHECK(c.heartbeats[0].params.at(1).value.empty());
    CHECK(c.heartbeats[0].params.at(2).value == "a # \"b\" \\");
    CHECK(c.heartbeats[0].node_params.at("b").at(0).value == "/dev/ttyS1");
    CHECK(c.event_sources.at(0).on_battery_after == duration{120'000'000});
    CHECK(c.notifiers.at(0).events.size() == 2);
    const auto& web = outcome.config.packages.at(0);
    CHECK(web.description == "Joe's \"shop\" # one");
    CHECK(web.run_script == "/opt/a b/run");
    CHECK_FALSE(web.halt_script_timeout);
    CHECK(web.addresses.at(1).subnet == "10.0.0.0/24");
    CHECK_FALSE(web.services.at(0).restart_max);
    CHECK(web.services.at(0).command == "\"/opt/x\" -c 'a # b' \"y\"");
    CHECK(web.services.at(1).restart_max == 3U);
    CHECK(web.node_fail_fast);
    CHECK(web.priority == 17U);
    CHECK(web.successor_halt_timeout == duration{0});
    CHECK(web.variables.at("Level") == "high \"water\"");
    CHECK(web.dependencies.at(0).location == dependency_config::place::any_node);
    CHECK_FALSE(web.dependencies.at(1).up);
    CHECK(web.weight.at("cpu") == 1'250U);
    CHECK(web.generic_resources.at(0).up_when->value == 5);
    CHECK_FALSE(web.generic_resources.at(1).up_when);
    CHECK(web.storage.umount_retries == 3U);
    CHECK(web.storage.activation == "/opt/lvm/vgchange -a y");
    CHECK(web.storage.deactivation_retries == 4U);
    CHECK(web.storage.kill_openers);
    CHECK(web.volume_groups.at(1).name == "vg-b");
    CHECK(web.filesystems.at(0).mount_options == "-o ro,soft");
    CHECK(c.nodes.at(0).capacities.at("cpu") == 2'500U);
}

TEST_CASE("a package prints the same from its own file and from the whole") {
    auto whole = print_configuration(full());
    CHECK(whole.find(print_package(full().packages[0])) != std::string::npos);
    CHECK(whole.rfind(print_cluster(full().cluster), 0) == 0);
}
