// A stonith plugin in C++ that shows what the wrapper does with values, answers and exceptions.
#include <mainstay/plugin.hpp>

#include <stdexcept>
#include <string>

namespace {

namespace sdk = mainstay::sdk;

class lamp {
public:
    static constexpr sdk::about about{"test-lamp", "2.1", "a lamp"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "outlet",
                   .type = sdk::type::integer,
                   .scope = sdk::scope::node,
                   .required = true,
                   .minimum = 1,
                   .maximum = 8,
                   .help = "number of the outlet"},
        sdk::param{
            .name = "delay", .type = sdk::type::duration, .scope = sdk::scope::either, .fallback = "2s", .help = "d"},
        sdk::param{.name = "mode", .type = sdk::type::choice, .fallback = "slow", .choices = "slow|fast", .help = "m"},
        sdk::param{.name = "password", .type = sdk::type::integer, .secret = true, .help = "p"}};

    explicit lamp(const sdk::setup& setup) : setup_(setup) {
        if (setup.params.text("mode") == "fast") throw sdk::refused("fast lamps burn");
    }

    sdk::answer off(std::string_view node) {
        const auto& params = setup_.find(node)->params;
        return {sdk::outcome::off,
                "outlet " + params.text("outlet"),
                {{"delay_ms", std::to_string(params.duration("delay").count())}, {"mode", setup_.params.text("mode")}}};
    }
    sdk::answer on(std::string_view /*node*/) { throw std::runtime_error("the bulb is broken"); }
    sdk::answer status(std::string_view /*node*/) {
        setup_.host.log(sdk::severity::warning, "looking");
        setup_.host.post(sdk::severity::alarm, "dark", {{"room", "cellar"}});
        throw 42;  // NOLINT: what a careless author may do
    }

private:
    sdk::setup setup_;
};

}  // namespace

MAINSTAY_STONITH_PLUGIN(lamp)
