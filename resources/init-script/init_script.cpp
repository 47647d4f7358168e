// init-script: exit codes of `status`: 0 running; 1, 2 and 3 not running (1 and 2 left a file
// behind); anything else says nothing. Those of start and stop are believed only together with it.
#include <mainstay/plugin.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "common/run_command.hpp"
#include "common/text.hpp"

namespace {

namespace sdk = mainstay::sdk;
namespace kit = mainstay::kit;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class init_script {
public:
    static constexpr sdk::about about{"init-script", "1.0", "a service driven by its init script"};
    static constexpr auto parameters = std::array{
        sdk::param{.name = "script",
                   .required = true,
                   .help = "path of the script, or its name in /etc/init.d; the node must not start it at boot"},
        sdk::param{.name = "start_timeout",
                   .type = sdk::type::duration,
                   .fallback = "60s",
                   .minimum = 100,
                   .maximum = 86'400'000,
                   .help = "time for `start`; then it is killed and has failed"},
        sdk::param{.name = "stop_timeout",
                   .type = sdk::type::duration,
                   .fallback = "60s",
                   .minimum = 100,
                   .maximum = 86'400'000,
                   .help = "time for `stop` until `status` says not running"},
        sdk::param{.name = "status_timeout",
                   .type = sdk::type::duration,
                   .fallback = "10s",
                   .minimum = 100,
                   .maximum = 3'600'000,
                   .help = "time for `status`; then it is killed and the state is unknown"},
        sdk::param{.name = "settle_time",
                   .type = sdk::type::duration,
                   .fallback = "3s",
                   .minimum = 0,
                   .maximum = 600'000,
                   .help = "how long after `start` the status may still say not running"}};

    explicit init_script(const sdk::setup& setup) : params_(setup.params), script_(params_.text("script")) {
        if (script_.find('/') == std::string::npos) script_ = "/etc/init.d/" + script_;
        if (script_.front() != '/')
            throw sdk::refused("script '" + script_ + "' is neither an absolute path nor a name in /etc/init.d");
    }

    sdk::answer start() {
        if (auto text = script_problem(); !text.empty()) return {sdk::outcome::not_running, text};
        if (status().outcome == sdk::outcome::ok) return {sdk::outcome::ok, script_ + " was already running"};
        auto end = run("start", params_.duration("start_timeout"));
        if (!end.exited_with(0)) return {sdk::outcome::failed, script_ + " start: " + end.text()};
        auto seen = wait_for(sdk::outcome::ok, params_.duration("settle_time"));
        if (seen.outcome == sdk::outcome::not_running)
            return {sdk::outcome::failed, script_ + " start succeeded, but its status says: " + seen.text};
        // A script without a usable status is taken at its word.
        return {sdk::outcome::ok, seen.outcome == sdk::outcome::ok ? "" : "not verified: " + seen.text};
    }

    sdk::answer stop() {
        if (auto text = script_problem(); !text.empty()) return {sdk::outcome::unknown, text};
        const auto deadline = clock::now() + params_.duration("stop_timeout");
        auto end = run("stop", params_.duration("stop_timeout"));
        // Dead processes may count as alive until somebody has reaped them.
        auto seen = wait_for(sdk::outcome::not_running,
                             std::max(1ms, std::chrono::duration_cast<milliseconds>(deadline - clock::now())));
        if (seen.outcome == sdk::outcome::not_running) return {sdk::outcome::ok, {}};
        if (seen.outcome == sdk::outcome::ok)
            return {sdk::outcome::failed, script_ + " is still running after stop (" + end.text() + ")"};
        return {sdk::outcome::unknown, script_ + " stop: " + end.text() + "; " + seen.text};
    }

    sdk::answer status() {
        if (auto text = script_problem(); !text.empty()) return {sdk::outcome::unknown, text};
        auto end = run("status", params_.duration("status_timeout"));
        auto text = script_ + " status: " + end.text();
        if (end.exited_with(0)) return {sdk::outcome::ok, {}};
        if (end.exited_with(1) || end.exited_with(2) || end.exited_with(3)) return {sdk::outcome::not_running, text};
        return {sdk::outcome::unknown, text};
    }

private:
    [[nodiscard]] std::string script_problem() const {
        struct stat info {};
        if (::stat(script_.c_str(), &info) != 0) return script_ + ": " + kit::error_text(errno);
        if (!S_ISREG(info.st_mode)) return script_ + " is not a file";
        if (::access(script_.c_str(), X_OK) != 0) return script_ + " is not executable";
        return {};
    }

    [[nodiscard]] kit::command_end run(const char* action, milliseconds timeout) const {
        return kit::run_command(
            {.argv = {script_, action},
             // Debian's scripts would hand the call on to systemd, which would own
             // the service then.
             .environment = {{"SYSTEMCTL_SKIP_REDIRECT", "1"},
                             {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                             {"HOME", "/"},
                             {"LC_ALL", "C"}},
             .timeout = timeout,
             .dies_with_us = false});
    }

    // Asks until the state is the wanted one, or cannot be known, or the time is over.
    sdk::answer wait_for(sdk::outcome wanted, milliseconds patience) {
        const auto deadline = clock::now() + patience;
        for (auto pause = 20ms;; pause = std::min<milliseconds>(pause * 2, 500ms)) {
            auto seen = status();
            if (seen.outcome == wanted || seen.outcome == sdk::outcome::unknown) return seen;
            if (clock::now() + pause >= deadline) return seen;
            std::this_thread::sleep_for(pause);
        }
    }

    sdk::values params_;
    std::string script_;
};

}  // namespace

MAINSTAY_RESOURCE_PLUGIN(init_script)
