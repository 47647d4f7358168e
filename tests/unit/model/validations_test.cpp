// Which external scripts are asked to validate, and what comes of their answers (SG 3.10).
#include "model/validations.hpp"

#include <catch2/catch.hpp>

using namespace mainstay;

namespace {

configuration cluster_of_two() {
    configuration out;
    out.cluster.name = "lab";
    for (const char* name : {"n1", "n2"}) out.cluster.nodes.emplace_back().name = name;
    auto& web = out.packages.emplace_back();
    web.name = "web";
    web.external_pre_scripts = {"/p/pre"};
    web.external_scripts = {"/p/a"};
    web.run_script = "/p/run";
    web.variables["Table"] = "orders";
    web.addresses.push_back({"10.0.0.9", "10.0.0.0/24", {}});
    web.lines["external_script /p/a"] = {"web.conf", 7};
    return out;
}

std::vector<std::string> names(const std::vector<script_to_validate>& list) {
    std::vector<std::string> out;
    for (const auto& item : list) out.push_back(item.keyword + " " + item.path);
    return out;
}

}  // namespace

TEST_CASE("external scripts of new and of changed packages are asked, control scripts are not") {
    auto wanted = cluster_of_two();
    auto list = scripts_to_validate({}, wanted, {});
    CHECK(names(list) == std::vector<std::string>{"external_pre_script /p/pre", "external_script /p/a"});
    CHECK(list[0].nodes == std::vector<std::string>{"n1", "n2"});
    CHECK(list[1].where.line == 7);
    CHECK(scripts_to_validate(wanted, wanted, {}).empty());
    auto changed = wanted;
    changed.packages[0].variables["Table"] = "bills";
    changed.packages[0].nodes = {"n2"};
    list = scripts_to_validate(wanted, changed, {});
    REQUIRE(list.size() == 2);
    CHECK(list[0].nodes == std::vector<std::string>{"n2"});
}

TEST_CASE("at validate a script has the package's name and values, and no node or generation") {
    auto list = scripts_to_validate({}, cluster_of_two(), {});
    std::map<std::string, std::string> found(list[0].environment.begin(), list[0].environment.end());
    CHECK(found["SG_PACKAGE_NAME"] == "web");
    CHECK(found["PEV_TABLE"] == "orders");
    CHECK(found["MAINSTAY_PACKAGE"] == "web");
    CHECK(found["MAINSTAY_ADDRESSES"] == "10.0.0.9");
    for (const char* none : {"SG_PACKAGE", "SG_NODE", "MAINSTAY_GENERATION"}) CHECK_FALSE(found.contains(none));
}

TEST_CASE("where a script can't run it is not called") {
    program_looks looks;
    looks["n1"].seen["/p/a"] = {program_seen::kind::missing, 0, false, {}};
    looks["n1"].seen["/p/pre"] = {program_seen::kind::good, 0, true, {}};
    auto list = scripts_to_validate({}, cluster_of_two(), looks);
    CHECK(list[0].nodes.size() == 2);
    CHECK(list[1].nodes == std::vector<std::string>{"n2"});
}

TEST_CASE("1 and 2 and no answer in time are the same failure; a silent node is a warning") {
    auto wanted = cluster_of_two();
    auto list = scripts_to_validate({}, wanted, {});
    validation_results results;
    results["n1"].seen[{"web", "/p/pre"}] = {0, false, "fine"};
    results["n1"].seen[{"web", "/p/a"}] = {1, false, "no table orders"};
    results["n2"].seen[{"web", "/p/a"}] = {-15, true, ""};
    auto found = judge_validations(wanted, list, results);
    REQUIRE(found.size() == 2);
    CHECK(
        to_text(found[0]) ==
        "web.conf:7: error: external_script: /p/a validate on n1: exit 1, said: no table orders; exit 0 was expected");
    CHECK(found[1].message == "/p/a validate on n2: did not end in time; exit 0 was expected");
    results["n2"] = results["n1"];
    found = judge_validations(wanted, list, results);
    REQUIRE(found.size() == 1);
    CHECK(found[0].message.find("on n1, n2: exit 1") != std::string::npos);
    results.clear();
    results["n2"].silence = "it is not heard";
    found = judge_validations(wanted, list, results);
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == problem::level::warning);
    CHECK(found[0].message == "external scripts were not called with validate on n2: it is not heard");
}
