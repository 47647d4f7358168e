// What the host has apart from the cluster is not a control script's to add or remove.
#include "runtime/host_addresses.hpp"

#include <catch2/catch.hpp>

using namespace mainstay;
using namespace mainstay::runtime;

namespace {

node::script_call call(node::script_verb verb, const std::string& name) {
    node::script_call out;
    out.verb = verb;
    out.name = name;
    return out;
}

host_address here(const std::string& label, const std::string& address) { return {label, *parse_address(address)}; }

}  // namespace

TEST_CASE("an address of the node's own is neither added nor removed") {
    std::vector<host_address> list{here("eth0", "10.0.0.1"), here("eth0:ms", "10.0.0.9"), here("eth1", "fd00::1")};
    using node::script_verb;
    for (auto verb : {script_verb::add_address, script_verb::remove_address}) {
        CHECK(against_host_address(call(verb, "10.0.0.1"), list, {}) ==
              "10.0.0.1 is an address of this node's own, on eth0: a package can neither add nor remove it");
        CHECK_FALSE(against_host_address(call(verb, "fd00:0::1"), list, {}).empty());
        CHECK(against_host_address(call(verb, "10.0.0.9"), list, {}).empty());  // of a package
        CHECK(against_host_address(call(verb, "10.0.0.2"), list, {}).empty());
        CHECK(against_host_address(call(verb, "nonsense"), list, {}).empty());  // refused by others
    }
    CHECK(against_host_address(call(script_verb::run_service, "10.0.0.1"), list, {}).empty());
}

TEST_CASE("what a generation here has begun is its own, with a mark or without") {
    std::vector<host_address> list{here("a-very-long-name", "10.0.0.1"), here("eth1", "fd00::1")};
    package_config web;
    web.name = "web";
    web.addresses.push_back({"fd00::1", "fd00::/64", {}});
    std::map<std::string, node::runner> runners;
    runners["web"] = node::runner(web, generation{1}, "n1", {});
    node::script_parts parts;
    parts.addresses["10.0.0.1"] = "10.0.0.0/24";
    runners["web"].recall(parts, std::nullopt);
    CHECK(against_host_address(call(node::script_verb::remove_address, "10.0.0.1"), list, runners).empty());
    CHECK(against_host_address(call(node::script_verb::add_address, "fd00::1"), list, runners).empty());
}

TEST_CASE("the kernel tells what this machine has") {
    auto list = host_addresses();
    bool loopback = std::any_of(list.begin(), list.end(), [](const auto& item) {
        return item.label.starts_with("lo") && to_string(item.address) == "127.0.0.1";
    });
    CHECK((list.empty() || loopback));
}
