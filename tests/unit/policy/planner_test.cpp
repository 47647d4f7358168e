// A planner that is kept gives the same answer as a new one: random clusters in which anything may happen at any time,
// with every condition that placing knows, compared after every event. Here nothing has to come to rest or to make
// sense; random_test.cpp has that.
#include <algorithm>

#include "cluster/apply.hpp"
#include "cluster/configuration.hpp"
#include "policy/decide.hpp"
#include "policy/explain.hpp"
#include "random_base.hpp"
#include "support/small_cluster.hpp"

using namespace mainstay;
using cluster::package_phase;
using cluster::report;

namespace {

class wild_cluster : small::random_base {
public:
    explicit wild_cluster(std::uint32_t seed) : random_base(seed) {
        nodes_ = 1 + below(5);
        packages_ = 1 + below(9);
        draw_level();
        cluster::found_cluster founding;
        founding.cluster = cluster_id{7};
        founding.first = draw();
        auto outcome = say(founding);
        INFO(founding.first.text << outcome.refusal);
        REQUIRE(outcome.accepted);
        for (std::uint32_t i = 1; i <= nodes_; ++i)
            if (chance(90)) boot(node_id{i});
        say(cluster::feature_level{level_});
        view_.self = node_id{1};
    }

    void storm(int events) {
        for (int i = 0; i < events; ++i) {
            event();
            compare();
        }
    }

private:
    cluster::configure draw() {
        cluster::configure out;
        out.text = "cluster_name wild\n" + site_names();
        bool limited = chance(60);
        if (limited && chance(30)) out.text += "weight_name cpu\nweight_default 1\n";
        for (std::uint32_t i = 1; i <= nodes_; ++i) {
            auto name = "n" + std::to_string(i);
            out.ids.emplace_back(name, node_id{i});
            out.text +=
                "node_name " + name + "\nnetwork_interface eth0\nheartbeat_ip 10.0.0." + std::to_string(i) + "/24\n";
            out.text += site_of_node();
            if (chance(40)) out.text += "power_source ups\n";
            if (limited && chance(80))
                out.text += "capacity_name cpu\ncapacity_value " + std::to_string(1 + below(5)) + "\n";
            if (limited && chance(30)) out.text += "capacity_name package_limit\ncapacity_value 3\n";
        }
        out.text += "stonith_name s\nstonith_plugin stonith-exec\n";
        out.text += "event_name ups\nevent_plugin event-ups-nut\non_battery_after 10s\n";
        bool exclusive = packages_ > 1 && chance(40);
        for (std::uint32_t i = 1; i <= packages_; ++i) out.text += package(i, exclusive && i <= 2);
        return out;
    }

    std::string package(std::uint32_t index, bool exclusive) {
        std::string out = "package_name p" + std::to_string(index) + "\n";
        bool everywhere = !exclusive && index == 1 && chance(30);
        if (everywhere) out += "package_type multi_node\n";
        if (chance(70)) out += node_list();
        if (chance(50)) out += "weight_name cpu\nweight_value " + std::to_string(1 + below(2)) + "\n";
        bool same = true;
        bool needy = false;
        if (exclusive) {
            out += excludes(index);
        } else if (index > 1 && chance(60)) {
            needy = true;
            auto [text, on_same] = needs(index);
            same = on_same;
            out += text;
        }
        if (!exclusive && same && chance(40)) out += "priority " + std::to_string(100 - index) + "\n";
        if (!exclusive && !needy && !everywhere && chance(30))
            out += "failover_policy min_package_node\n";
        else if (!everywhere)
            out += site_policy();
        if (!everywhere && chance(30)) out += "failback_policy automatic\n";
        if (!everywhere && chance(10)) out += "failover_limit 2\nfailover_limit_time 60s\n";
        if (chance(30)) out += "successor_halt_timeout " + std::to_string(below(4)) + "\n";
        if (chance(25)) out += "monitored_subnet 10.0.0.0/24\n";
        if (chance(25)) out += "generic_resource_name lun\ngeneric_resource_evaluation_type before_package_start\n";
        return out + "run_script /x\n";
    }

    void event() {
        view_.now += duration{100'000};
        view_.wall.us += 100'000;
        switch (below(4)) {
            case 0:
                return decided();
            case 1:
                return happens_to_package();
            case 2:
                return happens_to_node();
            default:
                return asked();
        }
    }

    // Some of what is decided is written down.
    void decided() {
        for (const auto& item : policy::decide(state_, view_).decisions)
            if (chance(80)) say(item.body);
    }

    void happens_to_package() {
        static const report ends[] = {report::running,      report::running,     report::service_failed,
                                      report::start_exit_2, report::halted,      report::halted,
                                      report::halt_exit_3,  report::subnet_down, report::halt_exit_2};
        auto names = state_.packages;
        for (const auto& [name, item] : names)
            if (item.active() && chance(40))
                say(cluster::package_report{name, item.generation, item.owner, ends[below(std::size(ends))], ""});
    }

    void happens_to_node() {
        auto id = node_id{1 + below(nodes_)};
        const auto& node = state_.nodes.at(id);
        switch (below(6)) {
            case 0:
                say(cluster::node_lost{id, node.boot, "silence"});
                break;
            case 1:
                if (chance(50))
                    say(cluster::node_back{id, node.boot});
                else
                    boot(id);
                break;
            case 2:
                say(cluster::fence_result{state_.fence_ids, cluster::fence_outcome::off_confirmed, "s", ""});
                break;
            case 3:
                say(cluster::cluster_event{id, "ups", chance(50) ? "ups_on_battery" : "ups_on_mains", "alarm", {}});
                break;
            case 4:
                say(cluster::subnet_seen{id, node.boot, "10.0.0.0/24", chance(60)});
                break;
            default:
                say(cluster::resource_set{"lun", any_node(), chance(60) ? "up" : "down"});
                break;
        }
    }

    void asked() {
        auto where = chance(50) ? any_node() : std::string();
        switch (below(12)) {
            case 10:
            case 11:
                pinned();
                break;
            case 0:
                say(cluster::package_move{any_package(), where});
                break;
            case 1:
                say(cluster::package_stop{any_package()});
                break;
            case 2:
                say(cluster::package_run{any_package(), where});
                break;
            case 3:
                say(cluster::package_switching{any_package(), where, chance(60)});
                break;
            case 4:
                say(cluster::node_admin{any_node(), chance(60)});
                break;
            case 5:
                if (chance(30)) say(cluster::cluster_admin{chance(70)});
                break;
            case 6:
                if (chance(60)) configured();
                break;
            default:
                maintained();
                break;
        }
    }

    void pinned() {
        std::optional<wall_time> until;
        if (chance(50)) until = wall_time{view_.wall.us + 300'000};
        say(cluster::package_pin{any_package(), chance(70) ? any_node() : "", "test", until});
    }

    void maintained() {
        std::optional<wall_time> until;
        if (chance(50)) until = wall_time{view_.wall.us + 300'000};
        say(cluster::package_maintenance{any_package(), chance(30) ? any_node() : "", chance(60), "test", until});
    }

    // Another configuration, with more or fewer packages.
    void configured() {
        packages_ = 1 + below(9);
        auto changed = say(draw());
        CAPTURE(changed.refusal);
        packages_ = static_cast<std::uint32_t>(state_.config.packages.size());
    }

    void compare() {
        CAPTURE(state_.configuration_text);
        auto kept = policy::decide(planner_, state_, view_);
        auto fresh = policy::decide(state_, view_);
        REQUIRE(kept.look_again == fresh.look_again);
        REQUIRE(kept.decisions.size() == fresh.decisions.size());
        for (std::size_t i = 0; i < kept.decisions.size(); ++i)
            REQUIRE(bodies(kept.decisions[i]) == bodies(fresh.decisions[i]));
        auto one = planner_.look(state_);
        const policy::plan other(state_);
        REQUIRE(one.all().size() == other.all().size());
        for (std::size_t i = 0; i < one.all().size(); ++i) {
            const auto& item = one.all()[i];
            const auto& same = other.all()[i];
            CAPTURE(item.name());
            REQUIRE(item.name() == same.name());
            REQUIRE(item.where == same.where);
            REQUIRE(item.waits_for == same.waits_for);
            REQUIRE(one.reason(item) == other.reason(same));
            REQUIRE(policy::headline(state_, one, item.name()) == policy::headline(state_, other, item.name()));
        }
    }
    static bytes bodies(const policy::decision& item) {
        cluster::command whole;
        whole.body = item.body;
        return encode(whole);
    }

    policy::planner planner_;
};

}  // namespace

TEST_CASE("a planner that is kept answers as a new one") {
    constexpr std::uint32_t clusters = 1'000;
    constexpr int events = 60;
    for (std::uint32_t seed = 1; seed <= clusters; ++seed) {
        CAPTURE(seed);
        wild_cluster(seed).storm(events);
    }
}
