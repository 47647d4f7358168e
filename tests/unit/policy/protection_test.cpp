// Which single faults a small cluster survives, in one situation after the other.
#include "policy/protection.hpp"
#include "policy_lab.hpp"

using namespace mainstay;
using namespace mainstay::small;

namespace {

std::string text(const std::string& stonith, const std::string& extra = "", const std::string& more = "") {
    auto out = "cluster_name lab\n" + extra + "\n";
    for (int i = 1; i <= 3; ++i) {
        auto number = std::to_string(i);
        out += "node_name n" + number + "\n  network_interface eth0\n    heartbeat_ip 10.77.0." + number + "/24\n";
        out += "  network_interface eth1\n    heartbeat_ip 10.78.0." + number + "/24\n";
        if (i > 1) out += "  power_source ups\n";
    }
    out += stonith + "event_name ups\n  event_plugin ups-nut\n" + more;
    return out + "package_name web\n  node_name n1\n  node_name n2\n  run_script /bin/true\n  halt_script /bin/true\n";
}

const std::string strip = "stonith_name strip\n  stonith_plugin stonith-exec\n";
const std::string two_strips = strip + "stonith_name other\n  stonith_plugin stonith-exec\n";

struct situation {
    explicit situation(const std::string& configuration) : lab(configuration) {
        lab.run("web", n1);
        now.self = n1;
        now.present = now.voters = {n1, n2, n3};
        for (const auto* link : {"eth0", "eth1"}) now.heard_on[link] = {n1, n2, n3};
    }
    void gone(node_id node) {
        now.present.erase(node);
        for (auto& [link, heard] : now.heard_on) heard.erase(node);
    }
    void fence_came_to(node_id target, cluster::fence_outcome outcome) {
        lab.ask_fence(target);
        cluster::fence_result result;
        result.id = lab.state.fence_ids;
        result.outcome = outcome;
        CHECK(lab.say(result).accepted);
    }
    // "n1 ok", "eth0: why", one a line.
    [[nodiscard]] std::string told() const {
        std::string out;
        for (const auto& item : policy::single_faults(lab.state, now))
            out += item.name + (item.why.empty() ? " ok\n" : ": " + item.why + "\n");
        return out;
    }
    cluster_lab lab;
    policy::standing now;
};

}  // namespace

TEST_CASE("all is well: every node and link may fail, a device that nothing stands in for may not") {
    CHECK(situation(text(two_strips)).told() ==
          "n1 ok\nn2 ok\nn3 ok\neth0 ok\neth1 ok\nstrip ok\nother ok\n"
          "ups: 1 of 3 voters would be left\n");
    CHECK(situation(text(strip)).told().find("strip: the only one of n1, n2, n3\n") != std::string::npos);
    auto partly = text(two_strips + "  stonith_node n1\n");
    CHECK(situation(partly).told().find("strip: the only one of n2, n3\nother ok\n") != std::string::npos);
}

TEST_CASE("two devices that act together are one") {
    auto levels = strip + "  stonith_level 1\nstonith_name other\n  stonith_plugin stonith-exec\n  stonith_level 1\n";
    auto told = situation(text(levels)).told();
    CHECK(told.find("strip: the only one of n1, n2, n3\nother: the only one of n1, n2, n3\n") != std::string::npos);
}

TEST_CASE("one node is off already") {
    situation s(text(two_strips));
    s.gone(n3);
    CHECK(s.told().find("n1: 1 of 3 voters would be left\nn2: 1 of 3 voters would be left\neth0 ok\neth1 ok\n") == 0);
    // Shrunk to two, each can be passed by.
    s.now.voters = {n1, n2};
    s.now.tie = cluster_config::tie::proof;
    CHECK(s.told().find("n1 ok\nn2 ok\neth0 ok\neth1 ok\n") == 0);
    s.now.tie = cluster_config::tie::none;
    CHECK(s.told().find("n1: 1 of 2 voters would be left\n") == 0);
}

TEST_CASE("a link is down for one node: the other link must hold") {
    situation s(text(two_strips));
    s.now.heard_on["eth1"].erase(n3);
    // Without eth0 n3 is alone and fenced; the other two go on.
    CHECK(s.told().find("eth0 ok\neth1 ok\n") != std::string::npos);
    s.now.heard_on["eth1"] = {n1};
    CHECK(s.told().find("eth0: the only one that joins the nodes: 1 of 3 voters would be left\neth1 ok\n") !=
          std::string::npos);
}

TEST_CASE("a package that has nowhere to go, or whose node can't be proven dead") {
    situation s(text(two_strips));
    CHECK(s.lab.say(cluster::package_switching{"web", "n2", false}, "alice@n1").accepted);
    CHECK(s.told().find("n1: web has nowhere to go\nn2 ok\n") == 0);
    situation failed(text(strip));
    failed.fence_came_to(n1, cluster::fence_outcome::failed);
    CHECK(failed.told().find("n1: nothing could prove that n1 is dead, web would wait\nn2 ok\n") == 0);
    // An armed watchdog can.
    failed.lab.state.nodes.at(n1).watchdog = duration{5'000'000};
    CHECK(failed.told().find("n1 ok\nn2 ok\n") == 0);
    CHECK(failed.told().find("strip: the only one of n2, n3\n") != std::string::npos);
}

TEST_CASE("arbitrators are asked about only where they break ties") {
    auto arbitrator = "arbitrator_name tie\n  arbitrator_plugin arbitrator-server\n";
    situation s(text(two_strips, "tie_break arbitrator", arbitrator));
    CHECK(s.told().find("tie") == std::string::npos);
    s.now.tie = cluster_config::tie::arbitrator;
    CHECK(s.told().find("tie ok\n") != std::string::npos);  // three voters need none
    s.gone(n3);
    s.now.voters = {n1, n2};
    CHECK(s.told().find("n1 ok\nn2 ok\n") == 0);
    CHECK(s.told().find("tie: no other could break a tie\n") != std::string::npos);
    CHECK(s.lab.say(cluster::cluster_event{n1, "tie", "arbitrator_lost", "alarm", {}}).accepted);
    CHECK(s.told().find("n1: 1 of 2 voters would be left\n") == 0);
}

TEST_CASE("a spare arbitrator breaks no tie until a voter set names it") {
    auto two =
        "arbitrator_name tie\n  arbitrator_plugin arbitrator-server\n"
        "arbitrator_name spare\n  arbitrator_plugin arbitrator-server\n";
    situation s(text(two_strips, "tie_break arbitrator", two));
    s.now.tie = cluster_config::tie::arbitrator;
    s.now.arbitrator = "tie";
    s.gone(n3);
    s.now.voters = {n1, n2};
    CHECK(s.told().find("n1 ok\nn2 ok\n") == 0);
    CHECK(s.lab.say(cluster::cluster_event{n1, "tie", "arbitrator_lost", "alarm", {}}).accepted);
    CHECK(s.told().find("n1: 1 of 2 voters would be left\n") == 0);
}

TEST_CASE("an armed watchdog is a proof for packages, and breaks no tie") {
    situation s(text(two_strips, "tie_break proof"));
    s.now.tie = cluster_config::tie::proof;
    s.gone(n3);
    s.now.voters = {n1, n2};
    for (auto& [id, node] : s.lab.state.nodes) node.watchdog = duration{2'000'000};
    CHECK(s.told().find("n1 ok\n") == 0);
    s.fence_came_to(n1, cluster::fence_outcome::unknown);
    CHECK(s.told().find("n1: 1 of 2 voters would be left\n") == 0);
}

namespace {

// Each interface of every node on the switch of that name.
std::string with_switches(std::string configuration, const std::string& eth0, const std::string& eth1) {
    for (auto [subnet, name] : {std::pair{"heartbeat_ip 10.77", &eth0}, std::pair{"heartbeat_ip 10.78", &eth1}})
        for (auto at = configuration.find(subnet); at != std::string::npos; at = configuration.find(subnet, at + 1))
            configuration.insert(configuration.find('\n', at) + 1, "    network_switch " + *name + "\n");
    return configuration;
}

}  // namespace

TEST_CASE("a declared switch takes all links with it that hang on it") {
    CHECK(situation(with_switches(text(two_strips), "left", "right")).told().find("eth1 ok\nleft ok\nright ok\n") !=
          std::string::npos);
    CHECK(situation(with_switches(text(two_strips), "one", "one")).told().find("one: 1 of 3 voters would be left\n") !=
          std::string::npos);
}

TEST_CASE("a declared switch takes the devices with it that are reached over it") {
    auto same =
        strip + "  stonith_switch left\nstonith_name other\n  stonith_plugin stonith-exec\n  stonith_switch left\n";
    auto told = situation(with_switches(text(same), "left", "right")).told();
    CHECK(told.find("left: no fencing device would be left for n1, n2, n3\nright ok\n") != std::string::npos);
    // The serial strip stays.
    auto mixed = strip + "  stonith_switch left\nstonith_name other\n  stonith_plugin stonith-exec\n";
    CHECK(situation(with_switches(text(mixed), "left", "right")).told().find("left ok\nright ok\n") !=
          std::string::npos);
}

TEST_CASE("a package whose address hangs on the switch: watched it moves, if it can, else it could not be reached") {
    const std::string address = "  ip_subnet 10.77.0.0/24\n    ip_address 10.77.0.100\n";
    const std::string watched = "  monitored_subnet 10.77.0.0/24\n";
    auto made = [&](const std::string& package) {
        situation s(with_switches(text(two_strips), "left", "right") + package);
        for (node_id node : {n1, n2, n3})
            CHECK(s.lab.say(cluster::subnet_seen{node, {1, 1}, "10.77.0.0/24", true}).accepted);
        return s;
    };
    CHECK(made(address).told().find(
              "left: web could not be reached at 10.77.0.100: subnet 10.77.0.0/24 is not monitored\n") !=
          std::string::npos);
    CHECK(made(address + watched).told().find("left: web has nowhere to go\nright ok\n") != std::string::npos);
}

TEST_CASE("a management controller on the power source of its node proves nothing when that fails") {
    auto other_source = "event_name other\n  event_plugin ups-nut\n";
    auto fed = [&](const std::string& source) {
        auto configuration = text(strip + "  stonith_power_source " + source + "\n", "", other_source);
        // n3 alone hangs on ups: two of three voters stay.
        auto second = configuration.find("  power_source ups\n");
        return configuration.erase(second, std::string("  power_source ups\n").size());
    };
    situation same(fed("ups"));
    CHECK(same.told().find("ups: no fencing device would be left for n1, n2\n") != std::string::npos);
    situation apart(fed("other"));
    CHECK(apart.told().find("ups ok\nother: no fencing device would be left for n1, n2, n3\n") != std::string::npos);
}
