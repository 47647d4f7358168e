// notify-exec: runs a command for an event. MAINSTAY_EVENT is its name, MAINSTAY_EVENT_<FIELD> its
// fields; standard input gets one JSON object with all of them and "event". Exit code 0 = delivered.
#include <mainstay/plugin.hpp>

#include <cctype>
#include <chrono>
#include <string>
#include <thread>

#include "common/run_command.hpp"
#include "common/text.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace kit = mainstay::kit;

class exec_notifier {
public:
    static constexpr sdk::about about{"notify-exec", "1.0", "runs a command for each event"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "command",
                   .type = sdk::type::command,
                   .required = true,
                   .help = "command line; the event is in MAINSTAY_EVENT, MAINSTAY_EVENT_<FIELD> and, as JSON, on "
                           "standard input"},
        sdk::param{.name = "timeout",
                   .type = sdk::type::duration,
                   .fallback = "30s",
                   .minimum = 100,
                   .maximum = 3'600'000,
                   .help = "time for one try; a command that takes longer is killed"},
        sdk::param{.name = "retries",
                   .type = sdk::type::integer,
                   .fallback = "2",
                   .minimum = 0,
                   .maximum = 100,
                   .help = "further tries after a failed one"},
        sdk::param{.name = "retry_wait",
                   .type = sdk::type::duration,
                   .fallback = "5s",
                   .minimum = 0,
                   .maximum = 3'600'000,
                   .help = "time between two tries"}};

    explicit exec_notifier(const sdk::setup& setup) : params_(setup.params) {}

    sdk::answer notify(std::string_view event, sdk::field_map fields) {
        kit::command what{.argv = kit::shell_command(params_.text("command")), .timeout = params_.duration("timeout")};
        what.environment.emplace_back("MAINSTAY_EVENT", std::string(event));
        for (const auto& [name, value] : fields)
            what.environment.emplace_back("MAINSTAY_EVENT_" + variable(name), without_nul(value));
        fields.insert_or_assign("event", std::string(event));
        what.input = kit::json_object(fields) + "\n";
        for (auto left = params_.integer("retries");; --left) {
            auto end = kit::run_command(what);
            if (end.exited_with(0)) return {sdk::outcome::ok, {}};
            if (left <= 0) return {sdk::outcome::failed, end.text()};
            std::this_thread::sleep_for(params_.duration("retry_wait"));
        }
    }

private:
    static std::string variable(std::string_view field) {
        std::string name;
        for (char c : field) {
            auto byte = static_cast<unsigned char>(c);
            name += std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
        }
        return name;
    }
    static std::string without_nul(std::string_view value) { return std::string(value.substr(0, value.find('\0'))); }

    sdk::values params_;
};

}  // namespace

MAINSTAY_NOTIFIER_PLUGIN(exec_notifier)
