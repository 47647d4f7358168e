// arbitrator-server: asks a mainstay-arbitrator on a machine that both halves of a cluster can reach.
#include <mainstay/plugin.hpp>

#include <chrono>
#include <string>

#include "arbitrator/client.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace arb = mainstay::arbitrator;

class server_arbitrator {
public:
    static constexpr sdk::about about{"arbitrator-server", "1.0", "a mainstay-arbitrator decides between two halves"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "host",
                   .scope = sdk::scope::either,
                   .required = true,
                   .help = "name or address of the machine; several of the same machine with a blank between, all of "
                           "which are asked"},
        sdk::param{.name = "port",
                   .type = sdk::type::integer,
                   .fallback = "5406",
                   .minimum = 1,
                   .maximum = 65535,
                   .help = "its UDP port"},
        sdk::param{.name = "key",
                   .type = sdk::type::path,
                   .scope = sdk::scope::either,
                   .fallback = "/etc/mainstay/arbitrator.key",
                   .help = "key file, the same as there in /etc/mainstay-arbitrator"},
        sdk::param{.name = "resend",
                   .type = sdk::type::duration,
                   .fallback = "200ms",
                   .minimum = 10,
                   .maximum = 60'000,
                   .help = "a question without an answer is sent again after this"},
        sdk::param{.name = "timeout",
                   .type = sdk::type::duration,
                   .fallback = "1500ms",
                   .minimum = 50,
                   .maximum = 300'000,
                   .help = "then there is no answer; below the arbitrator_timeout of the cluster"}};

    explicit server_arbitrator(const sdk::setup& setup) : timeout_(setup.params.duration("timeout")) {
        const auto* own = setup.find(setup.own_node);
        const auto& params = own != nullptr ? own->params : setup.params;
        if (!params.has("host")) throw sdk::refused("parameter host is missing for node " + setup.own_node);
        where_.hosts = params.text("host");
        where_.port = static_cast<std::uint16_t>(setup.params.integer("port"));
        where_.resend = setup.params.duration("resend");
        auto key = mainstay::secret::read_key_file(params.text("key"));
        if (!key) throw sdk::refused(key.error().message);
        where_.key = *key;
    }

    sdk::answer grant(const sdk::field_map& given) {
        auto said = ask(given, arb::question::kind::grant);
        if (!said) return said.error();
        const auto& granted = said->granted;
        return granted.granted ? sdk::answer{sdk::outcome::ok, {}} : sdk::answer{sdk::outcome::failed, granted.reason};
    }

    sdk::answer told(const sdk::field_map& given) {
        auto said = ask(given, arb::question::kind::told);
        return said ? sdk::answer{sdk::outcome::ok, arb::told_text(said->told)} : said.error();
    }

private:
    [[nodiscard]] tl::expected<arb::reply, sdk::answer> ask(const sdk::field_map& given,
                                                            arb::question::kind what) const {
        auto request = arb::read_call(given);
        if (!request) return tl::make_unexpected(sdk::answer{sdk::outcome::failed, request.error().message});
        auto said = arb::ask(where_, {what, {}, std::move(*request)}, timeout_);
        if (!said) return tl::make_unexpected(sdk::answer{sdk::outcome::unknown, said.error().message});
        if (!said->problem.empty()) return tl::make_unexpected(sdk::answer{sdk::outcome::failed, said->problem});
        return std::move(*said);
    }

    std::chrono::milliseconds timeout_;
    arb::server_place where_;
};

}  // namespace

MAINSTAY_ARBITRATOR_PLUGIN(server_arbitrator)
