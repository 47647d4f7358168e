// foresee(): what it says happens, when, for how long, and what it does not know.
#include "policy/forecast.hpp"

#include "model/timing.hpp"
#include "policy_lab.hpp"

using namespace mainstay;
using namespace mainstay::small;
using policy::span;

namespace {

struct forecast_lab : policy_lab {
    using policy_lab::policy_lab;
    policy::outset from{view.now, view.wall, n1, voters({n1, n2, n3}, consensus::tie_break::none)};

    static consensus::voter_set voters(const std::vector<node_id>& nodes, consensus::tie_break kind) {
        consensus::voter_set set;
        set.version = 5;
        set.kind = kind;
        for (node_id node : nodes) set.voters.push_back({node, store_id{100 + node.value}});
        return set;
    }

    [[nodiscard]] result<policy::forecast> ask(const std::vector<policy::happening>& what) const {
        return policy::foresee(state, from, what);
    }
    [[nodiscard]] policy::forecast see(const std::vector<policy::happening>& what) const {
        auto found = ask(what);
        INFO((found ? std::string() : found.error().message));
        REQUIRE(found);
        return std::move(*found);
    }
    [[nodiscard]] std::string refusal(const std::vector<policy::happening>& what) const {
        auto found = ask(what);
        return found ? std::string() : found.error().message;
    }
};

const policy::forecast_package& package(const policy::forecast& seen, const std::string& name) {
    for (const auto& item : seen.packages)
        if (item.name == name) return item;
    FAIL("no package " + name);
    return seen.packages.front();
}

std::string timeline(const policy::forecast& seen) {
    std::string out;
    for (const auto& item : seen.entries) out += policy::to_text(item.when) + ": " + item.text + "\n";
    return out;
}

policy::happening command(cluster::command_body body) { return policy::asked{"alice@n1", std::move(body)}; }

}  // namespace

TEST_CASE("a node that fails: detection, fence, start elsewhere, and what nobody knows is a term") {
    forecast_lab lab;
    lab.run("web", n1);
    lab.run("db", n2);
    lab.state.packages.at("web").start_took.reset();
    lab.from.leader = n2;
    auto before = encode(lab.state);
    auto seen = lab.see({policy::node_fails{n1}});
    CHECK(encode(lab.state) == before);
    CHECK(seen.happenings == std::vector<std::string>{"node n1 fails"});
    CHECK(timeline(seen) ==
          "0.00 s: node n1 is gone\n"
          "1.00 s: node n1 lost: not heard for member_timeout\n"
          "1.00 s: fence n1 from n2: lost while it runs packages\n"
          "1.00 s + fence n1: fence n1: off_confirmed by strip\n"
          "1.00 s + fence n1: start web on n2: first of its node list that can run it (configured_node); "
          "n1: fenced: power off confirmed by strip (proof: fenced)\n"
          "1.00 s + fence n1 + start web: package web on n2: running\n");
    const auto& web = package(seen, "web");
    CHECK(web.before == n1);
    CHECK(web.after == n2);
    CHECK(web.interrupted);
    CHECK(web.outage == span{second, {"fence n1", "start web"}});
    CHECK(web.reason == policy::explain(seen.after, "web").headline);
    CHECK_FALSE(package(seen, "db").interrupted);
}

TEST_CASE("how long the last start and halt took is known; the halt of a moved package is part of its outage") {
    forecast_lab lab;
    lab.run("web", n1);
    CHECK(lab.package("web").start_took == second);
    lab.say(cluster::package_halt{"web", {1}, "test"});
    lab.index.value += 2;
    lab.report("web", cluster::report::halted);
    CHECK(lab.package("web").halt_took == 3 * second);
    lab.run("web", n1);
    auto seen = lab.see({command(cluster::package_move{"web", "n2"})});
    CHECK(seen.happenings == std::vector<std::string>{"package move web on n2"});
    CHECK(package(seen, "web").after == n2);
    CHECK(package(seen, "web").outage == span{4 * second, {}});
}

TEST_CASE("a refusal is that of the command itself") {
    forecast_lab lab;
    lab.run("web", n1);
    auto move = cluster::package_move{"web", "n1"};
    CHECK(lab.refusal({command(move)}) == "package web runs on n1 already");
    CHECK(lab.refusal({policy::node_fails{n3}, command(move)}) ==
          "package move web on n1: package web runs on n1 already");
    CHECK(lab.refusal({policy::node_returns{n1}}) == "node n1 is in the cluster already");
    CHECK(lab.refusal({policy::package_fails{"db"}}) == "package db does not run: it is down");
    CHECK(lab.refusal({policy::package_fails{"mail"}}) == "there is no package mail in the configuration");
    lab.lose(n1);
    CHECK(lab.refusal({policy::node_fails{n1}}) ==
          "nobody leads the cluster now, so nothing would be decided: hactl status");
    lab.from.leader = n2;
    CHECK(lab.refusal({policy::node_fails{n1}}) == "node n1 is not in the cluster");
}

TEST_CASE("several happenings, each when all is at rest; the leader may be among them") {
    forecast_lab lab;
    lab.run("web", n1);
    lab.run("db", n1);
    auto seen =
        lab.see({policy::node_fails{n1}, policy::node_returns{n1}, command(cluster::package_move{"web", "n1"})});
    CHECK(package(seen, "web").after == n1);
    CHECK(package(seen, "db").after == n2);
    CHECK(timeline(seen).find("1.00 s + election: node n1 lost") != std::string::npos);
    CHECK(seen.entries.back().happening == 2);
    // The time that passes between two of them is nobody's guess.
    auto moved = lab.see({policy::node_fails{n3}, command(cluster::node_admin{"n1", false})});
    CHECK(package(moved, "web").after == n2);
    // A start that nobody has timed takes as unknown a time when it comes again.
    lab.state.packages.at("web").start_took.reset();
    lab.state.packages.at("web").halt_took.reset();
    auto twice = lab.see({command(cluster::package_move{"web", "n2"}), command(cluster::package_move{"web", "n1"})});
    CHECK(package(twice, "web").outage == span{duration{0}, {"halt web", "start web", "halt web", "start web"}});
    CHECK(package(moved, "web").reason.find("web runs on n2") == 0);
}

TEST_CASE("what ends nowhere says why, and for how long is not asked") {
    forecast_lab lab;
    lab.run("web", n1);
    auto seen = lab.see({command(cluster::package_switching{"web", "n2", false}), policy::package_fails{"web"}});
    const auto& web = package(seen, "web");
    CHECK_FALSE(web.after);
    CHECK(web.interrupted);
    CHECK_FALSE(web.outage);
    CHECK(web.reason.find("web is down: no node of its list can run it") == 0);
}

TEST_CASE("without a quorum nobody decides, and the leases end what runs") {
    forecast_lab lab;
    lab.run("web", n1);
    lab.from.voters = lab.voters({n1, n2}, consensus::tie_break::none);
    auto seen = lab.see({policy::node_fails{n2}});
    CHECK(seen.stopped == "no quorum: 1 of 2 voters are left, and nothing breaks the tie");
    CHECK_FALSE(package(seen, "web").after);
    CHECK(package(seen, "web").reason == seen.stopped);
    // Three voters without a tie-break stay three: the second loss is one too many.
    lab.from.voters = lab.voters({n1, n2, n3}, consensus::tie_break::none);
    CHECK(lab.see({policy::node_fails{n3}}).stopped.empty());
    CHECK(lab.see({policy::node_fails{n3}, policy::node_fails{n2}}).stopped == "no quorum: 1 of 3 voters are left");
    CHECK(lab.see({policy::node_fails{n3}, policy::node_returns{n3}, policy::node_fails{n2}}).stopped.empty());
    lab.from.voters = lab.voters({n1, n2}, consensus::tie_break::none);
    CHECK(lab.refusal({policy::node_fails{n2}, policy::node_returns{n2}}).find("nobody decides any more") !=
          std::string::npos);
}

TEST_CASE("exactly half of the voters: the tie-break of the cluster decides") {
    forecast_lab lab;
    lab.run("web", n1);
    lab.from.voters = lab.voters({n1, n2}, consensus::tie_break::arbitrator);
    lab.state.config.cluster.arbitrators.emplace_back().name = "disk";
    auto granted = lab.see({policy::node_fails{n1}});
    CHECK(package(granted, "web").after == n2);
    CHECK(timeline(granted).find("tie-break by the arbitrator: n2 is granted") != std::string::npos);
    lab.state.alarms["disk arbitrator_lost"] = {};
    CHECK_FALSE(lab.see({policy::node_fails{n1}}).stopped.empty());
    lab.from.voters.kind = consensus::tie_break::proof;
    auto proven = lab.see({policy::node_fails{n1}});
    CHECK(package(proven, "web").after == n2);
    CHECK(package(proven, "web").outage->known == 2 * second);
    CHECK(timeline(proven).find("voter set 6: n2, by a tie-break: n1 switched off by strip") != std::string::npos);
}

TEST_CASE("without a device the lease and the watchdog are waited for, to the microsecond") {
    auto text = configuration_text("fencing none");
    forecast_lab lab(text);
    lab.run("web", n1);
    lab.from.leader = n2;
    auto seen = lab.see({policy::node_fails{n1}});
    auto proof = lease_proof_of(timings_of(lab.state.config.cluster), duration{0}).total();
    REQUIRE(package(seen, "web").outage);
    CHECK(package(seen, "web").outage->known == proof + proof / 100 + second);
    CHECK(timeline(seen).find("ASSUMED") != std::string::npos);
}

TEST_CASE("on battery: what time alone brings is waited for") {
    forecast_lab lab;
    lab.run("web", n1);
    auto seen = lab.see({command(cluster::cluster_event{n2, "ups", "ups_on_battery", "alarm", {}})});
    CHECK(package(seen, "web").after == n2);
    CHECK(timeline(seen).find("10.00 s: node n1 gives its packages away: ups on battery") != std::string::npos);
}

TEST_CASE("a new configuration, and the first one of a cluster that nobody has formed") {
    forecast_lab lab;
    lab.run("web", n1);
    auto more = configuration_text() + "package_name mail\n  run_script /bin/true\n";
    auto seen = lab.see({command(cluster::configure{more, {}}), command(cluster::package_run{"mail", ""})});
    CHECK(package(seen, "mail").after == n1);
    CHECK(lab.refusal({command(cluster::configure{"cluster_name x\n", {}})}).find("web") != std::string::npos);
    auto first = policy::foresee_first(configuration_text());
    REQUIRE(first);
    CHECK(package(*first, "web").after == n1);
    CHECK(package(*first, "db").after == n1);
    CHECK_FALSE(package(*first, "db").interrupted);
    CHECK_FALSE(policy::foresee_first("nonsense"));
}
