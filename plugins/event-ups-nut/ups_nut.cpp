// event-ups-nut: polls one UPS and posts ups_on_mains, ups_on_battery, ups_low_battery and
// ups_unreachable, each once when the state changes, and the first state after the start.
#include <mainstay/plugin.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <sstream>
#include <string>

#include "common/text.hpp"
#include "common/unique_fd.hpp"
#include "nut_client.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace kit = mainstay::kit;
namespace nut = mainstay::ups_nut;
using nut::clock;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

enum class power { none, on_mains, on_battery, low_battery, unreachable };

struct reading {
    power state = power::none;  // none: the words of ups.status name neither mains nor battery
    std::string status, charge, runtime;
};

class ups_watch {
public:
    static constexpr sdk::about about{"event-ups-nut", "1.0", "watches a UPS through NUT's upsd"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "ups", .required = true, .help = "the UPS's name in upsd, as `upsc -l` prints it"},
        sdk::param{.name = "host", .fallback = "127.0.0.1", .help = "the machine that upsd runs on"},
        sdk::param{.name = "port",
                   .type = sdk::type::integer,
                   .fallback = "3493",
                   .minimum = 1,
                   .maximum = 65535,
                   .help = "upsd's TCP port"},
        sdk::param{.name = "username", .help = "a user of upsd; reading needs none"},
        sdk::param{.name = "password", .secret = true, .help = "that user's password"},
        sdk::param{.name = "poll",
                   .type = sdk::type::duration,
                   .fallback = "2s",
                   .minimum = 50,
                   .maximum = 600'000,
                   .help = "time between two readings"},
        sdk::param{.name = "unreachable_after",
                   .type = sdk::type::duration,
                   .fallback = "10s",
                   .minimum = 0,
                   .maximum = 3'600'000,
                   .help = "so long without fresh data the UPS counts as unreachable"}};

    explicit ups_watch(const sdk::setup& setup)
        : params_(setup.params),
          host_(setup.host),
          interrupt_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          client_(interrupt_.get()) {
        if (!interrupt_) throw sdk::refused("no eventfd: " + kit::error_text(errno));
        if (params_.has("username") != params_.has("password"))
            throw sdk::refused("username and password belong together, give both or none");
    }

    void run() {
        last_good_ = clock::now();
        auto back_off = 100ms;
        while (!stopped()) {
            reading seen;
            std::string problem;
            if (read(seen, problem)) {
                last_good_ = clock::now();
                back_off = 100ms;
                judge(seen);
                pause(params_.duration("poll"));
                continue;
            }
            if (stopped()) return;
            if (clock::now() - last_good_ >= params_.duration("unreachable_after")) {
                seen.state = power::unreachable;
                judge(seen, problem);
            }
            pause(std::min<milliseconds>(back_off, params_.duration("poll")));
            back_off = std::min<milliseconds>(back_off * 2, 5s);
        }
    }

    void stop() {
        const std::uint64_t one = 1;
        [[maybe_unused]] auto written = ::write(interrupt_.get(), &one, sizeof one);
    }

private:
    bool stopped() { return !pause(0ms); }

    // False when it was interrupted. The descriptor stays readable: a stop is for good.
    bool pause(milliseconds time) {
        pollfd wanted{interrupt_.get(), POLLIN, 0};
        return ::poll(&wanted, 1, static_cast<int>(time.count())) == 0;
    }

    // One reading of the few variables needed: GET VAR costs a fraction of LIST VAR.
    bool read(reading& seen, std::string& problem) {
        const auto deadline = clock::now() + 5s;
        if (!client_.connected() && !sign_on(deadline, problem)) return false;
        if (!get("ups.status", seen.status, deadline, problem)) return false;
        std::string ignored;
        if (!get("battery.charge", seen.charge, deadline, ignored) && !client_.connected()) return false;
        if (!get("battery.runtime", seen.runtime, deadline, ignored) && !client_.connected()) return false;
        seen.state = state_of(seen.status);
        return true;
    }

    bool sign_on(clock::time_point deadline, std::string& problem) {
        std::string answer;
        if (!client_.connect(params_.text("host"), params_.text("port"), deadline)) {
            problem = client_.problem();
            return false;
        }
        if (!params_.has("username")) return true;
        for (const auto& line : {"USERNAME " + nut::quoted(params_.text("username")),
                                 "PASSWORD " + nut::quoted(params_.text("password"))}) {
            if (!client_.ask(line, answer, deadline)) {
                problem = client_.problem();
                return false;
            }
            if (answer != "OK") host_.log(sdk::severity::warning, "upsd does not take the user name: " + answer);
        }
        return true;
    }

    bool get(const std::string& name, std::string& value, clock::time_point deadline, std::string& problem) {
        std::string answer;
        if (!client_.ask("GET VAR " + nut::quoted(params_.text("ups")) + " " + name, answer, deadline)) {
            problem = client_.problem();
            return false;
        }
        if (nut::parse_var(answer, name, value)) return true;
        problem = "upsd says: " + kit::printable(answer);
        return false;
    }

    // The status is a set of words. A low battery matters only without mains; FSD is upsd's own
    // order to shut down.
    static power state_of(const std::string& status) {
        std::istringstream words(status);
        std::set<std::string> set;
        for (std::string word; words >> word;) set.insert(word);
        if (set.contains("FSD") || (set.contains("OB") && set.contains("LB"))) return power::low_battery;
        if (set.contains("OB")) return power::on_battery;
        if (set.contains("OL")) return power::on_mains;
        return power::none;
    }

    void judge(const reading& seen, const std::string& problem = {}) {
        if (seen.state == power::none || seen.state == state_) return;
        sdk::field_map fields{{"ups", params_.text("ups")}};
        if (state_ == power::none) fields["first"] = "yes";
        if (!seen.status.empty()) fields["status"] = seen.status;
        if (!seen.charge.empty()) fields["charge"] = seen.charge;
        if (!seen.runtime.empty()) fields["runtime"] = seen.runtime;
        if (!problem.empty()) fields["reason"] = problem;
        state_ = seen.state;
        switch (seen.state) {
            case power::on_mains:
                return host_.post(sdk::severity::info, "ups_on_mains", fields);
            case power::on_battery:
                return host_.post(sdk::severity::alarm, "ups_on_battery", fields);
            case power::low_battery:
                return host_.post(sdk::severity::alarm, "ups_low_battery", fields);
            default:
                return host_.post(sdk::severity::alarm, "ups_unreachable", fields);
        }
    }

    sdk::values params_;
    sdk::host host_;
    kit::unique_fd interrupt_;
    nut::nut_client client_;
    power state_ = power::none;
    clock::time_point last_good_{};
};

}  // namespace

MAINSTAY_EVENT_SOURCE_PLUGIN(ups_watch)
