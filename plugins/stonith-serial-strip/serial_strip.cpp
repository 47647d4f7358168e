// stonith-serial-strip: off and on send a string, status sends one and reads the answer. `off` is
// done when the strip says off; a strip that can't say so proves nothing.
#include <mainstay/plugin.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "common/serial_port.hpp"
#include "common/stonith_parameters.hpp"
#include "common/text.hpp"
#include "conversation.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace kit = mainstay::kit;
namespace strip = mainstay::serial_strip;
using std::chrono::milliseconds;
using strip::clock;
using namespace std::chrono_literals;

// What one node needs: strings ready to send, patterns ready to search.
struct outlet {
    std::map<std::string, std::string, std::less<>> say;  // off, on, status
    std::optional<strip::pattern> expect;                 // answer to off and on
    std::optional<strip::pattern> is_off, is_on;          // in the answer to status
    std::optional<milliseconds> assume_off_after;
    milliseconds timeout{}, reply_time{};
};

class serial_strip {
public:
    static constexpr sdk::about about{"stonith-serial-strip", "1.0", "an outlet strip on a serial line"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "device",
                   .type = sdk::type::path,
                   .scope = sdk::scope::either,
                   .required = true,
                   .help = "the serial port that the strip hangs on; for each node, as seen from the machine that "
                           "switches, or one for all"},
        sdk::param{.name = "baud",
                   .type = sdk::type::integer,
                   .unit = "bit/s",
                   .fallback = "9600",
                   .minimum = 50,
                   .maximum = 115200,
                   .help = "speed of the line"},
        sdk::param{.name = "parity",
                   .type = sdk::type::choice,
                   .fallback = "none",
                   .choices = "none|odd|even",
                   .help = "parity bit"},
        sdk::param{.name = "data_bits",
                   .type = sdk::type::integer,
                   .fallback = "8",
                   .minimum = 5,
                   .maximum = 8,
                   .help = "data bits of a character"},
        sdk::param{.name = "stop_bits",
                   .type = sdk::type::integer,
                   .fallback = "1",
                   .minimum = 1,
                   .maximum = 2,
                   .help = "stop bits of a character"},
        sdk::param{.name = "flow",
                   .type = sdk::type::choice,
                   .fallback = "none",
                   .choices = "none|rtscts|xonxoff",
                   .help = "flow control"},
        sdk::param{.name = "outlet",
                   .scope = sdk::scope::node,
                   .help = "what the strip calls the node's outlet; %o in strings and patterns"},
        sdk::param{.name = "wake_string",
                   .scope = sdk::scope::either,
                   .help = "sent before every other string, to wake the strip's command mode"},
        sdk::param{.name = "off_string",
                   .scope = sdk::scope::either,
                   .required = true,
                   .help = "switches the node off; \\r \\n \\t \\\\ \\x41 are bytes, %o the outlet"},
        sdk::param{.name = "on_string", .scope = sdk::scope::either, .required = true, .help = "switches the node on"},
        sdk::param{.name = "status_string",
                   .scope = sdk::scope::either,
                   .help = "asks for the outlet's state; without it `off` is never confirmed"},
        sdk::param{.name = "expect",
                   .scope = sdk::scope::either,
                   .help = "regular expression: the strip's answer to off and on; default: none is waited for"},
        sdk::param{.name = "status_off",
                   .scope = sdk::scope::either,
                   .help = "regular expression: the answer to the status string that means off"},
        sdk::param{.name = "status_on",
                   .scope = sdk::scope::either,
                   .help = "regular expression: the answer to the status string that means on"},
        sdk::param{.name = "reply_time",
                   .type = sdk::type::duration,
                   .scope = sdk::scope::either,
                   .fallback = "2s",
                   .minimum = 10,
                   .maximum = 600'000,
                   .help = "how long one answer may take"},
        kit::stonith_timeout,
        kit::stonith_assume_off_after(
            "only without a status string: so long after `off` the node counts as off; a weak proof")};

    explicit serial_strip(const sdk::setup& setup) : setup_(setup) {
        const auto& params = setup.params;
        settings_.baud = static_cast<std::uint32_t>(params.integer("baud"));
        if (!kit::is_baud_rate(settings_.baud))
            throw sdk::refused("parameter baud: " + params.text("baud") +
                               " is no standard rate (300, 1200, 9600, ...)");
        settings_.data_bits = static_cast<std::uint32_t>(params.integer("data_bits"));
        settings_.stop_bits = static_cast<std::uint32_t>(params.integer("stop_bits"));
        using parity = kit::line_settings::parity_bit;
        settings_.parity = params.text("parity") == "odd"    ? parity::odd
                           : params.text("parity") == "even" ? parity::even
                                                             : parity::none;
        using flow = kit::line_settings::flow_control;
        settings_.flow = params.text("flow") == "rtscts"    ? flow::rtscts
                         : params.text("flow") == "xonxoff" ? flow::xonxoff
                                                            : flow::none;
        for (const auto& node : setup.nodes) outlets_[node.name] = make_outlet(node);
    }

    sdk::answer off(std::string_view node) { return act(node, "off", sdk::outcome::off); }
    sdk::answer on(std::string_view node) { return act(node, "on", sdk::outcome::on); }

    sdk::answer status(std::string_view node) {
        auto found = outlets_.find(node);
        if (found == outlets_.end()) return unknown_node(node);
        if (!found->second.say.contains("status")) return {sdk::outcome::unknown, "the strip has no status string"};
        strip::conversation line(setup_.find(node)->params.text("device"), settings_);
        return read_back(line, found->second, clock::now() + found->second.timeout);
    }

private:
    static sdk::answer unknown_node(std::string_view node) {
        return {sdk::outcome::failed, "this strip does not serve the node " + std::string(node)};
    }

    static std::string replaced(const sdk::node& node, std::string_view name) {
        auto text = kit::expand(node.params.text(name), {{'o', node.params.text("outlet")}});
        if (!text)
            throw sdk::refused("node " + node.name + ": parameter " + std::string(name) +
                               " has an unknown placeholder, known are %o and %%");
        if (node.params.text(name).find("%o") != std::string::npos && !node.params.has("outlet"))
            throw sdk::refused("node " + node.name + ": parameter " + std::string(name) +
                               " has %o, but no outlet is given for this node");
        return *text;
    }

    static std::string bytes_of(const sdk::node& node, std::string_view name) {
        auto raw = kit::unescape(replaced(node, name));
        if (!raw)
            throw sdk::refused("node " + node.name + ": parameter " + std::string(name) +
                               " has an unknown escape, known are \\r \\n \\t \\0 \\\\ and \\x41");
        return *raw;
    }

    static std::optional<strip::pattern> pattern_of(const sdk::node& node, std::string_view name) {
        if (!node.params.has(name)) return std::nullopt;
        strip::pattern made(replaced(node, name));
        if (!made.problem().empty())
            throw sdk::refused("node " + node.name + ": parameter " + std::string(name) +
                               " is no regular expression: " + made.problem());
        return made;
    }

    static outlet make_outlet(const sdk::node& node) {
        outlet made;
        auto wake = bytes_of(node, "wake_string");
        for (std::string_view action : {"off", "on", "status"}) {
            auto name = std::string(action) + "_string";
            if (node.params.has(name)) made.say[std::string(action)] = wake + bytes_of(node, name);
        }
        made.expect = pattern_of(node, "expect");
        made.is_off = pattern_of(node, "status_off");
        made.is_on = pattern_of(node, "status_on");
        made.timeout = node.params.duration("timeout");
        made.reply_time = node.params.duration("reply_time");
        if (node.params.has("assume_off_after")) made.assume_off_after = node.params.duration("assume_off_after");
        const bool asks = made.say.contains("status");
        if (asks != made.is_off.has_value() || asks != made.is_on.has_value())
            throw sdk::refused("node " + node.name +
                               ": status_string, status_off and status_on belong together, give all three or none");
        if (asks && made.assume_off_after)
            throw sdk::refused("node " + node.name +
                               ": assume_off_after is for strips without a status string, remove one of the two");
        return made;
    }

    static std::string describe(const strip::conversation& line) {
        if (!line.problem().empty()) return line.problem();
        return line.heard().empty() ? "no answer" : "unexpected answer '" + kit::printable(line.heard()) + "'";
    }

    static sdk::answer read_back(strip::conversation& line, const outlet& node, clock::time_point deadline) {
        line.settle(deadline);
        if (!line.say(node.say.at("status"), deadline)) return {sdk::outcome::unknown, describe(line)};
        if (line.listen({&*node.is_off, &*node.is_on}, std::min(deadline, clock::now() + node.reply_time)) < 0)
            return {sdk::outcome::unknown, "read-back: " + describe(line)};
        line.settle(deadline);
        const bool off = node.is_off->fits(line.heard());
        const bool on = node.is_on->fits(line.heard());
        if (off && on)
            return {sdk::outcome::unknown,
                    "read-back: '" + kit::printable(line.heard()) + "' fits status_off and status_on"};
        return {off ? sdk::outcome::off : sdk::outcome::on, off ? "read back: off" : "read back: on"};
    }

    sdk::answer act(std::string_view name, const char* action, sdk::outcome wanted) {
        auto found = outlets_.find(name);
        if (found == outlets_.end()) return unknown_node(name);
        const auto& node = found->second;
        const auto deadline = clock::now() + node.timeout;
        strip::conversation line(setup_.find(name)->params.text("device"), settings_);
        if (!line.say(node.say.at(action), deadline))
            return {sdk::outcome::unknown, std::string(action) + ": " + describe(line)};
        std::string doubt;
        if (node.expect && line.listen({&*node.expect}, std::min(deadline, clock::now() + node.reply_time)) < 0)
            doubt = std::string(action) + ": " + describe(line);
        if (!node.say.contains("status")) return without_read_back(node, action, doubt);
        // The answer may have been garbled on the line; the state decides. A strip switches with a delay.
        for (auto pause = 50ms;; pause = std::min<milliseconds>(pause * 2, 500ms)) {
            auto seen = read_back(line, node, deadline);
            if (seen.outcome == wanted) return seen;
            if (clock::now() + pause >= deadline)
                return {sdk::outcome::unknown, (doubt.empty() ? "" : doubt + "; ") + seen.text};
            std::this_thread::sleep_for(pause);
        }
    }

    static sdk::answer without_read_back(const outlet& node, std::string_view action, const std::string& doubt) {
        if (!doubt.empty()) return {sdk::outcome::unknown, doubt};
        if (action != "off" || !node.assume_off_after)
            return {sdk::outcome::unknown, "the string was sent, but without a status string nothing is proven"};
        std::this_thread::sleep_for(*node.assume_off_after);
        return {sdk::outcome::off_assumed,
                "told to go off " + std::to_string(node.assume_off_after->count()) + " ms ago, not read back"};
    }

    sdk::setup setup_;
    kit::line_settings settings_;
    std::map<std::string, outlet, std::less<>> outlets_;
};

}  // namespace

MAINSTAY_STONITH_PLUGIN(serial_strip)
