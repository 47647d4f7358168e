// A real upsd with dummy-ups in a network namespace of its own.
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>

#include "host_process.hpp"

using namespace mainstay;
using Catch::Matchers::Contains;

namespace {

class nut {
public:
    nut() {
        std::filesystem::create_directories(dir_ / "etc");
        std::filesystem::create_directories(dir_ / "run");
        test::write_file(dir_ / "etc/ups.conf",
                         "maxretry = 1\npollinterval = 1\n[ups1]\n  driver = dummy-ups\n  port = ups1.dev\n");
        test::write_file(dir_ / "etc/ups1.dev",
                         "ups.status: OL CHRG\nbattery.charge: 97\nbattery.runtime: 1800\nups.load: 23\n");
        test::write_file(dir_ / "etc/upsd.conf", "LISTEN 127.0.0.1 3493\nMAXAGE 3\n");
        test::write_file(dir_ / "etc/upsd.users", "[admin]\n  password = adminpw\n  actions = SET\n  instcmds = ALL\n");
        std::filesystem::permissions(dir_.path(), std::filesystem::perms::owner_all);
        start_driver();
        start_server();
    }
    void start_driver() { driver_ = run({"/lib/nut/dummy-ups", "-F", "-u", "root", "-a", "ups1"}); }
    void start_server() { server_ = run({"/lib/nut/upsd", "-F", "-u", "root"}); }
    void stop_server() { server_ = test::child(); }
    test::child& driver() { return driver_; }
    void set(const std::string& name, const std::string& value) const {
        REQUIRE(test::eventually([&] {
            return net.shell("upsrw -s '" + name + "=" + value +
                             "' -u admin -p 'adminpw' ups1@127.0.0.1 >/dev/null 2>&1 && echo yes || echo no") ==
                   "yes\n";
        }));
    }
    test::net_namespace net;

private:
    test::child run(const std::vector<std::string>& argv) {
        return test::child(argv, [&] {
            net.enter();
            for (const char* name : {"NUT_STATEPATH", "NUT_PIDPATH", "NUT_ALTPIDPATH"})
                ::setenv(name, (dir_ / "run").c_str(), 1);
            ::setenv("NUT_CONFPATH", (dir_ / "etc").c_str(), 1);
        });
    }
    test::scratch dir_;
    test::child driver_, server_;
};

plugin::instance_config watch(plugin::field_map more = {}) {
    more.insert({{"ups", "ups1"}, {"poll", "50ms"}, {"unreachable_after", "0"}});
    return {.file = "event-ups-nut", .instance = "ups", .params = std::move(more)};
}

}  // namespace

TEST_CASE("event-ups-nut: mains, battery, low battery and back, each once") {
    const nut real;
    test::host_process host(watch({{"unreachable_after", "60s"}}), &real.net);
    auto first = host.await_event("ups_on_mains");
    CHECK(first.args.at("first") == "yes");
    CHECK(first.args.at("ups") == "ups1");
    CHECK(first.args.at("charge") == "97");
    CHECK(first.args.at("runtime") == "1800");

    real.set("ups.status", "OB DISCHRG");
    auto battery = host.await_event("ups_on_battery");
    CHECK(battery.severity == plugin::severity::alarm);
    CHECK(battery.args.at("status") == "OB DISCHRG");
    CHECK_FALSE(battery.args.contains("first"));
    // More words, the same state: nothing to tell. Then both at once.
    real.set("ups.status", "OB DISCHRG RB");
    real.set("battery.charge", "9");
    real.set("ups.status", "OB LB");
    auto low = host.await_event("ups_low_battery");
    CHECK(low.args.at("charge") == "9");
    real.set("ups.status", "OL LB CHRG");
    auto mains = host.await_event("ups_on_mains");
    CHECK(mains.severity == plugin::severity::info);
    CHECK(host.events().empty());
}

TEST_CASE("event-ups-nut: no data is an event too, and it comes back by itself") {
    nut real;
    test::host_process host(watch({{"username", "admin"}, {"password", "adminpw"}}), &real.net);
    host.await_event("ups_on_mains");
    // The driver hangs: upsd says so after MAXAGE.
    real.driver().kill(SIGSTOP);
    CHECK_THAT(host.await_event("ups_unreachable").args.at("reason"), Contains("DATA-STALE"));
    real.driver().kill(SIGCONT);
    host.await_event("ups_on_mains");
    real.stop_server();
    CHECK_FALSE(host.await_event("ups_unreachable").args.at("reason").empty());
    real.start_server();
    host.await_event("ups_on_mains");
    CHECK(host.events().empty());
}

TEST_CASE("event-ups-nut: a wrong name or address is told once, with the reason") {
    const nut real;
    test::host_process wrong(watch({{"ups", "ups9"}}), &real.net);
    // Until upsd is up the reason is another one.
    auto first = wrong.await_event("ups_unreachable");
    CHECK(first.args.at("first") == "yes");
    test::host_process late(watch({{"ups", "ups9"}, {"unreachable_after", "1s"}}), &real.net);
    CHECK_THAT(late.await_event("ups_unreachable").args.at("reason"), Contains("UNKNOWN-UPS"));
    test::host_process closed(watch({{"port", "3999"}}), &real.net);
    CHECK_THAT(closed.await_event("ups_unreachable").args.at("reason"), Contains("Connection refused"));
    CHECK_THAT(test::host_process(watch({{"username", "x"}})).refusal(), Contains("belong together"));
}

TEST_CASE("event-ups-nut: ends with the daemon, even without a server that answers") {
    const test::net_namespace net;
    test::child deaf({"/usr/bin/socat", "TCP-LISTEN:3493,fork", "EXEC:'/bin/sleep 60'"}, [&] { net.enter(); });
    test::host_process host(watch(), &net);
    REQUIRE(host.refusal().empty());
    REQUIRE(test::eventually([&] { return !net.shell("ss -Htn state established sport = :3493").empty(); }));
    host.close_socket();
    CHECK(host.process().wait() == 0);
}
