// relocatable-ip: start adds the address (and a default route) and announces it, stop takes both
// away, status looks, prepare asks the network whether somebody else has the address.
#include <mainstay/plugin.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "address.hpp"
#include "announcer.hpp"
#include "kernel.hpp"
#include "probe.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace ip = mainstay::relocatable_ip;
using namespace std::chrono_literals;

constexpr auto live_patience = 3000ms;

class relocatable_address {
public:
    static constexpr sdk::about about{"relocatable-ip", "1.0", "an IPv4 or IPv6 address that moves with its package"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "address", .type = sdk::type::address, .required = true, .help = "the IPv4 or IPv6 address"},
        sdk::param{
            .name = "subnet",
            .type = sdk::type::subnet,
            .required = true,
            .help = "its subnet: gives the prefix length, and the interface, which is the one with an address in it"},
        sdk::param{.name = "interface",
                   .scope = sdk::scope::either,
                   .help = "interface to use, instead of looking for one by the subnet"},
        sdk::param{.name = "gateway",
                   .type = sdk::type::address,
                   .help = "while the address is here, a default route goes over this router"},
        sdk::param{.name = "route_metric",
                   .type = sdk::type::integer,
                   .minimum = 1,
                   .maximum = 4294967295,
                   .help = "metric of the default route; smaller wins"},
        sdk::param{.name = "route_source",
                   .type = sdk::type::boolean,
                   .fallback = "yes",
                   .help = "the default route sends with this address as source"},
        sdk::param{.name = "probe_time",
                   .type = sdk::type::duration,
                   .fallback = "30ms",
                   .minimum = 10,
                   .maximum = 10'000,
                   .help = "how long the conflict probe listens; a start waits for a probe under way"}};

    explicit relocatable_address(const sdk::setup& setup) : params_(setup.params), host_(setup.host) {
        auto own = setup.find(setup.own_node);
        interface_ = own != nullptr ? own->params.text("interface") : params_.text("interface");
        auto parsed = ip::parse_address(params_.text("address"));
        if (!parsed) throw sdk::refused("address '" + params_.text("address") + "' is neither IPv4 nor IPv6");
        address_ = *parsed;
        auto subnet = ip::parse_subnet(params_.text("subnet"));
        if (!subnet)
            throw sdk::refused("subnet '" + params_.text("subnet") +
                               "' is no address/prefix length or address/netmask");
        subnet_ = *subnet;
        if (!subnet_.contains(address_))
            throw sdk::refused("address " + params_.text("address") + " is not in subnet " + params_.text("subnet"));
        if (!params_.has("gateway")) return;
        gateway_ = ip::parse_address(params_.text("gateway"));
        if (!gateway_ || gateway_->family != address_.family)
            throw sdk::refused("gateway '" + params_.text("gateway") + "' is no address of the address's IP version");
    }

    sdk::answer start() {
        std::string problem;
        auto link = find_link(problem);
        if (!link) return failed(problem);
        if (!link->up) return failed("interface " + link->name + " is down");
        if (auto there = find_address(); there && there->link_index != link->index)
            return failed("is already on another interface (" + name_of(there->link_index) + ")");
        const ip::assigned_address wanted{link->index, address_, subnet_.prefix};
        if (auto text = kernel_.add(wanted, link->name, live_patience); !text.empty()) return failed(text);
        if (gateway_) {
            if (auto text = kernel_.add_default(make_route(link->index)); !text.empty()) return failed(text);
        }
        // An address that nobody was told of still works for those who ask: a warning, no failure.
        if (auto text = announcer_.start(address_, link->index, link->hardware); !text.empty())
            host_.log(sdk::severity::warning, describe(text));
        return {sdk::outcome::ok, describe("is on " + link->name), {{"interface", link->name}}};
    }

    sdk::answer stop() {
        announcer_.stop();
        if (gateway_) {
            // Before the address, whose removal would take a route with it as source along anyway.
            for (const auto& link : kernel_.links())
                if (auto text = remove_route(link); !text.empty()) return failed(text);
        }
        while (auto there = find_address()) {
            if (auto text = kernel_.remove(*there); !text.empty()) return {sdk::outcome::unknown, describe(text)};
        }
        return {sdk::outcome::ok, {}};
    }

    sdk::answer status() {
        auto there = find_address();
        if (!there) return {sdk::outcome::not_running, {}};
        for (const auto& link : kernel_.links()) {
            if (link.index != there->link_index) continue;
            if (!link.up) return failed("its interface " + link.name + " is down");
            if (!link.carrier) return failed("its interface " + link.name + " has no carrier");
            return {sdk::outcome::ok, {}, {{"interface", link.name}}};
        }
        return {sdk::outcome::unknown, describe("its interface just went away")};
    }

    sdk::answer prepare() {
        std::string problem;
        auto link = find_link(problem);
        if (!link) return failed(problem);
        if (!link->up || !link->carrier) return failed("interface " + link->name + " is down or has no carrier");
        if (find_address()) return {sdk::outcome::ok, describe("is already here")};
        auto seen = ip::probe(sender_, address_, link->index, link->hardware, params_.duration("probe_time"));
        if (!seen.problem.empty()) return {sdk::outcome::unknown, describe(seen.problem)};
        if (!seen.owner) return {sdk::outcome::ok, describe("is free")};
        auto owner = ip::to_string(*seen.owner);
        return {sdk::outcome::failed,
                describe("is in use by " + owner + " on the network of " + link->name),
                {{"owner", owner}}};
    }

private:
    [[nodiscard]] std::string describe(const std::string& text) const { return ip::to_string(address_) + " " + text; }
    [[nodiscard]] sdk::answer failed(const std::string& text) const { return {sdk::outcome::failed, describe(text)}; }

    // The named interface, or the one that has another address in the subnet; with carrier first.
    std::optional<ip::link> find_link(std::string& problem) {
        std::optional<ip::link> best;
        const auto addresses = kernel_.addresses(address_.family);
        for (auto& link : kernel_.links()) {
            auto in_subnet = [&](const ip::assigned_address& a) {
                return a.link_index == link.index && subnet_.contains(a.local) && a.local != address_;
            };
            const bool fits = interface_.empty()
                                  ? !link.loopback && std::any_of(addresses.begin(), addresses.end(), in_subnet)
                                  : link.name == interface_;
            if (fits && (!best || (!best->carrier && link.carrier))) best = std::move(link);
        }
        if (!best)
            problem = interface_.empty() ? "has no interface here: none has an address in " + params_.text("subnet") +
                                               "; give one, or set the parameter interface"
                                         : "has no interface here: " + interface_ + " does not exist";
        return best;
    }

    std::optional<ip::assigned_address> find_address() {
        for (const auto& item : kernel_.addresses(address_.family))
            if (item.local == address_) return item;
        return std::nullopt;
    }

    std::string name_of(int index) {
        for (const auto& link : kernel_.links())
            if (link.index == index) return link.name;
        return "?";
    }

    [[nodiscard]] ip::route make_route(int link_index) const {
        ip::route route{*gateway_, link_index, static_cast<std::uint32_t>(params_.integer("route_metric")), {}};
        if (params_.boolean("route_source")) route.source = address_;
        return route;
    }

    std::string remove_route(const ip::link& link) {
        return link.loopback ? std::string{} : kernel_.remove_default(make_route(link.index));
    }

    sdk::values params_;
    sdk::host host_;
    std::string interface_;
    ip::address address_;
    ip::subnet subnet_;
    std::optional<ip::address> gateway_;
    ip::kernel kernel_;
    ip::frame_sender sender_;
    ip::announcer announcer_{sender_};
};

}  // namespace

MAINSTAY_RESOURCE_PLUGIN(relocatable_address)
