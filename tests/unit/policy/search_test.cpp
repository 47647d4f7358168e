// The search for a place has an end: needs that can't be met, in a cluster in which every way would be tried for hours.
#include "policy/decide.hpp"
#include "policy/explain.hpp"
#include "random_base.hpp"

#include <catch2/catch.hpp>

using namespace mainstay;

namespace {

constexpr std::uint32_t wide = 24;
constexpr std::uint32_t helpers = 6;
constexpr std::uint32_t wishers = 20;

// h1 to h6 run everywhere and may be switched off; each of p1 to p20 is more important and needs all six somewhere.
class wide_cluster : small::random_base {
public:
    wide_cluster() : random_base(1) {
        nodes_ = wide;
        level_ = cluster::own_feature_level;
        cluster::found_cluster founding;
        founding.cluster = cluster_id{7};
        auto& text = founding.first.text;
        text = "cluster_name wide\n";
        for (std::uint32_t i = 1; i <= wide; ++i) {
            auto name = "n" + std::to_string(i);
            founding.first.ids.emplace_back(name, node_id{i});
            text +=
                "node_name " + name + "\nnetwork_interface eth0\nheartbeat_ip 10.0.0." + std::to_string(i) + "/24\n";
        }
        for (std::uint32_t i = 1; i <= helpers; ++i)
            text += "package_name h" + std::to_string(i) + "\npackage_type multi_node\nrun_script /x\n";
        for (std::uint32_t i = 1; i <= wishers; ++i) {
            text += "package_name p" + std::to_string(i) + "\nrun_script /x\npriority 1\n";
            for (std::uint32_t k = 1; k <= helpers; ++k)
                text += "dependency_name d" + std::to_string(k) + "\ndependency_condition h" + std::to_string(k) +
                        " = UP\ndependency_location any_node\n";
        }
        auto outcome = say(founding);
        INFO(outcome.refusal);
        REQUIRE(outcome.accepted);
        for (std::uint32_t i = 1; i <= wide; ++i) boot(node_id{i});
    }
    void switch_off(const std::string& package) {
        REQUIRE(say(cluster::package_switching{package, "", false}).accepted);
    }
    [[nodiscard]] std::string why(const std::string& package) const {
        return policy::explain(state_, package).headline;
    }
};

}  // namespace

TEST_CASE("everything that is needed can be had: it is found") {
    const wide_cluster made;
    CHECK(made.why("p1") == "p1 is down: waits on n1 for h1, which is not up there yet");
}

TEST_CASE("the last of six needs can't be met: it is told which, and soon") {
    wide_cluster made;
    made.switch_off("h6");
    for (const char* name : {"p1", "p20"}) CHECK_THAT(made.why(name), Catch::Matchers::Contains("needs h6"));
}
